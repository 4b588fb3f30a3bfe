"""Segments that cost time, without counting anything: a sleep that holds the interpreter's lock, and a known result.

So workers that are processes overlap in it, on a machine with one core as on one with sixty, and threads do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weft.worlds.csv_hook import sleep_holding_the_lock
from weft.worlds.segments_log import note


@dataclass(frozen=True, slots=True)
class Slow:
    """A ``work`` for segments of ``size`` numbers: the one that begins at ``k * size`` takes ``costs[k]`` seconds.

    It "finds" ``k + 1`` primes in it. It can be pickled, and notes ``enter`` and ``leave`` in the file ``log``.
    """

    log: str
    size: int
    costs: tuple[float, ...]

    def __call__(self, start: int, stop: int, base: object) -> int:
        """Do it. Raises ValueError for a segment that is none of these."""
        number, rest = divmod(start, self.size)
        if rest or not start < stop <= start + self.size:
            raise ValueError(f"there is no segment from {start} to {stop}")
        note(self.log, "enter", str(start))
        sleep_holding_the_lock(self.costs[number])
        note(self.log, "leave", str(start))
        return number + 1


@dataclass(frozen=True, slots=True)
class Noted:
    """Another ``work``, which notes ``enter`` and ``leave`` around it in the file ``log``; ``extra`` seconds longer."""

    log: str
    work: object
    extra: float = 0.0

    def __call__(self, start: int, stop: int, base: object) -> int:
        """Do it."""
        note(self.log, "enter", str(start))
        found: int = self.work(start, stop, base)  # type: ignore[operator]
        sleep_holding_the_lock(self.extra)
        note(self.log, "leave", str(start))
        return found


def rising(count: int, total: float) -> list[float]:
    """Costs of ``count`` segments, ``total`` seconds in all: each costs more than the one before, as sieving does."""
    return [total * 2 * (number + 1) / (count * (count + 1)) for number in range(count)]


def comb(count: int, total: float, every: int = 4, factor: float = 5.0) -> list[float]:
    """Costs of ``count`` segments, ``total`` seconds in all: each ``every``-th costs ``factor`` times the others."""
    weights = [factor if number % every == 0 else 1.0 for number in range(count)]
    return [total * weight / sum(weights) for weight in weights]


def floor(costs: Sequence[float], workers: int) -> float:
    """No plan can be faster, in seconds: a fair share of all, or the longest."""
    return max(sum(costs) / workers, max(costs))
