"""What the threads of a run are doing while the loop has nothing to do."""

from __future__ import annotations

import concurrent.futures.thread as pools
import os
import sys
import threading
from collections import Counter
from types import FrameType
from typing import Any

from weft.probes.virtual_clock.clock import Clock

_WAIT = threading.Condition.wait.__code__
_WORKER = pools._worker.__code__
_JOINS = {
    getattr(threading.Thread, name).__code__
    for name in ("join", "_wait_for_tstate_lock")
    if hasattr(threading.Thread, name)
}

#: Nobody can go on by itself; somebody may be waiting for the world outside; a pool's job may be.
BLOCKED, OUTSIDE, JOB = 0, 1, 2


def busiest(clock: Clock) -> int:
    """The liveliest state among the run's threads: BLOCKED, OUTSIDE or JOB."""
    if not clock.threads:
        return BLOCKED
    clock.threads -= {thread for thread in list(clock.threads) if thread.ident and not thread.is_alive()}
    frames = sys._current_frames()
    threads = list(clock.threads)
    if _job_is_being_taken(clock, [frames.get(thread.ident or 0) for thread in threads]):
        return JOB
    return max((_state(clock, thread.ident, frames) for thread in threads), default=BLOCKED)


def _job_is_being_taken(clock: Clock, frames: list[FrameType | None]) -> bool:
    """Whether a pool has a job left that one of its workers, though it looks idle, is about to begin."""
    clock.jobs = [(queue, future) for queue, future in clock.jobs if not future.done()]
    left = Counter(id(queue) for queue, _ in clock.jobs)
    idle: Counter[int] = Counter()
    for frame in frames:
        worker = _worker(frame)
        if worker is not None:
            queue = id(dict(worker.f_locals)["work_queue"])
            idle[queue] += worker is frame
            left[queue] -= worker is not frame
    return any(left[queue] > 0 for queue, count in idle.items() if count)


def _worker(frame: FrameType | None) -> FrameType | None:
    """The frame of the pool's loop that called ``frame``, or None."""
    while frame is not None and frame.f_code is not _WORKER:
        frame = frame.f_back
    return frame


def someone_computes() -> bool:
    """Whether another thread of this process runs, or would if it had a core. False where the system does not tell."""
    own = str(threading.get_native_id())
    try:
        return any(_runs(ident) for ident in os.listdir("/proc/self/task") if ident != own)
    except OSError:
        return False


def _runs(ident: str) -> bool:
    try:
        with open(f"/proc/self/task/{ident}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].split()[0] in (b"R", b"D")
    except (OSError, IndexError):
        return False


def _state(clock: Clock, ident: int | None, frames: dict[int, FrameType]) -> int:
    if ident is None:
        return OUTSIDE
    sleeper = clock.sleepers.get(ident)
    if sleeper is not None:
        # Asked first: while its events are looked at it may wake, and take them away.
        return OUTSIDE if sleeper.ready() or clock.sleepers.get(ident) is not sleeper else BLOCKED
    frame = frames.get(ident)
    if frame is None:
        return OUTSIDE  # it ends just now: whoever joins it is not yet told
    if _waits(frame):
        return BLOCKED if frame.f_code is _WORKER or not _strangers(clock) else OUTSIDE
    return JOB if _worker(frame) else OUTSIDE


def _strangers(clock: Clock) -> bool:
    """Whether there are threads from before the run: they may wake one that waits."""
    return any(thread not in clock.threads and thread.ident != clock.owner for thread in threading.enumerate())


def _waits(frame: FrameType) -> bool:
    """Whether a thread whose top frame this is can only be woken by another thread. A time limit is a real one."""
    if frame.f_code is _WAIT:
        local: dict[str, Any] = dict(frame.f_locals)
        # Who notifies takes the waiter out; that its lock is taken says nothing: it takes it itself when it wakes.
        return local.get("timeout") is None and local.get("waiter") in local["self"]._waiters
    if frame.f_code is _WORKER:
        return True
    if frame.f_code in _JOINS:
        local = dict(frame.f_locals)
        return local.get("timeout") in (None, -1) and local["self"].is_alive()
    return False
