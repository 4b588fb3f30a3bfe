"""Workers of our own around a queue, and one condition that holds them all: no pool, no events."""

import queue
import threading
from collections.abc import Callable, Iterable
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
        if limit < 1:
            raise ValueError("at least one worker is needed")
        if len({item.name for item in self.items}) < len(self.items):
            raise ValueError("two items have the same name")
        if any("/" in item.name or item.name in (".", "..") for item in self.items):
            raise ValueError("a name leads out of the folder")
        self.folder, self.limit, self.session = folder, limit, session
        self.options: dict[str, Any] = {"retries": retries, "backoff": backoff, "timeout": timeout}
        self.progress = Progress(self.items)
        self.state = "going"
        self.changed = threading.Condition()
        self.failures: dict[str, str] = {}

    def run(self) -> dict[str, str]:
        """Fetch everything; returns the reasons of those that failed."""
        todo: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        for item in self.items:
            todo.put(item)
        workers = [threading.Thread(target=self._work, args=(todo,)) for _ in range(self.limit)]
        for worker in workers:
            todo.put(None)
            worker.start()
        for worker in workers:
            worker.join()
        return self.failures

    def _work(self, todo: "queue.SimpleQueue[Item | None]") -> None:
        with self.session() as session:
            while (item := todo.get()) is not None:
                self._fetch(item, session)

    def _fetch(self, item: Item, session: requests.Session) -> None:
        def report(received: int) -> None:
            self.progress.update(item.name, received)

        try:
            transfer(item, self.folder, session, report=report, checkpoint=self._wait_while_paused, **self.options)
            self.progress.finish(item.name)
        except (TransferError, Stopped, OSError) as error:
            self.progress.fail(item.name)
            self.failures[item.name] = repr(error)

    def _wait_while_paused(self) -> None:
        with self.changed:
            self.changed.wait_for(lambda: self.state != "paused")
            if self.state == "stopped":
                raise Stopped

    def _become(self, state: str) -> None:
        with self.changed:
            if self.state != "stopped":
                self.state = state
            self.changed.notify_all()

    def pause(self) -> None:
        """Ask the workers to hold still."""
        self._become("paused")

    def resume(self) -> None:
        """Let them go on."""
        self._become("going")

    def stop(self) -> None:
        """Give up what is not finished."""
        self._become("stopped")

    def statistics(self) -> Snapshot:
        """How it stands."""
        return self.progress.snapshot()
