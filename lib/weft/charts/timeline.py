"""What ran when: a lane for each thread, process or task, a bar for each slice on a core.

The trace is that of :mod:`weft.probes.timeline`.
"""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from weft.charts.theme import INK, PALETTE, figure, headline, legend
from weft.trace import Event, Trace

#: More lanes than this are not drawn, those that did least.
MOST = 24

#: Kinds of bars, what the legend says, and their opacity.
BARS = {"run": ("on a core", 1.0), "partly": ("on a core for some of it", 0.25), "step": ("has the loop's turn", 1.0)}

#: Neighbours are told apart by hue as well as by lane.
HUES = tuple(PALETTE[name] for name in ("blue", "vermilion", "green", "purple", "sky"))

#: Who used less than this share of the time did not take part, and a task with less than that gets no lane.
BARELY, HARDLY = 0.02, 0.001


def lanes(trace: Trace) -> list[str]:
    """The lanes in the order in which they began, at most ``MOST``; a task that hardly had a turn has none."""
    busy: dict[str, float] = {}
    for event in trace.of("alive", *BARS):
        busy[event.actor] = busy.get(event.actor, 0.0) + (event.value if event.kind != "alive" else 0.0)
    lived = {event.actor for event in trace.of("alive")}
    wanted = [lane for lane in busy if lane in lived or busy[lane] > HARDLY * _end(trace)]
    drawn = set(sorted(wanted, key=lambda lane: -busy[lane])[:MOST])
    return [lane for lane in busy if lane in drawn]


def together(trace: Trace) -> float:
    """How many were on a core on average, while anybody was: 1.0 if they took turns, 0.0 if that is not known."""
    slices = trace.of("run")
    union = _covered((event.time, event.time + event.value) for event in slices)
    return sum(event.value for event in slices) / union if union else 0.0


def describe(trace: Trace) -> str:
    """One sentence with what the chart shows, also for those who cannot see it."""
    seconds = _end(trace)
    busy = [event for event in trace.of("used") if event.value > BARELY * seconds]
    if not busy:
        tasks = len({event.actor for event in trace.of("step")})
        return f"{tasks} tasks take turns on one loop in {seconds:.2f} s" if tasks else "Nothing ran."
    average = together(trace)
    processes = len({event.subject for event in busy})
    who = f"{len(busy)} threads" if processes < len(busy) else f"{processes} processes"
    if len(busy) == 1:
        return f"One thread used {busy[0].value:.2f} s of a core in {seconds:.2f} s"
    how = "take turns" if average < 1.15 else "run side by side"
    return f"{who} {how}: {average:.2f} at a time on average, {seconds:.2f} s"


def timeline(
    trace: Trace, *, between: tuple[float, float] | None = None, title: str | None = None, unit: str = "ms"
) -> Figure:
    """A lane for each thread, process and task, a bar for each slice; ``between`` shows only these seconds.

    A thin line says that it was there and did not run. ``unit`` of the axis is "ms" or "s".
    """
    start, end = between or (0.0, _end(trace))
    shown = lanes(trace.where(lambda event: event.time <= end and _until(event) >= start))
    made, (axes,) = figure(8.0, 1.5 + 0.3 * max(2, len(shown)))
    scale = 1e3 if unit == "ms" else 1.0
    _draw(axes, trace, shown, scale)
    axes.set_xlim(start * scale, max(end, start + 1e-6) * scale)
    axes.set_xlabel(f"time / {unit}")
    axes.set_ylabel("thread, process or task")
    axes.set_yticks(range(len(shown)), shown)
    axes.invert_yaxis()
    headline(axes, title or describe(trace))
    legend(axes, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return made


def _draw(axes: Axes, trace: Trace, shown: list[str], scale: float) -> None:
    for row, lane in enumerate(shown):
        events = [event for event in trace if event.actor == lane]
        for event in events:
            if event.kind == "alive":
                axes.hlines(row, event.time * scale, _until(event) * scale, color=INK, linewidth=0.8)
        colour = PALETTE["orange"] if lane.startswith("task ") else HUES[row % len(HUES)]
        for kind, (_, opacity) in BARS.items():
            bars = [(event.time * scale, event.value * scale) for event in events if event.kind == kind]
            axes.broken_barh(bars, (row - 0.36, 0.72), facecolor=colour, alpha=opacity, linewidth=0)
    for kind, (said, opacity) in BARS.items():
        if any(event.kind == kind and event.actor in shown for event in trace):
            axes.plot([], [], "s", color=PALETTE["orange"] if kind == "step" else INK, alpha=opacity, label=said)


def _end(trace: Trace) -> float:
    return max((_until(event) for event in trace), default=0.0)


def _until(event: Event) -> float:
    return event.time + (event.value if event.kind in ("alive", *BARS) else 0.0)


def _covered(pieces: Iterable[tuple[float, float]]) -> float:
    """Seconds in which at least one of the pieces lies."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(pieces):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
