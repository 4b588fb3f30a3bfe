"""Threads and their slices, and the lateness of a heartbeat."""

from __future__ import annotations

from weft.charts import gil_timeline
from weft.charts.gil_timeline import by_thread, describe
from weft.trace import Event, Trace

LANES = {"thread 1": [(10.0, 10.2), (10.4, 10.6)], "thread 2": [(10.2, 10.4)]}


def test_a_bar_for_each_slice_from_the_first_on() -> None:
    (axes,) = gil_timeline(LANES).axes
    bars = [path.get_extents() for collection in axes.collections for path in collection.get_paths()]
    assert sorted((round(bar.x0, 3), round(bar.x1, 3)) for bar in bars) == [(0.0, 0.2), (0.2, 0.4), (0.4, 0.6)]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["thread 1", "thread 2"]
    assert axes.get_xlabel() == "time / s"


def test_beats_are_drawn_below_in_milliseconds() -> None:
    above, below = gil_timeline(LANES, [(0.1, 0.02), (0.3, 0.05)]).axes
    (lines,) = below.collections
    assert [path.vertices[:, 1].max() for path in lines.get_paths()] == [20.0, 50.0]
    assert below.get_ylabel() == "late by / ms" and below.get_legend() is not None
    assert "50 ms late" in above.get_title(loc="left")


def test_beats_without_threads_stand_alone() -> None:
    (axes,) = gil_timeline({}, [(0.1, 0.02)], title="in four threads").axes
    assert axes.get_ylabel() == "late by / ms" and axes.get_title(loc="left") == "in four threads"


def test_lanes_of_a_trace() -> None:
    rows = [(0.0, "enter", "b"), (1.0, "enter", "a"), (2.0, "leave", "a"), (3.0, "leave", "b"), (4.0, "enter", "a")]
    trace = Trace(Event(time, kind, "process 1", actor) for time, kind, actor in rows)
    assert by_thread(trace) == {"thread 1": [(1.0, 2.0)], "thread 2": [(0.0, 3.0)]}


def test_the_sentence() -> None:
    assert describe(LANES) == "2 threads, 0.60 s: 1.0 of them at work on average"
    assert describe({}) == "Nothing ran."
    assert describe({}, [(0.0, 0.004)]) == "A beat came up to 4 ms late"
    assert len(gil_timeline({}).axes) == 1
