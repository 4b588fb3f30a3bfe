"""Whether confidence is honest: of all that was said with 80 %, how much was right?"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from weft.charts.theme import INK, PALETTE, figure, headline, legend

#: Confidence goes from 0 to 1 in so many steps.
BINS = 5


def brier(said: Sequence[tuple[float, bool]]) -> float:
    """The mean of (confidence − right)², where right is 1 or 0; 0.25 for who always says one half. 0.0 for nothing."""
    return sum((confidence - right) ** 2 for confidence, right in said) / len(said) if said else 0.0


def bins(said: Sequence[tuple[float, bool]], count: int = BINS) -> list[tuple[float, float, int]]:
    """For each step of confidence in which something was said: mean confidence, share that was right, how many."""
    found = []
    for number in range(count):
        some = [each for each in said if min(int(each[0] * count), count - 1) == number]
        if some:
            mean = sum(confidence for confidence, _ in some) / len(some)
            found.append((mean, sum(right for _, right in some) / len(some), len(some)))
    return found


def describe(said: Sequence[tuple[float, bool]]) -> str:
    """One sentence with what the chart shows, also for those who cannot see it."""
    if not said:
        return "Nothing was said yet."
    mean = sum(confidence for confidence, _ in said) / len(said)
    right = sum(right for _, right in said) / len(said)
    return f"{len(said)} answers, {mean:.0%} sure on average, {right:.0%} right: Brier score {brier(said):.3f}"


def calibration(said: Sequence[tuple[float, bool]], *, title: str | None = None) -> Figure:
    """Share of right answers against confidence, one point for each step; ``said`` is confidence and whether right.

    A point's area is how many answers it stands for. On the dashed line, confidence is honest.
    """
    made, (axes,) = figure(6.6, 4.4)
    axes.plot([0, 1], [0, 1], "--", color=PALETTE["orange"], label="honest")
    for mean, share, count in bins(said):
        axes.scatter([mean], [share], s=30 + 4 * count, color=PALETTE["blue"], label="answers", zorder=3)
        axes.annotate(str(count), (mean, share), color=INK, xytext=(0, -22), textcoords="offset points", ha="center")
    axes.set_xlim(0, 1.05)
    axes.set_ylim(-0.08, 1.08)
    axes.set_xlabel("confidence")
    axes.set_ylabel("share that was right")
    headline(axes, title or describe(said))
    legend(axes, loc="upper left")
    return made
