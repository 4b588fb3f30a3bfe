"""Outside the watched process: how much CPU time each thread of it and of its children has used, every millisecond.

The kernel adds to a thread's time at its timer's ticks, four milliseconds apart or less, and whenever the thread stops
running; so a slice's end is known to about one look, and its length exactly.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import Any

from weft.probes.family import Family
from weft.probes.outside import tell, watch

#: Seconds between two looks at which processes there are.
FAMILY = 0.01

#: Looks further apart than this, in seconds, do not show where in between a thread ran.
COARSE = 0.006

#: So many slices are kept of all threads together.
MOST = 6000


@dataclass(slots=True)
class Lane:
    """One thread: CPU seconds, seconds it was ready and had no core, and the moments between which it was seen.

    ``slices`` are rows of start, end, and whether it ran all of that time.
    """

    pid: int
    thread: int
    first: float
    last: float
    base: float
    base_queued: float
    cpu: float
    queued: float
    slices: list[list[Any]] = field(default_factory=list)

    def saw(self, now: float, cpu: float, queued: float, join: float) -> int:
        """At ``now`` it had used so much; slices with less than ``join`` seconds between them are one.

        How many slices that made.
        """
        used, gap, self.last = cpu - self.cpu, now - self.last, now
        self.cpu, self.queued = cpu, queued
        if used <= 0:
            return 0
        exact = gap <= COARSE or used > 0.9 * gap
        end_before = self.slices[-1][1] if self.slices else self.first
        start = max(now - (used if exact else gap), end_before)
        if self.slices and start - end_before < join and self.slices[-1][2] == exact:
            self.slices[-1][1] = now
            return 0
        self.slices.append([start, now, exact])
        return 1


class Sampler:
    """The lanes of a process and of all below it."""

    def __init__(self, pid: int, every: float) -> None:
        self.family, self.join = Family(pid), 1.5 * every
        self.members: list[int] = []
        self.lanes: dict[tuple[int, int], Lane] = {}
        self.asked = float("-inf")
        self.room = MOST
        self.looks = 0
        self.worst = 0.0
        self.before = time.monotonic()

    def look(self) -> None:
        now = time.monotonic()
        self.worst, self.before = max(self.worst, now - self.before), now
        self.looks += 1
        if now - self.asked > FAMILY:
            self.members, self.asked = self.family.members(), now
        for pid in self.members:
            for thread in _threads(pid):
                self._saw(pid, thread)

    def _saw(self, pid: int, thread: int) -> None:
        if (times := _times(pid, thread)) is None or self.room <= 0:
            return
        now, (cpu, queued) = time.monotonic(), times
        if lane := self.lanes.get((pid, thread)):
            self.room -= lane.saw(now, cpu, queued, self.join)
        else:
            # What a thread did before it was first seen: nothing, if it was here from the start.
            base = (cpu, queued) if self.looks == 1 else (0.0, 0.0)
            lane = self.lanes[pid, thread] = Lane(pid, thread, now - (cpu - base[0]), now, *base, *base)
            lane.saw(now, cpu, queued, self.join)

    def found(self) -> dict[str, Any]:
        rows = [
            {
                "pid": lane.pid,
                "thread": lane.thread,
                "first": lane.first,
                "last": lane.last,
                "cpu": lane.cpu - lane.base,
                "queued": lane.queued - lane.base_queued,
                "slices": lane.slices,
            }
            for lane in self.lanes.values()
        ]
        return {"lanes": rows, "looks": self.looks, "worst": self.worst, "full": self.room <= 0}


def _threads(pid: int) -> list[int]:
    try:
        return sorted(map(int, os.listdir(f"/proc/{pid}/task")))
    except OSError:
        return []


def _times(pid: int, thread: int) -> tuple[float, float] | None:
    """Seconds on a core, and seconds ready without one; None if the thread has gone."""
    try:
        with open(f"/proc/{pid}/task/{thread}/schedstat", "rb") as file:
            cpu, queued, _ = file.read().split()
    except (OSError, ValueError):
        return None
    return int(cpu) / 1e9, int(queued) / 1e9


def main(args: dict[str, Any]) -> None:
    """What the helper runs: ``pid`` and ``every``, in seconds."""
    sampler = Sampler(args["pid"], args["every"])
    watch(args["pid"], args["every"], sampler.look)
    tell(sampler.found())
