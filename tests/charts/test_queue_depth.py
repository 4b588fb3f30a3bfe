"""What a program holds and how long it holds it, as numbers, sentences and pictures."""

from __future__ import annotations

from weft.charts import queue_depth, queue_latency
from weft.charts.queue_depth import LEVELS, depths, describe
from weft.charts.queue_latency import describe as describe_waits
from weft.charts.queue_latency import waits
from weft.trace import Event, Trace


def run() -> Trace:
    """Two LOW and a CRITICAL come in, the CRITICAL leaves first; a poisoned line counts for nothing."""
    return Trace(
        [
            Event(10.0, "emit", "a", "stream 0", 3),
            Event(10.1, "emit", "b", "stream 0", 3),
            Event(10.2, "emit", "bad", "stream 1", -1),
            Event(10.3, "emit", "c", "stream 1", 0),
            Event(10.4, "arrive", "c", "sink 1", 0),
            Event(10.5, "depart", "c", "sink 1", 200),
            Event(11.0, "arrive", "a", "sink 1", 3),
            Event(11.5, "arrive", "b", "sink 2", 3),
        ]
    )


def test_depths_rise_with_what_is_sent_and_fall_with_what_arrives() -> None:
    times, held = depths(run())
    assert [round(time, 3) for time in times] == [0, 0, 0.1, 0.3, 0.4, 1.0, 1.5]
    assert held[0] == [0, 0, 0, 1, 0, 0, 0]
    assert held[3] == [0, 1, 2, 2, 2, 1, 0]
    assert held[1] == held[2] == [0] * 7


def test_the_sentence_names_the_peak() -> None:
    assert describe(run()) == "At most 3 records held, after 0.30 s; 2 of them LOW"
    assert describe(Trace()) == "No record yet."


def test_the_picture_has_a_band_for_each_level_and_the_bound() -> None:
    (axes,) = queue_depth(run(), bound=5).axes
    assert axes.get_title(loc="left") == describe(run())
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [*LEVELS, "bound 5"]
    assert axes.get_ylim()[1] > 5
    assert axes.get_xlabel() == "time / s" and axes.get_ylabel() == "records held"


def test_an_empty_trace_is_drawn() -> None:
    queue_depth(Trace()).draw_without_rendering()
    queue_latency(Trace()).draw_without_rendering()


def test_waits_are_from_source_to_sink() -> None:
    found = [[round(each, 3) for each in level] for level in waits(run())]
    assert found == [[0.1], [], [], [1.0, 1.4]]


def test_who_never_arrives_has_no_wait() -> None:
    assert waits(Trace([Event(1.0, "emit", "a", "stream 0", 2), Event(2.0, "arrive", "z", "sink 1", 2)])) == [[]] * 4


def test_the_latency_sentence_compares_the_ends() -> None:
    assert describe_waits(run()) == "Median wait: CRITICAL 100 ms, LOW 1200 ms"
    assert describe_waits(Trace()) == "No record has arrived yet."


def test_the_latency_picture_shows_each_record_and_a_title_of_ones_own() -> None:
    (axes,) = queue_latency(run(), title="Urgent first").axes
    assert axes.get_title(loc="left") == "Urgent first"
    dots = [line.get_xdata() for line in axes.lines]
    assert sorted(round(float(x), 3) for some in dots for x in some) == [0.1, 1.0, 1.4]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(LEVELS)
