"""What the scheduler keeps about each thread, and how a thread finds it."""

from __future__ import annotations

import _thread
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from weft.probes.explorer.races import Clock

if TYPE_CHECKING:
    from weft.probes.explorer.locks import Lock
    from weft.probes.explorer.scheduler import Scheduler

real_lock = _thread.allocate_lock
real_sleep, real_time = time.sleep, time.monotonic


#: A thread that so often swallowed :class:`Stop` is not asked again, but left asleep.
MOST_STOPS = 5


class Stop(BaseException):
    """Ends a controlled thread when its run is over. Never seen outside.

    It is made in the thread that it ends, also when it is sent from another: here is the place to deal with a thread
    that keeps catching it, whatever loop it is in.
    """

    def __init__(self) -> None:
        super().__init__()
        strand = BY_IDENT.get(_thread.get_ident())
        if strand is None:
            return
        strand.stops += 1
        if strand.stops > MOST_STOPS and strand.scheduler.over:
            strand.gone.release()
            never = real_lock()
            never.acquire()
            never.acquire()


class Strand:
    """What the scheduler keeps about one thread."""

    def __init__(self, scheduler: Scheduler, name: str, index: int, daemon: bool) -> None:
        self.scheduler, self.name, self.index, self.daemon = scheduler, name, index, daemon
        self.gate, self.gone = real_lock(), real_lock()
        self.gate.acquire()
        self.gone.acquire()
        self.ident = 0
        self.thread: Any = None
        self.steps = self.alone = self.stops = self.importing = 0
        self.ready: Callable[[], bool] | None = None
        self.deadline: float | None = None
        self.waits_for: tuple[str, Any] | None = None
        self.file: Any = None
        self.done = self.outside = self.bypass = False
        self.held: list[Lock] = []
        self.clock: Clock = {index: 1}

    def able(self) -> bool:
        """Whether it can go on now."""
        if self.done or self.outside:
            return False
        if self.ready is None or self.ready():
            return True
        return self.deadline is not None and self.deadline <= self.scheduler.now


#: The strand of every controlled thread, by its identity; over all runs, for a thread may outlive its own.
BY_IDENT: dict[int, Strand] = {}


def me() -> Strand | None:
    """The strand of the calling thread; None if it is not controlled (or must not be just now)."""
    strand = BY_IDENT.get(_thread.get_ident())
    return None if strand is None or strand.bypass else strand
