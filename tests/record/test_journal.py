"""What check cells found is kept, found again by their text, and never trusted where it was changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft.layout import Challenge, Course
from weft.record.journal import Journal, cell_key, challenge_here
from weft.record.parts import parts_of

from .conftest import check_cells, modules, rewrite


def green(challenge: Challenge) -> list[str]:
    return [part.name for part in parts_of(challenge) if part.green]


def test_parts_have_the_names_of_their_modules(challenge: Challenge) -> None:
    told = [(part.name, part.earned, part.possible, part.checked) for part in parts_of(challenge)]
    assert told == [("first", 0, 2, False), ("second", 0, 3, False), ("the whole", 0, 1, False)]


def test_a_part_is_green_when_all_its_points_are_earned(challenge: Challenge) -> None:
    first, second, _ = check_cells()
    Journal(challenge).note(first, 2.0, 2.0, modules())
    Journal(challenge).note(second, 1.0, 3.0, modules())
    assert green(challenge) == ["first"]
    assert [part.earned for part in parts_of(challenge)] == [2, 1, 0]
    Journal(challenge).note(second, 3.0, 3.0, modules())
    assert green(challenge) == ["first", "second"]


def test_a_part_that_was_changed_since_is_not_green(challenge: Challenge) -> None:
    first, second, _ = check_cells()
    Journal(challenge).note(first, 2.0, 2.0, {"first": modules()["first"]})
    Journal(challenge).note(second, 3.0, 3.0, modules())
    rewrite(challenge, "second", "y = 3")
    assert green(challenge) == ["first"]
    assert [part.changed for part in parts_of(challenge)] == [False, True, False]


def test_a_check_cell_that_was_edited_counts_for_nothing(challenge: Challenge) -> None:
    first = check_cells()[0]
    first.source = first.source.replace("points(2)", "points(200)")
    Journal(challenge).note(first, 200.0, 200.0, modules())
    assert green(challenge) == []


def test_a_damaged_journal_is_an_empty_one(challenge: Challenge) -> None:
    first = check_cells()[0]
    journal = Journal(challenge)
    journal.note(first, 2.0, 2.0, modules())
    for text in ("no JSON", "[1]", f'{{"{cell_key(first)}": 7}}', f'{{"{cell_key(first)}": {{"earned": "x"}}}}'):
        journal.path.write_text(text)
        assert journal.entries() == {}
    journal.note(first, 2.0, 2.0, modules())
    assert green(challenge) == ["first"]


def test_a_damaged_notebook_has_no_parts(challenge: Challenge) -> None:
    challenge.release_notebook.write_text("no notebook")
    assert parts_of(challenge) == []


def test_only_a_learners_own_folder_belongs_to_a_challenge(
    course: Course, challenge: Challenge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert challenge_here(challenge.own_notebook.parent) == challenge
    for folder in (course.root, course.root / "release" / "X1", tmp_path.parent):
        assert challenge_here(folder) is None
    monkeypatch.chdir(challenge.own_notebook.parent)
    assert challenge_here() == challenge
