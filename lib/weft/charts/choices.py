"""What a task costs in each model, against how long it is: where the lines cross, the choice changes."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from weft.charts.theme import PALETTE, figure, headline, legend

#: A colour and a marker for each model, in the order in which they come.
STYLES = tuple(zip((PALETTE["orange"], PALETTE["blue"], PALETTE["green"], PALETTE["purple"]), "sovD", strict=True))


def describe(runs: Mapping[float, Mapping[str, float]]) -> str:
    """One sentence with what the chart shows, also for those who cannot see it."""
    if not runs:
        return "Nothing was measured yet."
    best = {length: min(costs, key=costs.__getitem__) for length, costs in sorted(runs.items())}
    if len(set(best.values())) == 1:
        return f"{next(iter(best.values()))} cost least for every length that was measured"
    first, last = next(iter(best.items())), list(best.items())[-1]
    return f"{first[1]} cost least at {first[0]:.2g} ms, {last[1]} at {last[0]:.2g} ms"


def choices(runs: Mapping[float, Mapping[str, float]]) -> Figure:
    """Cost per task against length per task, both in milliseconds and on logarithmic axes; a line for each model.

    ``runs`` maps a length to the cost in each model.
    """
    made, (axes,) = figure(8.0, 4.0)
    models = list(dict.fromkeys(model for costs in runs.values() for model in costs))
    for model, (colour, marker) in zip(models, STYLES, strict=False):
        points = sorted((length, costs[model]) for length, costs in runs.items() if model in costs)
        axes.plot(*zip(*points, strict=True), marker=marker, color=colour, label=model)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("length of a task / ms")
    axes.set_ylabel("cost per task / ms")
    headline(axes, describe(runs))
    legend(axes, loc="upper left")
    return made
