"""Whoever edits which half, nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from weft.course import pairing
from weft.course.pairing import Pair, complaint, pairs, sync
from weft.course.percent import PairingError
from weft.layout import Challenge, Course


@pytest.fixture
def pair(course: Course, challenge: Challenge) -> Pair:
    """The scaffolded challenge's pair, in step and remembered."""
    return Pair(course.root, challenge.source_text)


def age(path: Path, seconds: float) -> None:
    """Make a file so many seconds older than it is."""
    modified = path.stat().st_mtime - seconds
    os.utime(path, (modified, modified))


def edit_text(pair: Pair, word: str = "Twice") -> None:
    age(pair.notebook, 10)
    pair.text.write_text(pair.text.read_text().replace("Twenty", word))


def edit_notebook(pair: Pair, word: str = "Thrice") -> None:
    age(pair.text, 10)
    data = json.loads(pair.notebook.read_text())
    for cell in data["cells"]:
        cell["source"] = "".join(cell["source"]).replace("Twenty", word)
        cell["metadata"]["scrolled"] = True
    pair.notebook.write_text(json.dumps(data))


def commit(pair: Pair) -> None:
    name = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "source"], [*name, "commit", "-q", "-m", "a"]):
        subprocess.run(["git", "-C", str(pair.root), *words], check=True)


def test_a_new_pair_is_in_step(pair: Pair) -> None:
    assert complaint(pair) == "" and sync(pair) == ""


def test_an_edit_in_the_text_reaches_the_notebook(pair: Pair) -> None:
    edit_text(pair)
    assert "differ" in complaint(pair)
    assert "made from it" in sync(pair)
    assert "Twice" in pair.notebook.read_text() and complaint(pair) == ""


def test_an_edit_in_jupyterlab_is_carried_back(pair: Pair) -> None:
    edit_notebook(pair)
    assert "taken over" in sync(pair)
    assert "Thrice" in pair.text.read_text() and complaint(pair) == ""


def test_both_directions_one_after_the_other(pair: Pair) -> None:
    edit_text(pair)
    sync(pair)
    edit_notebook(pair, "unused")
    data = pair.notebook.read_text().replace("Twice", "Four times")
    pair.notebook.write_text(data)
    sync(pair)
    assert "Four times" in pair.text.read_text()


def test_outputs_of_a_run_go_and_the_text_stays(pair: Pair) -> None:
    before = pair.text.read_text()
    data = json.loads(pair.notebook.read_text())
    for cell in data["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"execution_count": 3, "outputs": [{"output_type": "stream", "name": "stdout", "text": "42"}]}
    pair.notebook.write_text(json.dumps(data))
    sync(pair)
    assert pair.text.read_text() == before and '"42"' not in pair.notebook.read_text()


@pytest.mark.parametrize("committed", [False, True])
def test_when_both_have_changed_neither_is_touched(pair: Pair, committed: bool) -> None:
    if committed:
        commit(pair)
    edit_text(pair)
    edit_notebook(pair)
    before = pair.text.read_bytes(), pair.notebook.read_bytes()
    with pytest.raises(PairingError, match="have changed since they last agreed"):
        sync(pair)
    assert (pair.text.read_bytes(), pair.notebook.read_bytes()) == before


@pytest.mark.parametrize(("take", "word"), [("text", "Twice"), ("notebook", "Thrice")])
def test_the_author_may_decide(pair: Pair, take: pairing.Side, word: str) -> None:
    edit_text(pair)
    edit_notebook(pair)
    sync(pair, take)
    assert word in pair.text.read_text() and complaint(pair) == ""


@pytest.mark.parametrize(("edit", "word"), [(edit_text, "Twice"), (edit_notebook, "Thrice")])
def test_a_fresh_clone_asks_git(pair: Pair, edit: object, word: str) -> None:
    commit(pair)
    (pair.root / pairing.RECORD).unlink()
    edit(pair)  # type: ignore[operator]
    sync(pair)
    assert word in pair.text.read_text() and complaint(pair) == ""


def test_without_record_and_git_nobody_can_know(pair: Pair) -> None:
    (pair.root / pairing.RECORD).unlink()
    edit_notebook(pair)
    with pytest.raises(PairingError):
        sync(pair)


def test_an_older_file_is_not_believed_to_be_the_edited_one(pair: Pair) -> None:
    """The text went back to what it was when the two last agreed: that is an edit, too."""
    commit(pair)
    edit_notebook(pair)
    age(pair.notebook, 60)
    with pytest.raises(PairingError):
        sync(pair)


@pytest.mark.parametrize("gone", ["text", "notebook"])
def test_a_missing_half_is_made_of_the_other(pair: Pair, gone: str) -> None:
    before = getattr(pair, gone).read_bytes()
    getattr(pair, gone).unlink()
    assert "is missing" in complaint(pair)
    sync(pair)
    assert getattr(pair, gone).read_bytes() == before


def test_learners_copies_are_nobodys_pairs(course: Course) -> None:
    for shelf in ("notebooks", "notebooks/lessons", "notebooks/challenges/X1"):
        (course.root / shelf).mkdir(parents=True)
        (course.root / shelf / "some.ipynb").write_text("{}")
    found = {pair.name for pair in pairs(course)}
    assert found == {"source/X1/a_crew_of_threads.nb.py", "notebooks/some.nb.py", "notebooks/lessons/some.nb.py"}


def test_check_changes_nothing_and_says_which(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    assert pairing.main(["--check"]) == 0
    edit_text(pair)
    before = pair.notebook.read_bytes()
    assert pairing.main(["--check"]) == 1
    assert pair.name in capsys.readouterr().out
    assert pair.notebook.read_bytes() == before
    assert pairing.main([]) == 0 and pairing.main(["--check"]) == 0


def test_a_notebook_that_is_none_is_a_sentence(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    pair.notebook.write_text("{")
    age(pair.text, 10)
    assert pairing.main([]) == 2
    assert "not a readable notebook" in capsys.readouterr().err
