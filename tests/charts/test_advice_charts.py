"""Scores, marks beside code and calibration, as numbers, sentences and pictures."""

from __future__ import annotations

import pytest

from weft.charts import calibration, code_marks, score_bars
from weft.charts.advised import describe_marks, describe_scores
from weft.charts.calibration import bins, brier, describe

PARTS = {"threads": {"wait": 3.0}, "serial": {"start": 1.0, "once": 0.5}}
SAID = [(0.9, True), (0.95, True), (0.9, False), (0.3, False)]


def test_the_sentence_names_the_best_its_reason_and_its_lead() -> None:
    assert describe_scores(PARTS) == "threads, most for its wait; 1.5 points ahead of serial"
    assert describe_scores({}) == "No score yet."
    assert describe_scores({"serial": {}}) == "serial, most for its nothing"


def test_a_bar_for_each_model_is_made_of_its_reasons() -> None:
    (axes,) = score_bars(PARTS).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["threads", "serial"]
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {"wait", "start", "once"}
    ends = [patch.get_x() + patch.get_width() for patch in axes.patches]
    assert max(ends) == 3.0
    assert 1.5 in ends


def test_marks_stand_beside_the_lines_that_exist() -> None:
    (axes,) = code_marks("a = 1\nb = 2\n", {2: "waits", 9: "is not there"}, {1: "shared"}).axes
    texts = [text.get_text() for text in axes.texts]
    assert " waits" in texts
    assert " shared" in texts
    assert not any("not there" in text for text in texts)
    assert len(axes.lines) == 2


def test_the_marks_are_told() -> None:
    assert describe_marks({2: "waits"}, {1: "shared"}) == "line 2: waits; hazard in line 1"
    assert describe_marks({}, {}) == "Nothing to mark."


def test_the_brier_score() -> None:
    assert brier([(1.0, True), (0.0, False)]) == 0
    assert brier([(0.5, True), (0.5, False)]) == 0.25
    assert brier([(1.0, False)]) == 1
    assert brier([]) == 0


def test_answers_are_put_together_by_confidence() -> None:
    low, high = bins(SAID)
    assert low == (0.3, 0.0, 1)
    assert high == (pytest.approx(0.9167, abs=1e-3), pytest.approx(2 / 3), 3)


def test_the_calibration_sentence_and_picture() -> None:
    assert describe(SAID) == "4 answers, 76% sure on average, 50% right: Brier score 0.228"
    assert describe([]) == "Nothing was said yet."
    (axes,) = calibration(SAID).axes
    assert len(axes.collections) == 2
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {"honest", "answers"}
