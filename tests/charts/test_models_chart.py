"""Throughput and speed-up by model and workers."""

from __future__ import annotations

import pytest

from weft.charts import models
from weft.charts.models import describe

RUNS = {"threads": {1: (1.0, 1.1, 1.2), 4: (0.9, 1.0, 1.1)}, "processes": {4: (0.2, 0.25, 0.5), 2: (0.5, 0.5, 0.5)}}


def test_the_sentence_names_the_fastest() -> None:
    assert describe(RUNS, base=1.0) == "Fastest: processes with 4 workers, 4.0 times as fast as one after the other"
    assert describe({}, base=1.0) == describe({"threads": {2: ()}}, base=1.0) == "No run yet."
    assert "1 worker," in describe({"threads": {1: (1.0,)}}, base=1.0)


def test_medians_in_order_of_workers_with_their_spread() -> None:
    rate, gain = models(RUNS, base=1.0, pieces=8).axes
    container = next(each for each in rate.containers if each.get_label() == "processes")
    points, _, (bars,) = container.lines
    assert points.get_xydata().tolist() == [[2.0, 16.0], [4.0, 32.0]]
    assert [segment[:, 1].tolist() for segment in bars.get_segments()] == [[16.0, 16.0], [16.0, 40.0]]
    assert next(each for each in gain.containers if each.get_label() == "processes").lines[0].get_ydata()[1] == 4.0


def test_axes_units_legend_and_the_two_lines_to_compare_with() -> None:
    rate, gain = models(RUNS, base=0.5, pieces=8, title="Mine").axes
    assert (rate.get_ylabel(), gain.get_xlabel()) == ("throughput / pieces per s", "workers")
    named = [text.get_text() for text in gain.get_legend().get_texts()]
    assert {"threads", "processes", "ideal"} <= set(named)
    assert [line.get_ydata()[0] for line in rate.lines if line.get_label() == "one after the other"] == [16.0]
    assert rate.get_title(loc="left") == "Mine"
    assert rate.get_ylim()[0] == pytest.approx(0)
