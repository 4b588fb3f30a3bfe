"""Who goes on: the calm rule that every schedule is written against, and the strategies that depart from it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from weft.probes.explorer.strands import Strand

#: After so many steps alone a thread must let the others go on, or one that spins would spin for ever.
FAIR = 400

#: What a point is to a strategy: nothing that threads share; shared data; a lock, a start, a wait.
COLD, DATA, SYNC = 0, 1, 2

Decision = tuple[str, int, str]


class Strategy(Protocol):
    """Chooses at points. Both methods may return any of the strands that can go on."""

    def preempt(self, strand: Strand, strands: Sequence[Strand], hot: int) -> Strand:
        """At a point of ``strand``, which can go on. ``hot`` is COLD, DATA or SYNC."""

    def follow(self, strand: Strand, able: Sequence[Strand], calm: Strand) -> Strand:
        """``strand`` waits or has ended; ``calm`` is who the calm rule would take."""

    def demote(self, strand: Strand) -> None:
        """``strand`` has had more than its share."""


def calm_follower(strand: Strand, able: Iterable[Strand]) -> Strand | None:
    """The calm rule: the next in the order of starts, round and round."""
    return min(able, key=lambda other: (other.index <= strand.index, other.index), default=None)


class Replay:
    """Departs from the calm rule where a schedule says so.

    Where the thread to go on with cannot go on (any more), the next one that can goes on: what matters most is that
    ``thread`` is interrupted. That lets schedules shrink.
    """

    def __init__(self, decisions: Iterable[Sequence[object]] = ()) -> None:
        self.decisions = {(thread, step): after for thread, step, after in decisions}

    def preempt(self, strand: Strand, strands: Sequence[Strand], hot: int) -> Strand:
        after = self.decisions.get((strand.name, strand.steps))
        if after is None:
            return strand
        able = [other for other in strands if other is not strand and other.able()]
        return next((other for other in able if other.name == after), calm_follower(strand, able) or strand)

    def follow(self, strand: Strand, able: Sequence[Strand], calm: Strand) -> Strand:
        after = self.decisions.get((strand.name, strand.steps))
        return next((other for other in able if other.name == after), calm)

    def demote(self, strand: Strand) -> None:
        """Nothing to do: the calm rule lets the others go on until they wait."""


class Walk:
    """At every other hot point, anybody."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def preempt(self, strand: Strand, strands: Sequence[Strand], hot: int) -> Strand:
        if not hot or self.random.random() < 0.5:
            return strand
        for _ in range(3):  # asking all of 200 threads at every point would take longer than a miss matters
            other = strands[self.random.randrange(len(strands))]
            if other.able():
                return other
        return strand

    def follow(self, strand: Strand, able: Sequence[Strand], calm: Strand) -> Strand:
        return able[self.random.randrange(len(able))]

    def demote(self, strand: Strand) -> None:
        """Nothing to do: the walk soon goes on elsewhere."""


class Priorities:
    """PCT (Burckhardt and others, ASPLOS 2010): random priorities, lowered at a few random hot points.

    It finds a mistake that needs ``changes`` + 1 orderings with a probability that has a lower bound, however long the
    rest of the run is. ``length`` is the number of hot points that a run is expected to have.
    """

    def __init__(self, seed: int, length: int) -> None:
        self.random = random.Random(seed)
        changes = 1 + self.random.randrange(3)
        self.changes = {self.random.randrange(1, max(length, 2) + 1) for _ in range(changes)}
        self.priorities: dict[int, float] = {}
        self.points = 0
        self.lowest = 0.0

    def priority(self, strand: Strand) -> float:
        known = self.priorities.get(strand.index)
        if known is None:
            known = self.priorities[strand.index] = 1 + self.random.random()
        return known

    def preempt(self, strand: Strand, strands: Sequence[Strand], hot: int) -> Strand:
        if not hot:
            return strand
        self.points += 1
        if self.points in self.changes:
            self.demote(strand)
        elif hot == DATA:
            return strand  # it has the highest priority, and nobody has become able to go on since
        return max((other for other in strands if other.able()), key=self.priority, default=strand)

    def follow(self, strand: Strand, able: Sequence[Strand], calm: Strand) -> Strand:
        return max(able, key=self.priority)

    def demote(self, strand: Strand) -> None:
        self.lowest -= 1
        self.priorities[strand.index] = self.lowest


def strategy_for(seed: int, number: int, length: int) -> Strategy:
    """The strategy of the ``number``-th schedule (from 0) of an exploration with this ``seed``."""
    if number == 0:
        return Replay()  # calm: the plainest schedule, and it shows what is shared
    own = seed * 100_003 + number
    return Walk(own) if number % 2 else Priorities(own, length)
