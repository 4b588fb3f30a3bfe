"""A thread for every file and a bounded semaphore for the places; sessions are lent from a stack."""

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import requests
from progress import Progress, Snapshot
from transfer import Item, TransferError, transfer


class Stopped(TransferError):
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
        if limit < 1:
            raise ValueError("limit must be positive")
        self.items = {item.name: item for item in items}
        self.names = list(self.items)
        if any(Path(name).name != name for name in self.names):
            raise ValueError("names must be plain file names")
        self._check_twice(items)
        self.folder = folder
        self.places = threading.BoundedSemaphore(limit)
        self.retries, self.backoff, self.timeout = retries, backoff, timeout
        self.new_session = session
        self.free: list[requests.Session] = []
        self.progress = Progress(self.items.values())
        self.failures: dict[str, str] = {}
        self.resumed = threading.Event()
        self.resumed.set()
        self.stopped = threading.Event()

    def _check_twice(self, items: Iterable[Item]) -> None:
        if len(list(items)) != len(self.items):
            raise ValueError("a name stands twice in the manifest")

    def run(self) -> dict[str, str]:
        """Fetch everything; returns the reasons of those that failed."""
        threads = [threading.Thread(target=self._fetch, args=(item,)) for item in self.items.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for session in self.free:
            session.close()
        return self.failures

    def _fetch(self, item: Item) -> None:
        with self.places:
            session = self.free.pop() if self.free else self.new_session()
            try:
                transfer(
                    item,
                    self.folder,
                    session,
                    retries=self.retries,
                    backoff=self.backoff,
                    timeout=self.timeout,
                    report=lambda received: self.progress.update(item.name, received),
                    checkpoint=self._look_up,
                )
                self.progress.finish(item.name)
            except (TransferError, OSError) as error:
                self.failures[item.name] = str(error)
                self.progress.fail(item.name)
            self.free.append(session)

    def _look_up(self) -> None:
        while not (self.resumed.wait(0.1) or self.stopped.is_set()):
            continue
        if self.stopped.is_set():
            raise Stopped("stopped by the user")

    def pause(self) -> None:
        """Ask the workers to hold still."""
        self.resumed.clear()

    def resume(self) -> None:
        """Let them go on."""
        self.resumed.set()

    def stop(self) -> None:
        """Give up what is not finished."""
        self.stopped.set()
        self.resumed.set()

    def statistics(self) -> Snapshot:
        """How it stands."""
        return self.progress.snapshot()
