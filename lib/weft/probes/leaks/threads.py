"""Threads that run Python code, and where they stand."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Hashable

from weft.probes.family import LINUX
from weft.probes.leaks.left import THREAD, Left
from weft.probes.places import Own


class Threads:
    """Those that :mod:`threading` knows, and those that were started below it and run Python code now."""

    def __init__(self) -> None:
        self.own = Own()
        self._other = _native()

    def seen(self) -> dict[Hashable, Callable[[], Left]]:
        """Each under its object, or under its identifier if :mod:`threading` has none for it."""
        found: dict[Hashable, Callable[[], Left]] = {}
        threads = {thread.ident: thread for thread in threading.enumerate()}
        for ident in threads.keys() | sys._current_frames().keys():
            thread = threads.get(ident)
            found[thread or ("below", ident)] = self._describing(ident, thread)
        return found

    def notes(self) -> list[str]:
        """Threads of C libraries, which often keep a pool for ever."""
        more = _native() - self._other
        if more <= 0:
            return []
        return [f"{more} threads that run no Python code were begun by libraries and go on; they are not counted."]

    def _describing(self, ident: int | None, thread: threading.Thread | None) -> Callable[[], Left]:
        name = thread.name if thread else f"number {ident}, started without threading"
        daemon = " (daemon)" if thread and thread.daemon else ""

        def describe() -> Left:
            spot = self.own.of_frame(sys._current_frames().get(ident or 0))
            return Left(THREAD, name, daemon + (f" at {spot} {spot.source}".rstrip() if spot else ""))

        return describe


def _native() -> int:
    """How many threads run no Python code; 0 where the system does not tell."""
    return len(os.listdir("/proc/self/task")) - len(sys._current_frames()) if LINUX else 0
