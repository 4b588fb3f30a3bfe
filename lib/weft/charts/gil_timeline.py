"""Who had the interpreter when, and how late a heartbeat was meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from weft.charts.theme import PALETTE, figure, headline, legend
from weft.trace import Trace

#: (start, end) in seconds, for each thread by name.
Lanes = Mapping[str, Sequence[tuple[float, float]]]

#: When a beat was due and how late it came, in seconds.
Beats = Sequence[tuple[float, float]]

COLOURS = tuple(PALETTE[name] for name in ("blue", "orange", "green", "purple", "sky", "yellow"))


def by_thread(trace: Trace) -> dict[str, list[tuple[float, float]]]:
    """When each thread was inside a piece of work: a trace's ``enter`` and ``leave``, whose actors are threads."""
    found: dict[str, list[tuple[float, float]]] = {}
    entered: dict[str, float] = {}
    for event in trace.of("enter", "leave"):
        if event.kind == "enter":
            entered[event.actor] = event.time
        elif event.actor in entered:
            found.setdefault(event.actor, []).append((entered.pop(event.actor), event.time))
    return {f"thread {number}": lane for number, lane in enumerate(found.values(), start=1)}


def describe(lanes: Lanes, beats: Beats = ()) -> str:
    """One sentence with what the chart shows, also for those who cannot see it."""
    late = f"beat came up to {1000 * max(late for _, late in beats):.0f} ms late" if beats else ""
    if not any(lanes.values()):
        return f"A {late}" if late else "Nothing ran."
    seconds = _end(lanes) - _start(lanes)
    busy = sum(end - start for lane in lanes.values() for start, end in lane)
    share = busy / seconds if seconds else 0.0
    threads = f"{len(lanes)} thread{'s' if len(lanes) > 1 else ''}"
    told = f"{threads}, {seconds:.2f} s: {share:.1f} of them at work on average"
    return f"{told}; a {late}" if late else told


def gil_timeline(lanes: Lanes, beats: Beats = (), *, title: str | None = None) -> Figure:
    """A bar for each time in which a thread was at work, a lane for each thread; below, how late each beat came.

    ``beats`` count from the first bar. What there is none of is left out.
    """
    heights = [1.4 + 0.3 * max(1, len(lanes))] if lanes or not beats else []
    heights += [1.4 if heights else 2.2] if beats else []
    made, axes = figure(8.0, sum(heights), rows=tuple(heights))
    if lanes or not beats:
        _draw_lanes(axes[0], lanes)
    if beats:
        _draw_beats(axes[-1], beats)
    for each in axes:
        each.set_xlim(left=0)
    axes[-1].set_xlabel("time / s")
    headline(axes[0], title or describe(lanes, beats))
    return made


def _draw_lanes(axes: Axes, lanes: Lanes) -> None:
    zero = _start(lanes)
    for number, lane in enumerate(lanes.values()):
        bars = [(start - zero, end - start) for start, end in lane]
        axes.broken_barh(bars, (number - 0.4, 0.8), facecolors=COLOURS[number % len(COLOURS)])
    axes.set_yticks(range(len(lanes)), list(lanes))
    axes.set_ylim(max(1, len(lanes)) - 0.4, -0.6)
    axes.set_ylabel("at work")


def _draw_beats(axes: Axes, beats: Beats) -> None:
    due, late = zip(*beats, strict=True)
    heights = [1000 * each for each in late]
    axes.vlines(due, 0, heights, color=PALETTE["vermilion"], linewidth=1.2, label="lateness of a beat")
    axes.set_ylabel("late by / ms")
    axes.set_ylim(bottom=0)
    legend(axes, loc="upper right")


def _start(lanes: Lanes) -> float:
    return min((start for lane in lanes.values() for start, _ in lane), default=0.0)


def _end(lanes: Lanes) -> float:
    return max((end for lane in lanes.values() for _, end in lane), default=0.0)
