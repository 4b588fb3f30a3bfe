"""Lock and RLock under the scheduler. Everything else in ``threading`` and ``queue`` is Python on top of these two."""

from __future__ import annotations

import _thread
import concurrent.futures
import os
import queue
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from weft.probes.explorer.places import Place, assigned_name, place_of, user_frame
from weft.probes.explorer.races import merge
from weft.probes.explorer.strands import Strand, me, real_lock, real_sleep, real_time
from weft.probes.explorer.strategies import COLD, SYNC

real_rlock = threading.RLock
_THROUGH = (__file__, threading.__file__, queue.__file__)
_POOLS = os.path.dirname(concurrent.futures.__file__)


def weight() -> int:
    """SYNC if a lock is used by the learner's code, COLD if by a pool's own plumbing.

    Interrupting a pool in the middle of its plumbing is legal, and tells a learner nothing.
    """
    frame = sys._getframe(2)
    while frame.f_back and frame.f_code.co_filename in _THROUGH:
        frame = frame.f_back
    return COLD if frame.f_code.co_filename.startswith(_POOLS) else SYNC


class Lock:
    """``threading.Lock`` of a controlled thread; other threads that make one get a real lock.

    ``plain`` means that the answer itself made it (or the condition around it): the picture shows such locks.
    """

    _reentrant = False
    _real: Callable[[], Any] = real_lock

    def __new__(cls) -> Any:
        return super().__new__(cls) if me() else cls._real()

    def __init__(self) -> None:
        strand = me()
        assert strand is not None
        self.scheduler = strand.scheduler
        self.owner: Strand | None = None
        self.count = 0
        self.clock: dict[int, int] = {}
        self.taken: dict[int, int] = {}
        self.since: Place | None = None
        self.home: Any = None
        self._name_it()

    def _name_it(self) -> None:
        found = user_frame(sys._getframe(2), self.scheduler.files)
        below = found[1] if found else None
        self.plain = bool(found) and (below is None or below.f_code.co_qualname == "Condition.__init__")
        self.label = type(self).__name__.lower()
        if found and self.plain:
            self.label = assigned_name(found[0]) or self.label
            self.home = found[0].f_locals.get("self")
            self.scheduler.locks.append(self)

    @property
    def base(self) -> str:
        """ "Account.lock": by the attribute that has it now, or by the line that made it."""
        for name, value in getattr(self.home, "__dict__", {}).items():
            if value is self or getattr(value, "_lock", None) is self:
                return f"{type(self.home).__name__}.{name}"
        return self.label

    @property
    def name(self) -> str:
        """``base``, with a number where there are several."""
        same = [lock for lock in self.scheduler.locks if lock.base == self.base]
        return f"{self.base} #{same.index(self) + 1}" if len(same) > 1 else self.base

    def _free_for(self, strand: Strand) -> bool:
        return self.owner is None

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if not blocking and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        if timeout < 0 and timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        strand = me()
        if strand is None:
            return self._acquire_from_outside(blocking, timeout)
        scheduler = strand.scheduler
        scheduler.point(strand, weight(), ("acquire", self.label))
        if not self._free_for(strand):
            if not blocking or timeout == 0:
                return False
            if not scheduler.block(strand, lambda: self._free_for(strand), ("lock", self), timeout):
                return False
        self._take(strand)
        return True

    __enter__ = acquire

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def _take(self, strand: Strand) -> None:
        self.owner = strand
        self.count += 1
        if self.count > 1:
            return
        strand.held.append(self)
        self.taken[strand.index] = self.taken.get(strand.index, 0) + 1
        merge(strand.clock, self.clock)
        recorder = strand.scheduler.recorder
        if recorder:
            self.since = place_of(sys._getframe(2), strand.scheduler.files)
            recorder.acquired(strand, self)

    def release(self) -> None:
        if self.scheduler.over:
            self.owner, self.count = None, 0  # threads are being unwound: a complaint would hide why
            return
        strand = me()
        if self.owner is None or (self._reentrant and self.owner is not strand):
            raise RuntimeError("cannot release un-acquired lock" if self._reentrant else "release unlocked lock")
        self.count -= 1
        if self.count:
            return
        if self in self.owner.held:
            self.owner.held.remove(self)
        self.owner = None
        if strand:
            merge(self.clock, strand.clock)
            strand.clock[strand.index] += 1
            if strand.scheduler.recorder:
                strand.scheduler.recorder.released(strand, self)
            strand.scheduler.point(strand, weight(), ("release", self.label))

    def locked(self) -> bool:
        return self.owner is not None

    def _at_fork_reinit(self) -> None:
        self.owner, self.count = None, 0

    def _acquire_from_outside(self, blocking: bool, timeout: float) -> bool:
        """By a thread that is not ours (a server's, the garbage collector's after a run)."""
        end = real_time() + timeout if timeout >= 0 else None
        while self.owner is not None and not self.scheduler.over:
            if not blocking or (end is not None and real_time() >= end):
                return False
            real_sleep(0.001)
        self.owner, self.count = self.scheduler.strands[0], 1
        return True

    def __repr__(self) -> str:
        return f"<{'locked' if self.owner else 'unlocked'} {self.name}>"


class RLock(Lock):
    """``threading.RLock`` of a controlled thread, with what ``Condition`` asks of it."""

    _reentrant = True
    _real = real_rlock

    def _free_for(self, strand: Strand) -> bool:
        return self.owner is None or self.owner is strand

    def _is_owned(self) -> bool:
        return self.owner is not None and self.owner is me()

    def _recursion_count(self) -> int:
        return self.count if self._is_owned() else 0

    def _release_save(self) -> int:
        count, self.count = self.count, 1
        self.release()
        return count

    def _acquire_restore(self, count: int) -> None:
        self.acquire()
        self.count = count


def allocate_lock() -> Any:
    """``_thread.allocate_lock``: the import system makes its own locks with it, and must keep real ones."""
    importing = sys._getframe(1).f_globals.get("__name__", "").startswith("importlib")
    return _REAL_ALLOCATE() if importing else Lock()


_REAL_ALLOCATE = _thread.allocate_lock
