"""An event loop inside: one task per file, a semaphore for the places, the blocking transfer in threads of the loop."""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests
from progress import Progress, Snapshot
from transfer import Item, TransferError, transfer


class Stopped(Exception):
    """The manager was stopped while this file was under way."""


class DownloadManager:
    """Fetches ``items`` into ``folder``, at most ``limit`` at a time."""

    def __init__(
        self,
        items: Iterable[Item],
        folder: Path,
        *,
        limit: int = 5,
        retries: int = 3,
        backoff: float = 0.05,
        timeout: float = 5.0,
        session: Callable[[], requests.Session] = requests.Session,
    ) -> None:
        self.items = list(items)
        self._refuse_nonsense(limit)
        self.folder, self.limit = folder, limit
        self.options: dict[str, Any] = {"retries": retries, "backoff": backoff, "timeout": timeout}
        self.progress = Progress(self.items)
        self.sessions: queue.LifoQueue[requests.Session] = queue.LifoQueue()
        for _ in range(limit):
            self.sessions.put(session())
        self.going = threading.Event()
        self.going.set()
        self.switch = threading.Lock()
        self.stopped = False

    def _refuse_nonsense(self, limit: int) -> None:
        if limit <= 0:
            raise ValueError(f"limit is {limit}")
        seen: set[str] = set()
        for item in self.items:
            if item.name in seen or Path(item.name).name != item.name:
                raise ValueError(f"cannot use the name {item.name!r}")
            seen.add(item.name)

    def run(self) -> dict[str, str]:
        """Fetch everything; returns the reasons of those that failed."""
        return asyncio.run(self._run())

    async def _run(self) -> dict[str, str]:
        places = asyncio.Semaphore(self.limit)
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(self.limit) as pool:

            async def one(item: Item) -> str:
                async with places:
                    return await loop.run_in_executor(pool, self._fetch, item)

            reasons = await asyncio.gather(*map(one, self.items))
        while not self.sessions.empty():
            self.sessions.get().close()
        return {item.name: reason for item, reason in zip(self.items, reasons, strict=True) if reason}

    def _fetch(self, item: Item) -> str:
        session = self.sessions.get()
        try:
            transfer(
                item,
                self.folder,
                session,
                report=lambda received: self.progress.update(item.name, received),
                checkpoint=self._checkpoint,
                **self.options,
            )
        except (TransferError, Stopped, OSError) as error:
            self.progress.fail(item.name)
            return str(error) or type(error).__name__
        else:
            self.progress.finish(item.name)
            return ""
        finally:
            self.sessions.put(session)

    def _checkpoint(self) -> None:
        self.going.wait()
        if self.stopped:
            raise Stopped

    def pause(self) -> None:
        """Ask the workers to hold still."""
        with self.switch:
            if not self.stopped:
                self.going.clear()

    def resume(self) -> None:
        """Let them go on."""
        self.going.set()

    def stop(self) -> None:
        """Give up what is not finished."""
        with self.switch:
            self.stopped = True
            self.going.set()

    def statistics(self) -> Snapshot:
        """How it stands."""
        return self.progress.snapshot()
