"""Which worker was in which stage when: a lane for each worker, a colour for each stage."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from weft.charts.theme import INK, PALETTE, figure, headline, legend
from weft.trace import Trace


def describe(trace: Trace) -> str:
    """One sentence with what the chart shows, also for those who cannot see it."""
    if not len(trace):
        return "No stage yet."
    busy = sum(event.value for event in trace)
    start, end = _ends(trace)
    workers = len({event.actor for event in trace})
    stages = len({event.kind for event in trace})
    share = busy / (workers * (end - start)) if end > start else 1.0
    return f"{workers} workers, {stages} stages, {end - start:.2f} s: at work for {share:.0%} of the time"


def stages(trace: Trace, *, title: str | None = None) -> Figure:
    """A bar for each event: the worker ``actor`` left the stage ``kind`` at ``time``, after ``value`` seconds.

    The stages have their colours, and stand in the legend, in the order in which they first end.
    """
    made, (axes,) = figure(8.0, 1.4 + 0.3 * max(2, len({event.actor for event in trace})))
    _draw(axes, trace)
    axes.set_xlabel("time / s")
    axes.set_ylabel("worker")
    headline(axes, title or describe(trace))
    legend(axes, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return made


def _draw(axes: Axes, trace: Trace) -> None:
    lanes = list(dict.fromkeys(event.actor for event in trace))
    kinds = list(dict.fromkeys(event.kind for event in trace))
    zero = _ends(trace)[0]
    for number, kind in enumerate(kinds):
        some = trace.of(kind).events
        axes.barh(
            [lanes.index(event.actor) for event in some],
            [event.value for event in some],
            left=[event.time - event.value - zero for event in some],
            height=0.7,
            color=list(PALETTE.values())[number % len(PALETTE)],
            edgecolor=INK,
            linewidth=0.2,
            label=kind,
        )
    axes.set_yticks(range(len(lanes)))
    axes.set_yticklabels([lane.removeprefix("process ") for lane in lanes])
    axes.invert_yaxis()


def _ends(trace: Trace) -> tuple[float, float]:
    """When the first stage began and the last one ended."""
    if not len(trace):
        return 0.0, 0.0
    return min(event.time - event.value for event in trace), max(event.time for event in trace)
