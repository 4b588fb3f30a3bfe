"""The chart of workers and stages: bars where the work was, and a sentence that counts it right."""

from __future__ import annotations

import pytest

from weft.charts.stages import describe, stages
from weft.trace import Event, Trace

#: Two workers for two seconds; one reads and cleans all the time, the other one cleans for half of it.
TRACE = Trace(
    [
        Event(11.0, "read", "a", "process 7", 1.0),
        Event(12.0, "clean", "a", "process 7", 1.0),
        Event(11.5, "clean", "b", "process 8", 1.0),
    ]
)


def test_the_sentence_counts_idle_time() -> None:
    assert describe(TRACE) == "2 workers, 2 stages, 2.00 s: at work for 75% of the time"


def test_bars_lie_where_the_work_was() -> None:
    axes = stages(TRACE).axes[0]
    bars = [(bar.get_x(), bar.get_width(), round(bar.get_y() + 0.35)) for group in axes.containers for bar in group]
    assert bars == [(0.0, 1.0, 0), (pytest.approx(0.5), 1.0, 1), (1.0, 1.0, 0)]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["7", "8"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["read", "clean"]


def test_nothing_yet() -> None:
    assert stages(Trace()).axes[0].get_title(loc="left") == "No stage yet."
