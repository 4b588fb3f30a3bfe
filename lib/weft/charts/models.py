"""What each way of running work buys: throughput and speed-up against the number of workers, with spread."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from weft.charts.theme import INK, PALETTE, figure, headline, legend

#: Seconds of each repetition, by model and number of workers.
Runs = Mapping[str, Mapping[int, Sequence[float]]]


class Look(NamedTuple):
    """How one model's line looks."""

    colour: str
    marker: str
    label: str


LOOKS = tuple(zip(("blue", "orange", "green", "purple", "sky", "vermilion"), "osD^vX", strict=True))


def describe(runs: Runs, base: float) -> str:
    """One sentence with the finding: the fastest model, beside ``base``, the seconds of the run that has no model."""
    medians = [
        (statistics.median(seconds), model, workers)
        for model, by_workers in runs.items()
        for workers, seconds in by_workers.items()
        if seconds
    ]
    if not medians:
        return "No run yet."
    seconds, model, workers = min(medians)
    crew = f"{workers} worker{'s' if workers > 1 else ''}"
    return f"Fastest: {model} with {crew}, {base / seconds:.1f} times as fast as one after the other"


def models(runs: Runs, *, base: float, pieces: int, title: str | None = None) -> Figure:
    """Pieces per second, and times as fast as ``base`` seconds, against workers; a line for each model.

    ``runs[model][workers]`` are the seconds that each repetition of ``pieces`` pieces took. Points are medians, bars
    reach from the slowest repetition to the fastest.
    """
    made, (rate, gain) = figure(8.0, 5.0, rows=(1.0, 1.0))
    for (model, by_workers), (colour, marker) in zip(runs.items(), LOOKS, strict=False):
        look = Look(PALETTE[colour], marker, model)
        _draw(rate, by_workers, lambda seconds: pieces / seconds, look)
        _draw(gain, by_workers, lambda seconds: base / seconds, look)
    rate.axhline(pieces / base, color=INK, linestyle=":", label="one after the other")
    gain.axhline(1.0, color=INK, linestyle=":")
    most = max((workers for by_workers in runs.values() for workers in by_workers), default=1)
    gain.plot([1, most], [1, most], "--", color=INK, label="ideal")
    for axes, name in ((rate, "throughput / pieces per s"), (gain, "times as fast as\none after the other")):
        axes.set_ylabel(name)
        axes.set_ylim(bottom=0)
        legend(axes, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    gain.set_xlabel("workers")
    gain.xaxis.set_major_locator(MaxNLocator(integer=True))
    headline(rate, title or describe(runs, base))
    return made


def _draw(
    axes: Axes, by_workers: Mapping[int, Sequence[float]], figure_of: Callable[[float], float], look: Look
) -> None:
    workers = sorted(number for number, seconds in by_workers.items() if seconds)
    figures = [sorted(map(figure_of, by_workers[number])) for number in workers]
    middle = [statistics.median(each) for each in figures]
    below = [median - each[0] for median, each in zip(middle, figures, strict=True)]
    above = [each[-1] - median for median, each in zip(middle, figures, strict=True)]
    spread = [below, above]
    axes.errorbar(workers, middle, spread, capsize=3, color=look.colour, marker=look.marker, label=look.label)
