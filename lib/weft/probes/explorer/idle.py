"""What lies outside the scheduler's sight: nobody can go on here, or somebody does not come back."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

from weft.probes.explorer.strands import real_sleep
from weft.probes.explorer.strategies import calm_follower

if TYPE_CHECKING:
    from weft.probes.explorer.scheduler import Scheduler

#: Real seconds that threads blocked outside our sight get before virtual time moves on without them.
GRACE = 0.05
#: Real seconds after which data that a socket waits for will not come any more, if nobody else can do anything.
IO_PATIENCE = 1.0


def time_passes(scheduler: Scheduler, waited: float) -> bool:
    """Nobody can go on: wait for the world outside, or move the clock. False if neither can help."""
    files = [strand.file for strand in scheduler.strands if strand.file is not None and not strand.done]
    outside = any(strand.outside for strand in scheduler.strands)
    deadlines = scheduler.deadlines()
    if (files or outside) and waited < (GRACE if deadlines else IO_PATIENCE if not outside else waited + 1):
        scheduler.idling = True
        try:
            select.select(files, [], [], 0.005) if files else real_sleep(0.002)
        finally:
            scheduler.idling = False
        return True
    if deadlines:
        scheduler.now = max(scheduler.now, min(deadlines))
    return bool(deadlines)


def detach(scheduler: Scheduler, steps: int) -> None:
    """The watchdog saw no step for a while: let others go on until the one that is stuck comes back."""
    with scheduler.mutex:
        stuck = scheduler.current
        if scheduler.steps != steps or scheduler.idling or scheduler.over or stuck.done:
            return
        stuck.outside = True
        able = [other for other in scheduler.strands if other.able()]
        deadlines = scheduler.deadlines()
        if not able and deadlines:
            scheduler.now = max(scheduler.now, min(deadlines))
            able = [other for other in scheduler.strands if other.able()]
        after = calm_follower(stuck, able)
        if after is None:
            stuck.outside = False
            return
        scheduler.current = after
    scheduler.note(f"{stuck.name} waits outside the explorer's control; the others went on without it.")
    after.gate.release()
