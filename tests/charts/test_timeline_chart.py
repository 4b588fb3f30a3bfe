"""The chart of what ran when: bars where the slices were, and a sentence that says whether they took turns."""

from __future__ import annotations

import pytest

from weft.charts.timeline import MOST, describe, lanes, timeline, together
from weft.trace import Event, Trace


def slices(actor: str, process: str, *pieces: tuple[float, float]) -> list[Event]:
    """A lane with slices of start and length, in seconds."""
    return [
        Event(0.0, "alive", process, actor, 0.1),
        *(Event(start, "run", process, actor, length) for start, length in pieces),
        Event(0.1, "used", process, actor, sum(length for _, length in pieces)),
    ]


TURNS = Trace(slices("one", "7", (0.0, 0.025), (0.05, 0.025)) + slices("two", "7", (0.025, 0.025), (0.075, 0.025)))
SIDE_BY_SIDE = Trace(slices("main", "7", (0.0, 0.1)) + slices("child", "8", (0.0, 0.1)))
TASKS = Trace([Event(0.0, "step", "a", "task a", 0.01), Event(0.01, "step", "b", "task b", 0.04)])


def test_the_sentence_says_whether_they_take_turns() -> None:
    assert describe(TURNS) == "2 threads take turns: 1.00 at a time on average, 0.10 s"
    assert describe(SIDE_BY_SIDE) == "2 processes run side by side: 2.00 at a time on average, 0.10 s"
    assert describe(TASKS) == "2 tasks take turns on one loop in 0.05 s"
    assert describe(Trace(slices("one", "7", (0.0, 0.05)))) == "One thread used 0.05 s of a core in 0.10 s"
    assert describe(Trace()) == "Nothing ran." and together(Trace()) == 0.0


def test_who_hardly_ran_does_not_count() -> None:
    trace = Trace([*SIDE_BY_SIDE, *slices("idle", "9", (0.0, 0.001))])
    assert describe(trace).startswith("2 processes")


def test_bars_lie_where_the_slices_were() -> None:
    axes = timeline(TURNS).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "two"]
    boxes = [path.get_extents() for group in axes.collections for path in group.get_paths()]
    bars = [(box.x0, box.x1, round(box.y0 + 0.36)) for box in boxes if box.height > 0.5]
    expected = [(0, 25, 0), (50, 75, 0), (25, 50, 1), (75, 100, 1)]
    assert [pytest.approx(bar) for bar in expected] == bars
    assert axes.get_xlabel() == "time / ms" and axes.get_ylabel()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["on a core"]


def test_a_part_of_it_shows_who_ran_then() -> None:
    trace = Trace([*TURNS, *[Event(0.09, "step", "a", "task a", 0.01)]])
    axes = timeline(trace, between=(0.0, 0.04), unit="s").axes[0]
    assert axes.get_xlim() == (0.0, 0.04)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "two"]


def test_many_lanes_are_the_busiest() -> None:
    trace = Trace(event for n in range(50) for event in slices(f"t{n}", "7", (0.0, 0.001 * n)))
    assert lanes(trace) == [f"t{n}" for n in range(50 - MOST, 50)]


def test_nothing_yet() -> None:
    assert timeline(Trace()).axes[0].get_title(loc="left") == "Nothing ran."
