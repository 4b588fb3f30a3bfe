"""Requests over time under the line of a bucket, as numbers, a sentence and a picture."""

from __future__ import annotations

import pytest
from matplotlib.patches import Polygon, Rectangle

from weft.charts import rates
from weft.charts.rates import arrivals, describe
from weft.trace import Event, Trace


def run(times: list[float], site: str = "a") -> list[Event]:
    return [Event(100.0 + time, "arrive", f"{site}:/{number}") for number, time in enumerate(times)]


POLITE = Trace([*run([0.0, 0.0, 0.5, 1.0]), Event(100.2, "depart", "a:/0", "", 200), *run([0.1], "b")])


def test_times_count_from_the_first_request_of_all() -> None:
    found = arrivals(POLITE)
    assert found["a"] == [0.0, 0.0, 0.5, 1.0] and found["b"] == [pytest.approx(0.1)]


def test_the_sentence_names_who_saw_too_much() -> None:
    assert describe(POLITE, rate=2.0, burst=2) == "5 requests, 2 sites: each under its line"
    assert describe(POLITE, rate=1.0, burst=1) == "5 requests, 2 sites: a saw more than the bucket allows"
    assert describe(Trace(run([0.0])), rate=1.0, burst=1) == "1 request, 1 site: each under its line"
    assert describe(Trace(), rate=1.0, burst=1) == "No request yet."


def test_a_request_a_little_early_is_on_the_networks_account() -> None:
    assert "each under" in describe(Trace(run([0.0, 0.0, 0.45])), rate=2.0, burst=2)


def test_each_site_has_a_row_with_its_line() -> None:
    figure = rates(POLITE, rate=2.0, burst=2)
    first, second = figure.axes
    assert [line.get_label() for line in first.lines] == ["requests", "what the bucket allows"]
    assert list(first.lines[1].get_ydata()) == [2, 4.0]
    assert first.get_title(loc="left") == describe(POLITE, 2.0, 2)
    assert second.get_xlabel() == "time / s" and second.get_ylabel() == "b\nrequests"


def test_breakers_are_bands_each_named_once() -> None:
    states = [(100.2, "a", "open"), (100.5, "a", "half-open"), (100.6, "a", "open"), (100.9, "a", "closed")]
    states += [(100.3, "b", "open"), (100.4, "b", "closed")]
    figure = rates(POLITE, rate=2.0, burst=2, states=states)
    bands = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle | Polygon)]
    assert len(bands) == 3 and len(figure.axes[1].patches) == 1
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert names == ["requests", "what the bucket allows", "breaker open", "breaker half-open"]


def test_an_empty_trace_is_drawn() -> None:
    rates(Trace(), rate=1.0, burst=1).draw_without_rendering()
    rates(Trace(), rate=1.0, burst=1, states=[(1.0, "a", "open")]).draw_without_rendering()
