"""Segments that cost time, without counting anything: a sleep that holds the interpreter's lock, and a known result.

So workers that are processes overlap in it, on a machine with one core as on one with sixty, and threads do not.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from weft.worlds.csv_hook import sleep_holding_the_lock
from weft.worlds.notes import note
from weft.worlds.segments_memory import shared_mappings


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
class Slowed:
    """A ``work`` that does another one, and takes ``extra`` seconds longer, holding the interpreter lock."""

    work: Callable[[int, int, Any], int]
    extra: float = 0.0

    def __call__(self, start: int, stop: int, base: Any) -> int:
        """Do it."""
        found = self.work(start, stop, base)
        sleep_holding_the_lock(self.extra)
        return found


@dataclass(frozen=True, slots=True)
class Mapped:
    """A ``work`` that does another one, and notes in the file ``log`` what memory its process shares with others.

    The events are ``enter`` and ``leave``, and a ``shares`` for each such memory, with its name: for what the process
    has when it begins a segment, and for what it opens from then on. Memory that a fork had from its parent counts
    too, so let workers be spawned, where the question is who uses it.
    """

    log: str
    work: Callable[[int, int, Any], int]

    def __call__(self, start: int, stop: int, base: Any) -> int:
        """Do it."""
        note(self.log, "enter", str(start))
        for name in shared_mappings() or ():
            note(self.log, "shares", name)
        _listen(self.log)
        found = self.work(start, stop, base)
        note(self.log, "leave", str(start))
        return found


@functools.cache
def _listen(log: str) -> None:
    """From now on, note a ``shares`` for each file in memory that this process maps; once for each ``log``."""

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "mmap.__new__" and arguments[0] >= 0:
            name = os.readlink(f"/proc/self/fd/{arguments[0]}")
            if name.startswith("/dev/shm/"):
                note(log, "shares", name)

    if sys.platform == "linux":
        sys.addaudithook(heard)


def rising(count: int, total: float) -> list[float]:
    """Costs of ``count`` segments, ``total`` seconds in all, in proportion to 1, 4, 9 …: the last is the longest."""
    return [total * 6 * (number + 1) ** 2 / (count * (count + 1) * (2 * count + 1)) for number in range(count)]


def comb(count: int, total: float, every: int = 4, factor: float = 5.0) -> list[float]:
    """Costs of ``count`` segments, ``total`` seconds in all: each ``every``-th costs ``factor`` times the others."""
    weights = [factor if number % every == 0 else 1.0 for number in range(count)]
    return [total * weight / sum(weights) for weight in weights]


def floor(costs: Sequence[float], workers: int) -> float:
    """No plan can be faster, in seconds: a fair share of all, or the longest."""
    return max(sum(costs) / workers, max(costs))
