"""The release is what nbgrader makes of the source, and says so when it is not."""

from __future__ import annotations

import pytest

from weft.course.release import check_release, release
from weft.layout import Challenge, Course, LayoutError


def test_what_was_released_is_in_step(course: Course) -> None:
    assert check_release(course) == []


def test_an_edited_source_is_told(course: Course, challenge: Challenge) -> None:
    notebook = challenge.source_notebook
    notebook.write_text(notebook.read_text().replace("Twenty", "Twice"))
    name = f"release/X1/{notebook.name}"
    assert check_release(course, ["x1"]) == [f"{name} is not what source/X1 generates."]
    release(course, ["X1"], database=False)
    assert check_release(course) == [] and "Twice" in challenge.release_notebook.read_text()


def test_missing_and_added_files_are_told(course: Course, challenge: Challenge) -> None:
    challenge.release_notebook.rename(challenge.release_notebook.with_name("other.ipynb"))
    assert check_release(course, ["X1"]) == [
        "release/X1/a_crew_of_threads.ipynb is missing.",
        "release/X1/other.ipynb does not come from source/X1.",
    ]


def test_a_challenge_never_released_is_told(course: Course, challenge: Challenge) -> None:
    challenge.release_notebook.unlink()
    challenge.release_notebook.parent.rmdir()
    assert check_release(course) == ["X1 has not been released: there is no release/X1."]


def test_checking_leaves_no_database_and_no_files(course: Course) -> None:
    before = sorted(course.root.rglob("*"))
    check_release(course)
    assert sorted(course.root.rglob("*")) == before
    assert not (course.root / "gradebook.db").exists()


def test_each_release_is_told(course: Course) -> None:
    told: list[str] = []
    release(course, database=False, report=lambda challenge: told.append(challenge.id))
    assert told == ["X1"]


def test_a_challenge_without_source_cannot_be_released(course: Course, challenge: Challenge) -> None:
    challenge.source_notebook.unlink()
    with pytest.raises(LayoutError, match="weft notebooks"):
        release(course, ["X1"], database=False)
