"""The shelf and the start page's cards, in a course made for the test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from weft.layout import Course, LayoutError
from weft.notebook import start_page
from weft.notebook.shelf import start


def release(root: Path, name: str, **about: object) -> None:
    folder = root / "release" / name
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "words.txt").write_text("released")
    notebook = {"cells": [], "metadata": {"weft": about}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "counting.ipynb").write_text(json.dumps(notebook))


@pytest.fixture
def course(tmp_path: Path) -> Course:
    (tmp_path / "nbgrader_config.py").touch()
    release(tmp_path, "X1", title="Counting <fast>", concept="threading", difficulty="medium", minutes="30-45")
    return Course(tmp_path)


def test_starting_copies_everything_once(course: Course) -> None:
    challenge = course.challenge("x1")
    own = start(challenge)
    assert own == course.root / "notebooks/challenges/X1/counting.ipynb"
    assert (own.parent / "data/words.txt").read_text() == "released"
    assert not [path for path in own.parent.rglob(".*")], "a draft was left behind"


def test_nothing_is_overwritten(course: Course) -> None:
    challenge = course.challenge("X1")
    own = start(challenge)
    own.write_text("my work")
    (own.parent / "data/words.txt").write_text("my words")
    assert start(challenge) == own
    assert own.read_text() == "my work"
    own.unlink()
    start(challenge)
    assert own.exists() and (own.parent / "data/words.txt").read_text() == "my words"


def test_what_is_not_released_cannot_be_started(course: Course) -> None:
    challenge = course.challenge("X1")
    challenge.release_notebook.unlink()
    with pytest.raises(LayoutError, match="not released yet"):
        start(challenge)


def test_a_card_starts_its_challenge_and_links_to_it(course: Course) -> None:
    [card] = start_page.show(course).cards
    assert "Counting &lt;fast&gt;" in card.text and "threading · medium · 30-45 minutes" in card.text
    assert "not started" in card.text and "href" not in card.text
    _, button = card.children
    button.click()
    assert '<a href="challenges/X1/counting.ipynb">Open X1</a>' in card.text
    assert "in progress" in card.text and button.layout.display == "none"


def test_an_error_is_said_on_the_card(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(challenge: object) -> None:
        raise OSError("no space left")

    [card] = start_page.show(course).cards
    monkeypatch.setattr(start_page, "start", full)
    card.children[1].click()
    assert '<p role="status">no space left</p>' in card.text and "not started" in card.text


def test_a_course_without_challenges_says_so(tmp_path: Path) -> None:
    assert "no challenges here yet" in start_page.show(Course(tmp_path)).text
