"""How long records of each level wait between source and sink."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from weft.charts.queue_depth import COLOURS, LEVELS
from weft.charts.theme import INK, figure, headline
from weft.trace import Trace


def waits(trace: Trace, levels: int = len(LEVELS)) -> list[list[float]]:
    """For each level the seconds from ``emit`` to ``arrive`` of every record that arrived, in order of arrival."""
    found: list[list[float]] = [[] for _ in range(levels)]
    sent: dict[str, float] = {}
    for event in trace.of("emit", "arrive"):
        if event.kind == "emit":
            sent[event.subject] = event.time
        elif event.subject in sent and 0 <= event.value < levels:
            found[int(event.value)].append(event.time - sent.pop(event.subject))
    return found


def describe(trace: Trace, levels: Sequence[str] = LEVELS) -> str:
    """One sentence with the finding: the median wait of the most urgent level that arrived, and of the least."""
    named = [(name, each) for name, each in zip(levels, waits(trace, len(levels)), strict=True) if each]
    if not named:
        return "No record has arrived yet."
    told = [f"{name} {_milliseconds(statistics.median(each))}" for name, each in named]
    return f"Median wait: {told[0]}" + (f", {told[-1]}" if len(told) > 1 else "")


def queue_latency(trace: Trace, *, levels: Sequence[str] = LEVELS, title: str | None = None) -> Figure:
    """A dot for each record, a row for each level, a bar at its median; seconds between source and sink."""
    made, (axes,) = figure(8.0, 3.0)
    for row, seconds in enumerate(waits(trace, len(levels))):
        _draw(axes, row, seconds)
    axes.set_yticks(range(len(levels)), levels)
    axes.set_ylim(len(levels) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_xlabel("from source to sink / s")
    headline(axes, title or describe(trace, levels))
    return made


def _draw(axes: Axes, row: int, seconds: list[float]) -> None:
    # A fixed zigzag keeps dots apart without dice: the same run gives the same picture.
    heights = [row + 0.28 * ((number * 7) % 11 - 5) / 5 for number in range(len(seconds))]
    axes.plot(seconds, heights, "o", markersize=2.5, alpha=0.5, color=COLOURS[row % len(COLOURS)])
    if seconds:
        axes.vlines(statistics.median(seconds), row - 0.38, row + 0.38, color=INK, linewidth=2.5)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
