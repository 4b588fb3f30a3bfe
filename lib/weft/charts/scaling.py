"""What more processes buy: speed-up against their number, beside the ideal."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from weft.charts.theme import PALETTE, figure, headline, legend


def speedups(runs: Mapping[int, float]) -> dict[int, float]:
    """How many times as fast each run is as one worker would be, ``{workers: times}``.

    ``runs`` is ``{workers: seconds}``. Without a run by one worker, the run with the fewest counts as ideal.
    """
    if not runs:
        return {}
    fewest = min(runs)
    return {workers: fewest * runs[fewest] / seconds for workers, seconds in sorted(runs.items())}


def describe(runs: Mapping[int, float]) -> str:
    """One sentence with the finding of these runs."""
    if not runs:
        return "No run yet."
    most = max(runs)
    return (
        f"{most} worker{'s' if most > 1 else ''}: {speedups(runs)[most]:.1f} times as fast as one, {runs[most]:.2f} s"
    )


def scaling(runs: Mapping[int, float], *, cores: int | None = None, title: str | None = None) -> Figure:
    """Speed-up against workers, with the ideal as a dashed line, and the machine's ``cores`` as a dotted one."""
    made, (axes,) = figure(6.5, 3.6)
    found = speedups(runs)
    top = max([*found, 2])
    axes.plot([1, top], [1, top], "--", color=PALETTE["orange"], label="ideal")
    axes.plot(list(found), list(found.values()), "o-", color=PALETTE["blue"], label="measured")
    if cores is not None:
        axes.axvline(cores, color=PALETTE["purple"], linestyle=":", label=f"{cores} cores")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("workers")
    axes.set_ylabel("times as fast as one")
    headline(axes, title or describe(runs))
    legend(axes, loc="upper left")
    return made
