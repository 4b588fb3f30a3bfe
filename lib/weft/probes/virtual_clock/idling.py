"""What the threads of a run are doing while the loop has nothing to do."""

from __future__ import annotations

import concurrent.futures.thread as pools
import os
import sys
import threading
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
    return max((_state(clock, thread.ident, frames) for thread in list(clock.threads)), default=BLOCKED)


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
        return OUTSIDE if sleeper.ready() else BLOCKED
    frame = frames.get(ident)
    if frame is None:
        return BLOCKED
    if _waits(frame):
        return BLOCKED if frame.f_code is _WORKER or not _strangers(clock) else OUTSIDE
    while frame is not None:
        if frame.f_code is _WORKER:
            return JOB
        frame = frame.f_back
    return OUTSIDE


def _strangers(clock: Clock) -> bool:
    """Whether there are threads from before the run: they may wake one that waits."""
    return any(thread not in clock.threads and thread.ident != clock.owner for thread in threading.enumerate())


def _waits(frame: FrameType) -> bool:
    """Whether a thread whose top frame this is can only be woken by another thread. A time limit is a real one."""
    if frame.f_code is _WAIT:
        local: dict[str, Any] = dict(frame.f_locals)
        waiter = local.get("waiter")
        return local.get("timeout") is None and waiter is not None and waiter.locked()
    if frame.f_code is _WORKER:
        local = dict(frame.f_locals)
        return local["work_queue"].empty() and local.get("work_item") is None
    if frame.f_code in _JOINS:
        local = dict(frame.f_locals)
        return local.get("timeout") in (None, -1) and local["self"].is_alive()
    return False
