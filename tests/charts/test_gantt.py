"""Processes and their pieces, as numbers, a sentence and a picture."""

from __future__ import annotations

from weft.charts import gantt
from weft.charts.gantt import Bar, bars, describe
from weft.trace import Event, Trace

A, B = "process 1", "process 2"


def run() -> Trace:
    """A finishes two pieces. B is killed in the middle of one, and after that there is one that nobody ends."""
    return Trace(
        [
            Event(10.0, "enter", "x", A),
            Event(10.0, "enter", "y", B),
            Event(10.5, "kill", "y", B),
            Event(11.0, "leave", "x", A),
            Event(11.0, "enter", "y", A),
            Event(12.0, "leave", "y", A),
            Event(12.0, "enter", "z", A),
            Event(12.5, "noise", "", A),
        ]
    )


def test_a_kill_ends_what_its_process_was_at() -> None:
    assert bars(run()) == [
        Bar(A, "x", 10.0, 11.0, True),
        Bar(B, "y", 10.0, 10.5, False),
        Bar(A, "y", 11.0, 12.0, True),
        Bar(A, "z", 12.0, 12.5, False),
    ]


def test_a_process_that_is_killed_between_two_pieces_ends_none() -> None:
    trace = Trace([Event(0, "enter", "x", A), Event(1, "leave", "x", A), Event(1.1, "kill", "x", A)])
    assert bars(trace) == [Bar(A, "x", 0, 1, True)]


def test_the_sentence_tells_balance_and_kills() -> None:
    assert describe(run()) == "4 pieces by 2 processes in 2.50 s, 1.2 at work on average; 1 killed"
    assert describe(Trace()) == "Nothing was begun yet."


def test_the_picture_has_a_lane_for_each_process_a_colour_for_each_group_and_a_cross_for_each_kill() -> None:
    (axes,) = gantt(run(), group=lambda subject: f"kind {subject}", ideal=1.25).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["1", "2"]
    said = {text.get_text() for text in axes.get_legend().get_texts()}
    assert said == {"kind x", "kind y", "not finished", "killed", "ideal 1.25 s"}
    assert len(axes.patches) == 4
    cross = next(line for line in axes.lines if line.get_label() == "killed")
    assert (list(cross.get_xdata()), list(cross.get_ydata())) == ([0.5], [1])


def test_an_empty_trace_is_an_empty_picture() -> None:
    (axes,) = gantt(Trace()).axes
    assert axes.get_title(loc="left") == "Nothing was begun yet."
