"""Segments with uneven costs, a hand that kills workers, and what is known of π(n)."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from weft.trace import Trace
from weft.worlds.chaos import ChaosHand
from weft.worlds.notes import read_notes
from weft.worlds.segments_work import Slow, Slowed

#: π(n), the number of primes up to n, included. https://oeis.org/A006880, and primesieve for those between.
KNOWN = {
    2: 1,
    3: 2,
    10: 4,
    100: 25,
    1_000: 168,
    10_000: 1_229,
    65_536: 6_542,
    100_000: 9_592,
    1_000_000: 78_498,
    3_000_000: 216_816,
    10_000_000: 664_579,
    30_000_000: 1_857_859,
    100_000_000: 5_761_455,
    1_000_000_000: 50_847_534,
}


#: start, stop, base primes -> primes from start to just before stop.
Work = Callable[[int, int, Any], int]


class Segments:
    """Hands to give a calculator as its ``work``. Use :func:`open_world`; ``home`` is a folder of this world's own."""

    known: Mapping[int, int] = KNOWN

    def __init__(self, home: Path) -> None:
        self._home = home
        self._number = itertools.count()
        self.reset()

    def reset(self, seed: int | str | None = None) -> None:
        """Begin a new, empty log. Without a ``seed``, nobody can know what :meth:`uneven` will be."""
        self._random = Random(secrets.token_hex(8) if seed is None else seed)
        folder = self._home / f"run-{next(self._number)}"
        folder.mkdir()
        self.log = str(folder / "log")

    def uneven(self, count: int, total: float) -> list[float]:
        """Costs of ``count`` segments in no order, ``total`` seconds in all; the largest is five times the smallest."""
        weights = [1 + 4 * number / max(1, count - 1) for number in range(count)]
        self._random.shuffle(weights)
        return [total * weight / sum(weights) for weight in weights]

    def slow(self, size: int, costs: Sequence[float]) -> Slow:
        """Segments of ``size`` numbers that take so many seconds each, and count nothing."""
        return Slow(self.log, size, tuple(costs))

    def slowed(self, work: Work, extra: float) -> Slowed:
        """``work`` that takes ``extra`` seconds longer."""
        return Slowed(work, extra)

    def chaos(self, work: Work, kills: Mapping[int, int], *, opcodes: bool = False) -> ChaosHand:
        """``work``, and a kill of whoever gets one of these segments first: ``{start: step}``, see ChaosHand."""
        return ChaosHand(self.log, work, tuple(kills.items()), opcodes)

    @property
    def trace(self) -> Trace:
        """What these hands noted since the last reset."""
        return read_notes(self.log)


@contextlib.contextmanager
def open_world() -> Iterator[Segments]:
    """A world of one's own, with a temporary folder, as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="weft-segments-") as home:
        yield Segments(Path(home))
