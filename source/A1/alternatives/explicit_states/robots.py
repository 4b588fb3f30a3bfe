"""Rules as futures: whoever asks first fetches, the others await the same task."""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.robotparser import RobotFileParser

from pages import site_of


class Robots:
    """One task for each site."""

    def __init__(self, agent: str, fetch: Callable[[str], Awaitable[tuple[int, str]]]) -> None:
        self.agent, self.fetch = agent, fetch
        self.tasks: dict[str, asyncio.Task[RobotFileParser]] = {}

    async def allowed(self, url: str) -> bool:
        """Whether it may be fetched."""
        site = site_of(url)
        if site not in self.tasks:
            self.tasks[site] = asyncio.create_task(self.learn(site))
        return (await self.tasks[site]).can_fetch(self.agent, url)

    async def learn(self, site: str) -> RobotFileParser:
        """Fetch and read."""
        rules = RobotFileParser()
        try:
            status, text = await self.fetch(site + "/robots.txt")
        except (OSError, TimeoutError):
            status, text = 599, ""
        if status < 400:
            rules.parse(text.splitlines())
        else:
            rules.parse(["User-agent: *", "Disallow: /"] if status >= 500 else [])
        return rules
