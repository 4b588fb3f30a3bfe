"""Work in a thread of its own, watched from outside."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Background(Generic[Result]):
    """Runs ``work`` in a thread; ``done`` is set when it has ended, one way or the other."""

    def __init__(self, work: Callable[[], Result], name: str = "work") -> None:
        self._future: Future[Result] = Future()
        self.done = threading.Event()
        # A daemon: work that does not end must not keep the kernel from ending.
        self._thread = threading.Thread(target=self._run, args=(work,), name=name, daemon=True)

    def start(self) -> None:
        """Start the work."""
        self._thread.start()

    def _run(self, work: Callable[[], Result]) -> None:
        try:
            self._future.set_result(work())
        except BaseException as error:
            self._future.set_exception(error)
        finally:
            self.done.set()

    @property
    def error(self) -> BaseException | None:
        """What the work raised; None while it runs and if it went well."""
        return self._future.exception() if self.done.is_set() else None

    def result(self, timeout: float | None = None) -> Result:
        """Wait for the end and return what the work returned, or raise what it raised.

        Raises TimeoutError after ``timeout`` seconds.
        """
        return self._future.result(timeout)
