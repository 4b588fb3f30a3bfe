"""Livelock or long computation? Whether threads that have run for very long come back to where they were."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from weft.probes.explorer.places import user_frame
from weft.probes.explorer.values import short

if TYPE_CHECKING:
    from weft.probes.explorer.scheduler import Scheduler
from weft.probes.explorer.strands import Strand

#: How many steps are looked at; and how often, on average, each state must have been seen to be a repetition.
WINDOW, OFTEN = 3000, 3


class Repetition:
    """Collects the states of running threads for a while: the instruction, and what the local variables hold."""

    def __init__(self, start: int) -> None:
        self.end = start + WINDOW
        self.states: dict[int, set[Any]] = {}
        self.looks: dict[int, int] = {}

    def look(self, scheduler: Scheduler, strand: Strand) -> bool | None:
        """None while it is not decided; then True if every thread that ran only repeats itself."""
        found = user_frame(sys._getframe(2), scheduler.files)
        if found:
            frame = found[0]
            local = tuple(sorted((name, short(value), id(value)) for name, value in dict(frame.f_locals).items()))
            self.states.setdefault(strand.index, set()).add((id(frame.f_code), frame.f_lasti, local))
            self.looks[strand.index] = self.looks.get(strand.index, 0) + 1
        if scheduler.steps < self.end:
            return None
        often = [count / len(self.states[index]) for index, count in self.looks.items() if count > WINDOW / 20]
        return bool(often) and min(often) >= OFTEN
