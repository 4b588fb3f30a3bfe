"""Workers for each site, fed by a queue: no task for each page."""

import asyncio
import contextlib
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import urljoin

import aiohttp
from circuit_breaker import CircuitBreaker
from pages import Page, Report, read, seconds_of, site_of
from robots import Robots
from token_bucket import TokenBucket


class Left(Exception):
    """Nothing more can be done for this page."""


class Lane:
    """A site: its queue, its brakes, its numbers."""

    def __init__(self, bucket: TokenBucket, breaker: CircuitBreaker) -> None:
        self.bucket, self.breaker = bucket, breaker
        self.queue: asyncio.Queue[str] = asyncio.Queue()
        self.numbers = {"fetched": 0, "failed": 0}


class Scraper:
    """As the reference's, from its options to its report."""

    def __init__(self, **options: Any) -> None:
        known = {"rate": 10.0, "burst": 5, "connections": 4, "retries": 2, "backoff": 0.1, "timeout": 5.0}
        known |= {"threshold": 3, "cooldown": 5.0, "give_up": 3, "most_pages": 1000, "most_bytes": 1_000_000}
        self.options: dict[str, Any] = known | {"agent": "weft"} | options
        if self.options["connections"] < 1 or self.options["retries"] < 0:
            raise ValueError("connections or retries")
        self._lane()
        self.lanes: dict[str, Lane] = {}
        self.report = Report()

    def _lane(self) -> Lane:
        own = self.options
        return Lane(TokenBucket(own["rate"], own["burst"]), CircuitBreaker(own["threshold"], own["cooldown"]))

    def statistics(self) -> dict[str, dict[str, object]]:
        """How each site stands."""
        return {name: {**lane.numbers, "breaker": lane.breaker.state} for name, lane in self.lanes.items()}

    async def run(self, starts: Iterable[str]) -> Report:
        """Fill the queues, let the workers empty them, send the workers home."""
        starts = list(starts)
        self.lanes = {site_of(url): self._lane() for url in starts}
        self.report, self.seen = Report(), set[str]()
        connector = aiohttp.TCPConnector(limit=0, limit_per_host=self.options["connections"])
        timeout = aiohttp.ClientTimeout(total=self.options["timeout"])
        agent = {"User-Agent": self.options["agent"]}
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=agent) as self.session:
            self.robots = Robots(self.options["agent"], self.rules)
            self.add(starts)
            lanes = [lane for lane in self.lanes.values() for _ in range(self.options["connections"])]
            workers = [asyncio.create_task(self.work(lane)) for lane in lanes]
            try:
                await self.quiet()
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
        return self.report

    async def quiet(self) -> None:
        """Until no queue has anything left; a page of one site may fill another's."""
        while any(lane.queue._unfinished_tasks for lane in self.lanes.values()):  # type: ignore[attr-defined]
            for lane in self.lanes.values():
                await lane.queue.join()

    def add(self, links: Iterable[str]) -> None:
        """Queue what is new."""
        for url in links:
            lane = self.lanes.get(site_of(url))
            if lane and url not in self.seen and len(self.seen) < self.options["most_pages"]:
                self.seen.add(url)
                lane.queue.put_nowait(url)

    async def work(self, lane: Lane) -> None:
        """Take a page, see it through, take the next."""
        while True:
            url = await lane.queue.get()
            try:
                page = await self.visit(url)
            except PermissionError:
                self.report.forbidden.add(url)
            except Left as reason:
                lane.numbers["failed"] += 1
                self.report.failed[url] = str(reason)
            else:
                lane.numbers["fetched"] += 1
                self.report.pages[url] = page
                self.add(page.links)
            finally:
                lane.queue.task_done()

    async def visit(self, url: str) -> Page:
        """Follow the redirects."""
        for _ in range(6):
            with contextlib.suppress(ValueError):
                if site_of(url) in self.lanes:
                    if not await self.robots.allowed(url):
                        raise PermissionError(url)
                    found = await self.persist(url)
                    if isinstance(found, Page):
                        return found
                    url = urljoin(url, found)
                    continue
            raise Left(f"leads to {url}")
        raise Left("too many redirects")

    async def persist(self, url: str) -> Page | str:
        """Try, wait, try again."""
        lane, pause, last = self.lanes[site_of(url)], self.options["backoff"], ""
        for _ in range(self.options["retries"] + 1):
            await self.brake(lane)
            wait, last, found = await self.once(lane, url)
            if found is not None:
                return found
            await asyncio.sleep(max(wait, pause))
            pause *= 2
        raise Left(last)

    async def brake(self, lane: Lane) -> None:
        """A token, and the breaker's leave."""
        await lane.bucket.acquire()
        while not lane.breaker.allow():
            if lane.breaker.times_opened >= self.options["give_up"]:
                raise Left("the site is gone")
            await asyncio.sleep(max(lane.breaker.remaining, 0.05))
            await lane.bucket.acquire()

    async def once(self, lane: Lane, url: str) -> tuple[float, str, Page | str | None]:
        """One request: seconds to wait, why, and what came home."""
        done = False
        try:
            async with self.session.get(url, allow_redirects=False) as response:
                if response.status >= 500:
                    raise aiohttp.ClientPayloadError(f"HTTP {response.status}")
                lane.breaker.succeeded()
                done = True
                return await self.understood(url, response)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            lane.breaker.failed()
            done = True
            return 0.0, repr(error), None
        finally:
            if not done:
                lane.breaker.abandoned()

    async def understood(self, url: str, response: aiohttp.ClientResponse) -> tuple[float, str, Page | str | None]:
        """What an answer below 500 means."""
        if response.status == 429:
            return seconds_of(response.headers.get("Retry-After", ""), time.time()), "429", None
        if response.status >= 400:
            raise Left(f"HTTP {response.status}")
        if response.status >= 300:
            return 0.0, "", response.headers.get("Location", "")
        return 0.0, "", read(url, response.status, response.content_type, await self.body(response))

    async def body(self, response: aiohttp.ClientResponse) -> bytes:
        """All of it, unless it is too much."""
        parts, size = [], 0
        while part := await response.content.read(1 << 15):
            parts.append(part)
            size += len(part)
            if size > self.options["most_bytes"]:
                raise Left("too big")
        return b"".join(parts)

    async def rules(self, url: str) -> tuple[int, str]:
        """robots.txt costs a token like any page."""
        await self.lanes[site_of(url)].bucket.acquire()
        async with self.session.get(url) as response:
            return response.status, await response.text()
