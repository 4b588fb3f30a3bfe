"""The charts of a switcher, as numbers, a sentence and a picture."""

from __future__ import annotations

import pytest

from weft.charts import choices, switching
from weft.charts.choices import describe as describe_choices
from weft.charts.switching import Slice, describe, slices
from weft.trace import Event, Trace


def night() -> Trace:
    rows = [("wait", "serial", 0, 1, 1), ("wait", "threads", 1, 2, 4), ("hold", "processes", 2, 4, 8)]
    events = [Event(start, "enter", kind, model) for kind, model, start, _, _ in rows]
    events += [Event(end, "leave", kind, model, tasks) for kind, model, _, end, tasks in rows]
    return Trace([*events, Event(4.0, "margin", "hold", "processes", 3.5)])


def test_slices_are_read_in_order() -> None:
    found = slices(night())
    assert found[0] == Slice("wait", "serial", 0, 1, 1)
    assert [each.model for each in found] == ["serial", "threads", "processes"]


def test_the_sentence_counts_tasks_kinds_and_changes() -> None:
    assert describe(night()) == "13 tasks of 2 kinds in 4.00 s; the model changed 2 times, trying included"
    assert describe(Trace()) == "Nothing was done yet."


def test_the_picture_has_a_lane_for_each_model_and_a_colour_for_each_kind() -> None:
    models, speed, margin = switching(night()).axes
    assert [label.get_text() for label in models.get_yticklabels()] == ["serial", "threads", "processes"]
    assert {text.get_text() for text in models.get_legend().get_texts()} == {"wait", "hold"}
    assert list(speed.lines[0].get_ydata()) == [1, 4, 4]
    assert list(margin.lines[0].get_ydata()) == [3.5]
    assert all(axes.get_ylabel() for axes in (models, speed, margin)) and margin.get_xlabel() == "time / s"


def test_an_empty_trace_is_an_empty_picture() -> None:
    assert switching(Trace()).axes[0].get_title(loc="left") == "Nothing was done yet."


def test_choices_say_where_the_best_model_changes() -> None:
    runs = {10.0: {"serial": 10.0, "processes": 3.0}, 0.1: {"serial": 0.1, "processes": 0.4}}
    assert describe_choices(runs) == "serial cost least at 0.1 ms, processes at 10 ms"
    assert describe_choices({1.0: {"serial": 1.0}}) == "serial cost least for every length that was measured"
    (axes,) = choices(runs).axes
    assert {line.get_label(): list(line.get_ydata()) for line in axes.lines} == {
        "serial": [0.1, 10.0],
        "processes": [0.4, 3.0],
    }
    assert axes.get_xlabel().endswith("/ ms") and axes.get_ylabel().endswith("/ ms")


@pytest.mark.parametrize("runs", [{}])
def test_no_choices_are_an_empty_picture(runs: dict[float, dict[str, float]]) -> None:
    (axes,) = choices(runs).axes
    assert axes.get_title(loc="left") == "Nothing was measured yet."
