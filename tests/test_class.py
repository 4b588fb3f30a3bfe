"""A class hands in T1: everybody has a grade, a clear reason, and exactly the points that were earned."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from weft.answer.lift import module_name
from weft.course.variants import mutants
from weft.gradebook.grading import feedback, grade
from weft.gradebook.scores import Score, scores
from weft.layout import Course, read_notebook

ROOT = Path(__file__).parents[1]
Notebook = dict[str, Any]

LOGS = """
import logging


class Stopped(Exception):"""

LATE_LINE = """        self._worker.session = self._make_session()
        logging.warning("a worker is there")
        threading.Thread(target=logging.warning, args=("a late line",)).start()
"""


def text(cell: dict[str, Any]) -> str:
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


class Classroom:
    """A copy of the course, and notebooks to hand in."""

    def __init__(self, root: Path) -> None:
        for name in ("source", "release", "nbgrader_config.py"):
            copier: Callable[..., Any] = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copier(ROOT / name, root / name)
        self.course = Course(root)
        self.challenge = self.course.challenge("T1")
        source = read_notebook(self.challenge.source_notebook)
        self.reference = {name: text(cell) for cell in source["cells"] if (name := module_name(text(cell)))}
        self.stub = read_notebook(self.challenge.release_notebook)

    def answered(self, **modules: str) -> Notebook:
        """The reference's cells pasted into the learner's notebook, some of them replaced."""
        notebook = copy.deepcopy(self.stub)
        for cell in notebook["cells"]:
            if name := module_name(text(cell)):
                cell["source"] = modules.get(name, self.reference[name])
        return notebook

    def changed(self, module: str, find: str, replace: str) -> Notebook:
        """The reference with one change, which is really there."""
        assert self.reference[module].count(find) == 1, find
        return self.answered(**{module: self.reference[module].replace(find, replace)})

    def hand_in(self, student: str, notebook: Notebook | None) -> None:
        folder = self.course.root / "submitted" / student / "T1"
        folder.mkdir(parents=True)
        if notebook is not None:
            (folder / "download_manager.ipynb").write_text(json.dumps(notebook))


def with_cells(notebook: Notebook, change: Callable[[Notebook], None]) -> Notebook:
    change(notebook)
    return notebook


def delete_checks(notebook: Notebook) -> None:
    notebook["cells"] = [cell for cell in notebook["cells"] if not text(cell).startswith("%%checks")]


def skip_execution(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["skip-execution"]


def add_a_graded_cell(notebook: Notebook) -> None:
    extra = copy.deepcopy(next(cell for cell in notebook["cells"] if text(cell).startswith("%%checks")))
    extra["metadata"]["nbgrader"].update(grade_id="correctness-bonus", points=1000)
    extra.update(id="bonus", source="1000.0")
    notebook["cells"].append(extra)


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Classroom, dict[str, Score]]:
    """The class, handed in, graded and given feedback."""
    room = Classroom(tmp_path_factory.mktemp("class"))
    six = next(variant for variant in mutants(room.challenge) if variant.name == "six-active")
    partly = six.lifted.modules["manager"].partition("\n")[2]
    finish = '        """File ``name`` is complete."""\n'
    logs = room.reference["manager"].replace("\n\nclass Stopped(Exception):", LOGS)
    logs = logs.replace("        self._worker.session = self._make_session()\n", LATE_LINE)
    assert logs.count("logging") == 3
    hand_ins = {
        "correct": room.answered(),
        "partly": room.answered(manager=f"%%module manager\n{partly}"),
        "stub": copy.deepcopy(room.stub),
        "syntax": room.changed("manager", "class DownloadManager:", "class DownloadManager"),
        "endless": room.changed("progress", finish, finish + "        while True:\n            pass\n"),
        "leaves": room.changed("progress", finish, finish + "        __import__('os')._exit(0)\n"),
        "missing": None,
        "logs": room.answered(manager=logs),
        "deleted": with_cells(room.answered(), delete_checks),
        "skips": with_cells(room.answered(), skip_execution),
        "skips-stub": with_cells(copy.deepcopy(room.stub), skip_execution),
        "added": with_cells(room.answered(), add_a_graded_cell),
    }
    for student, notebook in hand_ins.items():
        room.hand_in(student, notebook)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEFT_ANSWER_TIME", "20")
        states = grade(room.course, "T1", workers=2)
    assert {state.student: state.state for state in states} == dict.fromkeys(sorted(hand_ins), "graded")
    feedback(room.course, "T1")
    return room, {row.student: row for row in scores(room.course, "T1")}


#: What each has earned. Parts that a broken module does not touch keep their points: transfer 18, progress 8 and 8.
EARNED = {
    "correct": 100,
    "partly": 85,
    "stub": 0,
    "syntax": 34,
    "endless": 18,
    "leaves": 18,
    "missing": 0,
    "logs": 100,
    "deleted": 100,
    "skips": 100,
    "skips-stub": 0,
    "added": 100,
}


@pytest.mark.parametrize("student", EARNED)
def test_everybody_has_exactly_the_points_earned(graded: tuple[Classroom, dict[str, Score]], student: str) -> None:
    row = graded[1][student]
    assert (row.total, row.possible, row.needs_a_look) == (EARNED[student], 100, False), row


@pytest.mark.parametrize("student", EARNED)
def test_everybody_has_a_reason(graded: tuple[Classroom, dict[str, Score]], student: str) -> None:
    assert graded[1][student].reason


@pytest.mark.parametrize(
    ("student", "words"),
    [
        ("syntax", ["SyntaxError", "manager.py:"]),
        ("endless", ["it was still running after", "progress.py:"]),
        ("leaves", ["its process ended with exit code 0 before the call returned"]),
        ("partly", ["Five transfers run at once, and never six.", "came back", "wanted"]),
        ("missing", ["download_manager.ipynb"]),
    ],
)
def test_feedback_says_why(graded: tuple[Classroom, dict[str, Score]], student: str, words: list[str]) -> None:
    page = (graded[0].course.root / "feedback" / student / "T1" / "download_manager.html").read_text()
    for word in words:
        assert word in page


def test_feedback_shows_no_hidden_source(graded: tuple[Classroom, dict[str, Score]]) -> None:
    for page in (graded[0].course.root / "feedback").rglob("*.html"):
        assert "test_range_ignored" not in page.read_text().replace('data-check="test_range_ignored"', "")
        assert "BEGIN HIDDEN" not in page.read_text()


def test_grading_again_changes_nothing_and_judges_nothing(
    graded: tuple[Classroom, dict[str, Score]], monkeypatch: pytest.MonkeyPatch
) -> None:
    room, before = graded
    monkeypatch.setattr("weft.judge.session.judge", lambda *a, **k: pytest.fail("judged again"))
    assert {state.state for state in grade(room.course, "T1")} == {"unchanged"}
    assert {row.student: row.total for row in scores(room.course, "T1")} == {s: r.total for s, r in before.items()}
