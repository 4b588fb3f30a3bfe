"""Which work came, in which model it ran, how fast, and how clear the decision was, on one time axis."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from weft.charts.theme import INK, PALETTE, figure, headline, legend
from weft.trace import Trace

#: Colours of the kinds of work, in the order in which they first come.
COLOURS = tuple(PALETTE[name] for name in ("blue", "orange", "green", "purple", "sky", "yellow"))


@dataclass(frozen=True, slots=True)
class Slice:
    """So many tasks of one kind in one model, ``start`` and ``end`` in seconds of the trace's clock."""

    kind: str
    model: str
    start: float
    end: float
    tasks: float


def slices(trace: Trace) -> list[Slice]:
    """The slices of a trace, in order: ``enter`` and ``leave`` with the kind as subject, the model as actor.

    The value of ``leave`` is the number of tasks. Slices do not overlap.
    """
    found, begun = [], {}
    for event in trace.of("enter", "leave"):
        key = event.subject, event.actor
        if event.kind == "enter":
            begun[key] = event.time
        elif key in begun:
            found.append(Slice(*key, begun.pop(key), event.time, event.value))
    return found


def describe(trace: Trace) -> str:
    """One sentence with what the chart shows, also for those who cannot see it."""
    done = slices(trace)
    if not done:
        return "Nothing was done yet."
    changes = sum(before.model != after.model for before, after in itertools.pairwise(done))
    kinds = len({each.kind for each in done})
    tasks = sum(each.tasks for each in done)
    return (
        f"{tasks:,.0f} tasks of {kinds} kind{'s' if kinds > 1 else ''} in {done[-1].end - done[0].start:.2f} s; "
        f"the model changed {changes} times, trying included"
    )


def switching(trace: Trace, *, gain: float = 1.25, title: str | None = None) -> Figure:
    """Three rows over time: models with the kinds of work as colours, tasks per second, and the decision's margin.

    The margin is the value of ``margin`` events: how many times as much the next best model costs as the one in force.
    Below ``1 / gain`` the model would be changed.
    """
    done = slices(trace)
    zero = done[0].start if done else 0.0
    made, (models, speed, margin) = figure(9.0, 5.0, rows=(1.4, 1.0, 1.0))
    _draw_models(models, done, zero)
    _draw_speed(speed, done, zero)
    told = [event for event in trace.of("margin") if event.value > 0]
    margin.plot([event.time - zero for event in told], [event.value for event in told], ".", color=PALETTE["blue"])
    margin.axhline(1 / gain, color=PALETTE["vermilion"], linestyle="--", linewidth=1, label=f"a change at {1 / gain:g}")
    margin.set_yscale("log")
    margin.set_ylabel("margin / times")
    margin.set_xlabel("time / s")
    legend(margin, loc="center left", bbox_to_anchor=(1.0, 0.5))
    headline(models, title or describe(trace))
    return made


def _draw_models(axes: Axes, done: Sequence[Slice], zero: float) -> None:
    lanes = list(dict.fromkeys(each.model for each in done))
    kinds = list(dict.fromkeys(each.kind for each in done))
    for each in done:
        axes.barh(
            lanes.index(each.model),
            each.end - each.start,
            left=each.start - zero,
            height=0.7,
            color=COLOURS[kinds.index(each.kind) % len(COLOURS)],
            edgecolor=INK,
            linewidth=0.2,
            label=each.kind,
        )
    axes.set_yticks(range(len(lanes)), lanes)
    axes.invert_yaxis()
    axes.set_ylabel("model")
    legend(axes, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _draw_speed(axes: Axes, done: Sequence[Slice], zero: float) -> None:
    times = [each.end - zero for each in done]
    axes.plot(times, [each.tasks / max(each.end - each.start, 1e-9) for each in done], ".", color=PALETTE["green"])
    axes.set_yscale("log")
    axes.set_ylabel("tasks / s")
