"""A small course with one released challenge, and a learner's own copy of it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from weft.answer.lift import CheckCell, lift
from weft.gradebook.scores import Score
from weft.judge.verdicts import CRITERIA
from weft.layout import Challenge, Course
from weft.notebook.shelf import start
from weft.record.standing import Standing

Notebook = dict[str, Any]

CHECKS = (
    '%%checks {} --hidden 3\nfrom weft.judge import points\n\n@points({})\ndef test_it(answer):\n    """It works."""'
)


def code(source: str, *, solution: bool = False) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {"nbgrader": {"solution": solution}}}


def notebook() -> Notebook:
    """Two parts with a check cell each, a locked module, and a check cell for the whole."""
    cells = [
        code("%%module first\nx = 1", solution=True),
        code(CHECKS.format("correctness", 2)),
        code("%%module second\ny = 2", solution=True),
        code(CHECKS.format("concurrency", 3)),
        code("%%module demo\nz = 3"),
        code(CHECKS.format("quality", 1)),
    ]
    about = {"title": "Two parts", "concept": "threading", "order": 1}
    return {"cells": cells, "metadata": {"weft": about}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def course(tmp_path: Path) -> Course:
    (tmp_path / "nbgrader_config.py").touch()
    (tmp_path / "release" / "X1").mkdir(parents=True)
    (tmp_path / "release" / "X1" / "two.ipynb").write_text(json.dumps(notebook()))
    return Course(tmp_path)


@pytest.fixture
def challenge(course: Course) -> Challenge:
    found = course.challenge("X1")
    start(found)
    return found


def check_cells() -> list[CheckCell]:
    """The check cells as the magic sees them."""
    return lift(notebook()).cells


def modules(**changed: str) -> dict[str, str]:
    return lift(notebook()).modules | changed


def rewrite(challenge: Challenge, module: str, text: str) -> None:
    """Change one answer cell of the learner's own copy."""
    changed = copy.deepcopy(notebook())
    cell = next(cell for cell in changed["cells"] if cell["source"].startswith(f"%%module {module}\n"))
    cell["source"] = f"%%module {module}\n{text}"
    challenge.own_notebook.write_text(json.dumps(changed))


def graded(challenge: Challenge, points: float, student: str = "ann") -> Standing:
    """A standing with so many points, all of them for correctness."""
    earned = {name: (points if name == "correctness" else 0.0, float(weight)) for name, weight in CRITERIA.items()}
    score = Score(student, challenge.id, points, 100.0, 0.0, False, "", earned)
    return Standing(challenge, about={"title": "Two parts"}, started=True, graded=score)
