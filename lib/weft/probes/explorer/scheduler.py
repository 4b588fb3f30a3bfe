"""One baton over real threads: only the thread that has it runs, and hands it on at points that we choose.

The threads are real, so ``threading.local``, ``get_ident`` and exceptions are what they always are. A *strand* is what
we keep about one of them. Time is virtual: it stands still while anybody can go on, and jumps to the next deadline.
"""

from __future__ import annotations

import _thread
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from weft.probes.explorer.endings import Ending
from weft.probes.explorer.idle import time_passes
from weft.probes.explorer.outcome import LIVELOCK, Failure
from weft.probes.explorer.progress import Repetition
from weft.probes.explorer.races import Races, merge
from weft.probes.explorer.strands import BY_IDENT, Strand, real_time
from weft.probes.explorer.strategies import FAIR, SYNC, Decision, Strategy, calm_follower

if TYPE_CHECKING:
    from weft.probes.explorer.locks import Lock

#: Steps alone, with everybody else asleep, after which a thread is taken to wait for the clock.
SPINS = 10 * FAIR
#: So often a thread may look at the clock before it goes on by so many virtual seconds.
LOOKS, TICK = 20, 0.01


class Scheduler(Ending):
    """One run, from its first point to its end."""

    def __init__(
        self, strategy: Strategy, hot: set[str], max_steps: int, files: frozenset[str], answer_files: frozenset[str]
    ) -> None:
        super().__init__()
        self.strategy, self.hot, self.max_steps = strategy, hot, max_steps
        self.files, self.answer_files = files, answer_files
        self.now = 0.0
        self.steps = self.hot_steps = self.clock_reads = 0
        self.last_reader: Strand | None = None
        self.idling = False
        self.races = Races()
        self.decisions: list[Decision] = []
        self.locks: list[Lock] = []
        self.unheard: dict[int, tuple[Any, int, dict[int, int]]] = {}
        self.switched_at: set[Any] = set()
        self.signature = 0
        self.repetition: Repetition | None = None
        self.current: Strand = self.adopt("MainThread", daemon=False)

    # -- threads

    def adopt(self, name: str, daemon: bool) -> Strand:
        """A new strand, made by the current one: what was before its start has happened before it."""
        taken = {strand.name for strand in self.strands}
        unique, number = name, 1
        while unique in taken:
            number += 1
            unique = f"{name} #{number}"
        strand = Strand(self, unique, len(self.strands), daemon)
        if self.strands:
            merge(strand.clock, self.current.clock)
            self.current.clock[self.current.index] += 1
        self.strands.append(strand)
        return strand

    def begin(self, strand: Strand) -> None:
        """In the new thread: wait for the first turn."""
        strand.ident = _thread.get_ident()
        BY_IDENT[strand.ident] = strand
        strand.gate.acquire()
        if self.over:
            self.leave(strand)

    def end(self, strand: Strand) -> None:
        """At the end of a thread's work: hand the baton on."""
        if self.recorder:
            self.recorder.flush(strand)
            self.recorder.note(strand, "end", strand.name)
        with self.mutex:
            strand.done = True
            mine = self.current is strand
            self.steps += 1
            strand.steps += 1
        if mine and not self.over:
            self._hand_on(strand, "ends")

    # -- points

    def point(self, strand: Strand, hot: int = SYNC, site: Any = None) -> None:
        """Here ``strand`` may be interrupted. Returns when it has the baton (again); raises :class:`Stop`."""
        with self.mutex:  # against the watchdog, which may be taking the baton away from a thread that was stuck
            mine = self.current is strand
            self.steps += 1
        if self.over:
            self.leave(strand)
        if not mine:
            self._come_back(strand)
        strand.steps += 1
        strand.alone += 1
        if self.steps > self.max_steps:
            self._too_long(strand)
        if strand.importing:
            return
        after = self._choose(strand, hot)
        if after is not strand:
            self.switched_at.add(site)
            self._switch(strand, after, "preempted")

    def _choose(self, strand: Strand, hot: int) -> Strand:
        if strand.alone > FAIR:
            calm = self._fair(strand)
            if calm is not strand:
                return calm
        if hot:
            self.hot_steps += 1
        chosen = self.strategy.preempt(strand, self.strands, hot)
        if chosen is not strand:
            self.decisions.append((strand.name, strand.steps, chosen.name))
        return chosen

    def _fair(self, strand: Strand) -> Strand:
        """It has been alone for long: let others go on, or the clock if it is the clock that it looks at."""
        others = [other for other in self.strands if other is not strand and other.able()]
        if others:
            strand.alone = 0
            self.strategy.demote(strand)
            return calm_follower(strand, others) or strand
        if strand.alone > SPINS:
            strand.alone = 0
            self.now = max(self.now, min(self.deadlines(), default=self.now))
        return strand

    def read_clock(self, strand: Strand) -> float:
        """Virtual time. For a thread that looks again and again while nobody else can go on, it goes by."""
        self.clock_reads = self.clock_reads + 1 if strand is self.last_reader else 1
        self.last_reader = strand
        if self.clock_reads > LOOKS and strand.alone > LOOKS and self.current is strand:
            self.clock_reads = 0
            if not any(other.able() for other in self.strands if other is not strand):
                self.now = min([*self.deadlines(), self.now + TICK])
        return self.now

    def block(
        self, strand: Strand, ready: Callable[[], bool], waits_for: tuple[str, Any], timeout: float | None = None
    ) -> bool:
        """Wait until ``ready()``, or for ``timeout`` virtual seconds; whether it is ready."""
        self._enter(strand)
        strand.ready, strand.waits_for = ready, waits_for
        strand.deadline = None if timeout is None or timeout < 0 else self.now + timeout
        if self.recorder:
            self.recorder.waiting(strand)
        try:
            self._hand_on(strand, "waits")
            return ready()
        finally:
            strand.ready = strand.waits_for = strand.deadline = strand.file = None

    def _enter(self, strand: Strand) -> None:
        with self.mutex:
            mine = self.current is strand
            self.steps += 1
        if self.over:
            self.leave(strand)
        if not mine:
            self._come_back(strand)
        strand.steps += 1
        if self.steps > self.max_steps:
            self._too_long(strand)

    # -- the baton

    def _switch(self, strand: Strand, after: Strand, why: str) -> None:
        if self.recorder:
            self.recorder.switch(strand, after, why, (strand.name, strand.steps, after.name) in self.decisions[-1:])
        self.signature = hash((self.signature, strand.index, strand.steps, after.index))
        with self.mutex:
            after.alone = 0
            self.current = after
        after.gate.release()
        if not strand.done:
            strand.gate.acquire()
            if self.over:
                self.leave(strand)

    def _hand_on(self, strand: Strand, why: str) -> None:
        after = self._successor(strand)
        if self.over:
            if not strand.done:
                self.leave(strand)
        elif after is None:
            from weft.probes.explorer.deadlocks import report  # reads frames; not needed before

            report(self, strand)
            if not strand.done:
                self.leave(strand)
        elif after is strand:
            strand.alone = 0
        else:
            self._switch(strand, after, why)

    def _successor(self, strand: Strand) -> Strand | None:
        waited_since = real_time()
        while not self.over:
            able = [other for other in self.strands if other.able()]
            if able:
                calm = calm_follower(strand, able)
                assert calm is not None
                chosen = self.strategy.follow(strand, able, calm) if len(able) > 1 else calm
                if chosen is not calm:
                    self.decisions.append((strand.name, strand.steps, chosen.name))
                return chosen
            if not time_passes(self, real_time() - waited_since):
                return None
        return None

    def deadlines(self) -> list[float]:
        return [strand.deadline for strand in self.strands if strand.deadline is not None and not strand.done]

    def _come_back(self, strand: Strand) -> None:
        strand.outside = False
        strand.gate.acquire()
        if self.over:
            self.leave(strand)

    def _too_long(self, strand: Strand) -> None:
        if self.repetition is None:
            self.repetition = Repetition(self.max_steps)
        verdict = self.repetition.look(self, strand)
        if verdict is True:
            message = f"After {self.max_steps} steps the threads only repeat themselves: none of them gets any further."
            self.fail(Failure(LIVELOCK, message, strand.name, {}))
        elif verdict is False:
            self.give_up(f"It had not ended after {self.max_steps} steps: a long computation, or one that never ends.")
        if verdict is not None:
            self.leave(strand)
