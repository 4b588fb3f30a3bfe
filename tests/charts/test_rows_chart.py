"""Charts of rows: the figures in them are those of the trace, and the sentence above them is true."""

from __future__ import annotations

import pytest

from weft.charts.rows import describe_dropped, describe_rows, dropped_rows, rates, rows_per_second
from weft.trace import Event, Trace

TRACE = Trace(Event(10.0 + number / 10, "clean", f"a:{number}", f"process {number % 2}", 50) for number in range(11))


def test_rates_lose_no_row() -> None:
    starts, heights, width = rates(TRACE, bins=7)
    assert sum(heights) * width == pytest.approx(550)
    assert (starts[0], len(starts)) == (0.0, 7)


def test_the_sentence_has_the_numbers_of_the_trace() -> None:
    assert describe_rows(TRACE) == "550 rows in 1.00 s by 2 workers: 550 rows/s"
    axes = rows_per_second(TRACE).axes[0]
    assert axes.get_title(loc="left") == describe_rows(TRACE)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time / s", "rows / s")


@pytest.mark.parametrize("trace", [Trace(), Trace([Event(1.0, "clean", value=5)])])
def test_a_trace_without_length_is_drawn_too(trace: Trace) -> None:
    assert rows_per_second(trace).axes[0].get_title(loc="left") == "No row yet."


def test_reasons_are_in_order_with_their_numbers() -> None:
    dropped = {"day": 12, "price": 30, "encoding": 1}
    axes = dropped_rows(dropped, 1_000).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["encoding", "day", "price"]
    assert [text.get_text().strip() for text in axes.texts] == ["1", "12", "30"]
    assert axes.get_title(loc="left") == "43 of 1,000 rows were dropped (4.3%), most for their price"


def test_nothing_dropped() -> None:
    assert describe_dropped({}, 20) == "None of 20 rows was dropped"
    dropped_rows({}, 20)


def test_a_notebook_shows_a_chart_as_a_picture() -> None:
    from IPython.core.formatters import DisplayFormatter

    data, _ = DisplayFormatter().format(rows_per_second(TRACE))
    assert data["image/png"].startswith(b"\x89PNG")
