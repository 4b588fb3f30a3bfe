"""Which process worked on what when: a lane for each process, a bar for each piece, a cross where one was killed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from weft.charts.theme import INK, PALETTE, figure, headline, legend
from weft.trace import Trace

#: Colours of the kinds of work, in the order in which they first begin. Vermilion is left for what went wrong.
COLOURS = tuple(PALETTE[name] for name in ("blue", "sky", "orange", "green", "purple", "yellow"))


@dataclass(frozen=True, slots=True)
class Bar:
    """One piece of work by one process, ``start`` and ``end`` in seconds of the trace's clock."""

    lane: str
    subject: str
    start: float
    end: float
    finished: bool


def bars(trace: Trace) -> list[Bar]:
    """The pieces of a trace with ``enter``, ``leave`` and ``kill`` events, in order of their starts.

    A kill ends what its process is at; what neither left nor was killed ends with the trace, unfinished.
    """
    found, begun = [], {}
    for event in trace.of("enter", "leave", "kill"):
        key = event.actor, event.subject
        if event.kind == "enter":
            begun[key] = event.time
        elif key in begun:
            found.append(Bar(*key, begun.pop(key), event.time, event.kind == "leave"))
    last = trace.events[-1].time if len(trace) else 0.0
    found += [Bar(*key, start, last, False) for key, start in begun.items()]
    return sorted(found, key=lambda bar: (bar.start, bar.lane))


def describe(trace: Trace) -> str:
    """One sentence with what the chart shows, also for those who cannot see it."""
    done = bars(trace)
    if not done:
        return "Nothing was begun yet."
    seconds = max(bar.end for bar in done) - done[0].start
    lanes = len({bar.lane for bar in done})
    share = sum(bar.end - bar.start for bar in done) / seconds if seconds else 1.0
    killed = f"; {trace.count('kill')} killed" if trace.count("kill") else ""
    processes = f"{lanes} process{'es' if lanes > 1 else ''}"
    return f"{len(done)} pieces by {processes} in {seconds:.2f} s, {share:.1f} at work on average{killed}"


def gantt(
    trace: Trace,
    *,
    group: Callable[[str], str] = lambda subject: "at work",
    ideal: float | None = None,
    title: str | None = None,
) -> Figure:
    """A bar from ``enter`` to ``leave`` for each piece of work, a lane for each process in the order of their first.

    ``group`` names a subject's kind, which gives the bar its colour. ``ideal`` is a moment in seconds after the first
    piece began, drawn as a dashed line: the end that perfect balance would have.
    """
    found = bars(trace)
    lanes = list(dict.fromkeys(bar.lane for bar in found))
    zero = found[0].start if found else 0.0
    made, (axes,) = figure(8.0, 1.6 + 0.26 * max(2, len(lanes)))
    _draw_bars(axes, found, lanes, zero, group)
    _draw_kills(axes, trace, lanes, zero)
    if ideal is not None:
        axes.axvline(ideal, color=PALETTE["green"], linestyle="--", linewidth=1.2, label=f"ideal {ideal:.2f} s")
    axes.set_xlim(left=0)
    axes.set_xlabel("time / s")
    axes.set_ylabel("process")
    axes.set_yticks(range(len(lanes)), [lane.removeprefix("process ") for lane in lanes])
    axes.invert_yaxis()
    headline(axes, title or describe(trace))
    legend(axes, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return made


def _draw_bars(axes: Axes, found: list[Bar], lanes: list[str], zero: float, group: Callable[[str], str]) -> None:
    kinds = list(dict.fromkeys(group(bar.subject) for bar in found))
    for bar in found:
        kind = group(bar.subject)
        axes.barh(
            lanes.index(bar.lane),
            bar.end - bar.start,
            left=bar.start - zero,
            height=0.7,
            color=COLOURS[kinds.index(kind) % len(COLOURS)] if bar.finished else "none",
            edgecolor=INK,
            linewidth=0.5,
            label=kind if bar.finished else "not finished",
        )


def _draw_kills(axes: Axes, trace: Trace, lanes: list[str], zero: float) -> None:
    kills = [event for event in trace.of("kill") if event.actor in lanes]
    if kills:
        axes.plot(
            [event.time - zero for event in kills],
            [lanes.index(event.actor) for event in kills],
            "X",
            color=PALETTE["vermilion"],
            markeredgecolor=INK,
            markersize=8,
            linestyle="none",
            label="killed",
        )
