"""A submission lands where nbgrader looks for it, whole, and never outside."""

import json
from pathlib import Path

import pytest
from nbgrader.coursedir import CourseDirectory

from weft.gradebook.submit import submit
from weft.layout import LayoutError

from .madecourse import Class


def begin(klass: Class, text: str = "first") -> Path:
    own = klass.course.challenge("X1").own_notebook
    (own.parent / ".ipynb_checkpoints").mkdir(parents=True, exist_ok=True)
    (own.parent / ".ipynb_checkpoints" / "sums.ipynb").write_text("old")
    own.write_text(json.dumps(text))
    return own


def test_the_notebook_is_where_nbgrader_looks(klass: Class) -> None:
    begin(klass)
    done = submit(klass.course, "x1", "ann")
    folder = klass.root / "submitted" / "ann" / "X1"
    assert done.folder == folder and done.replaced is None
    assert sorted(path.name for path in folder.rglob("*")) == ["submission_secret.txt", "sums.ipynb", "timestamp.txt"]
    assert (folder / "sums.ipynb").read_text() == '"first"'
    assert CourseDirectory().get_existing_timestamp(str(folder)) is not None
    assert done.sentence == f"X1 was handed in for ann at {done.time}."


def test_a_second_submission_replaces_the_first_and_says_so(klass: Class) -> None:
    begin(klass)
    first = submit(klass.course, "X1", "ann")
    (first.folder / "extra.txt").write_text("of the first")
    begin(klass, "second")
    second = submit(klass.course, "X1", "ann")
    assert second.sentence.endswith(f"It replaces the one from {first.time}.")
    assert (second.folder / "sums.ipynb").read_text() == '"second"'
    assert not (second.folder / "extra.txt").exists()
    assert [path.name for path in second.folder.parent.iterdir()] == ["X1"]


@pytest.mark.parametrize(
    "student", ["", "..", "../eve", "a/b", "a\\b", "/etc", "*", "a*", "a+b", ".hidden", "a\nb", "a b"]
)
def test_what_is_no_folder_is_refused(klass: Class, student: str) -> None:
    begin(klass)
    with pytest.raises(LayoutError, match="cannot be a student's name"):
        submit(klass.course, "X1", student)
    assert not (klass.root / "submitted").exists()


@pytest.mark.parametrize("student", ["ann", "ann.lee", "ann@example.org", "s-1234_5", "Ünal"])
def test_ordinary_names_are_taken(klass: Class, student: str) -> None:
    begin(klass)
    assert submit(klass.course, "X1", student).folder.is_dir()


def test_nothing_to_hand_in_says_what_to_do(klass: Class) -> None:
    with pytest.raises(LayoutError, match="weft start X1"):
        submit(klass.course, "X1", "ann")
