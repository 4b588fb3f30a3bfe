"""How many of the numbers are prime, segment by segment, beside what the prime number theorem expects."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from weft.charts.theme import PALETTE, figure, headline, legend

Segments = Sequence[tuple[int, int]]


def shares(segments: Segments, counts: Sequence[int]) -> list[float]:
    """Primes per number in each segment ``(start, stop)``; NaN for one that is not counted yet (negative)."""
    return [
        count / (stop - start) if count >= 0 else math.nan
        for (start, stop), count in zip(segments, counts, strict=True)
    ]


def describe(segments: Segments, counts: Sequence[int]) -> str:
    """One sentence: the density of the first counted segment with a prime in it, and of the last."""
    found = [share for share in shares(segments, counts) if share > 0]
    if not found:
        return "No prime is counted yet."
    return f"One number in {1 / found[0]:.1f} is prime at the start, one in {1 / found[-1]:.1f} at the end"


def density(segments: Segments, counts: Sequence[int], *, title: str | None = None) -> Figure:
    """Primes per number of each segment, at the segment's middle, and the line 1 / ln x."""
    made, (axes,) = figure(8.0, 3.2)
    middles = [(start + stop) / 2 for start, stop in segments]
    axes.plot(middles, shares(segments, counts), "o", markersize=3, color=PALETTE["blue"], label="counted")
    axes.plot(middles, [1 / math.log(max(x, 3)) for x in middles], "-", color=PALETTE["orange"], label="1 / ln x")
    axes.set_xlabel("x, in the middle of a segment")
    axes.set_ylabel("primes per number")
    headline(axes, title or describe(segments, counts))
    legend(axes, loc="upper right")
    return made
