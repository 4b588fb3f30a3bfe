"""Standings, and their words on the start page and in a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from weft.cli import app
from weft.gradebook.submit import submit
from weft.layout import Challenge, Course
from weft.notebook import start_page
from weft.notebook.cards import card
from weft.record import standing, words
from weft.record.journal import Journal
from weft.record.standing import learner, remember, standings

from .conftest import check_cells, graded, modules


def test_the_learner_is_who_handed_in_last(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing.getpass, "getuser", lambda: "login")
    assert learner(course) == "login"
    remember(course, "ann")
    assert learner(course) == "ann"
    (course.root / standing.LEARNER).write_text("no JSON")
    assert learner(course) == "login"


def test_it_follows_the_way_of_a_challenge(course: Course, challenge: Challenge) -> None:
    [row] = standings(course, "ann")
    assert (row.started, row.visible, row.handed_in, row.graded) == (True, (0, 6), "", None)
    for cell, points in zip(check_cells(), (2, 3, 1), strict=True):
        Journal(challenge).note(cell, points, points, modules())
    submit(course, "X1", "ann")
    [row] = standings(course, "ann")
    assert row.visible == (6, 6) and row.handed_in[:2] == "20"
    assert standings(course, "bob")[0].handed_in == ""


def test_words(course: Course, challenge: Challenge) -> None:
    first, second, third = check_cells()
    Journal(challenge).note(first, 2.0, 2.0, modules())
    Journal(challenge).note(second, 0.0, 3.0, modules())
    Journal(challenge).note(third, 1.0, 1.0, modules(first="other"))
    [row] = standings(course, "ann")
    assert words.parts(row) == "✓ first ✗ second ↻ the whole"
    assert words.visible(row) == "3 of 6"
    told = words.graded(graded(challenge, 55.5))
    assert told.startswith("55.5, not passed: correctness 55.5, concurrency 0")


def test_the_command_and_the_start_page_agree(
    course: Course, challenge: Challenge, monkeypatch: pytest.MonkeyPatch
) -> None:
    Journal(challenge).note(check_cells()[0], 2.0, 2.0, modules())
    monkeypatch.setenv("WEFT_COURSE", str(course.root))
    told = CliRunner().invoke(app, ["progress"])
    assert told.exit_code == 0, told.output
    [shown] = start_page.show(course).cards
    for text in (told.output, shown.text):
        assert "first" in text and "✓" in text and "Two parts" in text


def test_the_start_page_follows_what_happens(course: Course, challenge: Challenge) -> None:
    page = start_page.StartPage(course)
    [shown] = page.cards
    assert "✓" not in shown.text and "1 started" in page.text
    before = start_page.stamps(course)
    Journal(challenge).note(check_cells()[0], 2.0, 2.0, modules())
    assert start_page.stamps(course) != before
    page.refresh()
    assert "✓" in shown.text


def test_a_card_says_what_was_graded(challenge: Challenge) -> None:
    assert "85 points, passed" in card(graded(challenge, 85), "", "")
    assert "40 points" in card(graded(challenge, 40), "", "") and "passed" not in card(graded(challenge, 40), "", "")


def test_progress_of_a_course_without_challenges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_COURSE", str(tmp_path))
    assert CliRunner().invoke(app, ["progress"]).exit_code == 0
