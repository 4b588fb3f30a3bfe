"""Grading per submission, without the checks' own time, beside stock nbgrader.

``python benchmarks/grading.py [students]``: both grade the same made-up class in one run. Ours judges T1's notebook
with checks that cost nothing; nbgrader as it comes executes a notebook with as many cells and a plain assert in each
graded one.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

CHECK = '''%%checks {criterion}
from weft.judge import points
def call():
    """`ans.one()`"""
    import ans
    return ans.one()
@points({points})
def test_one(answer):
    """One is one."""
    assert answer.drive(call) == 1
'''

CELLS = {"correctness": 40, "concurrency": 30, "performance": 15, "quality": 10, "errors": 5}


def cell(identity: str, source: str, **nbgrader: Any) -> dict[str, Any]:
    """A code cell with nbgrader's metadata."""
    known = {"schema_version": 3, "grade": False, "locked": False, "solution": False, "task": False, **nbgrader}
    return {
        "id": identity,
        "cell_type": "code",
        "metadata": {"nbgrader": {**known, "grade_id": identity}},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def notebook(ours: bool) -> dict[str, Any]:
    """A small challenge, for our judge or for nbgrader as it comes."""
    answer = "def one():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n"
    cells = [cell("ans", ("%%module ans\n" if ours else "") + answer, solution=True)]
    for criterion, points in CELLS.items():
        source = CHECK.format(criterion=criterion, points=points) if ours else "assert one() == 1"
        cells.append(cell(f"{criterion}-one", source, grade=True, locked=True, points=points))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}


def make_class(root: Path, ours: bool, students: int) -> None:
    """A course with one challenge, and what so many students handed in: each something of their own."""
    if ours:
        shutil.copy(ROOT / "nbgrader_config.py", root)
    else:
        (root / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'stock'\n")
    (root / "source" / "B1").mkdir(parents=True)
    (root / "source" / "B1" / "bench.ipynb").write_text(json.dumps(notebook(ours)))
    for number in range(students):
        folder = root / "submitted" / f"student{number:03}" / "B1"
        folder.mkdir(parents=True)
        answered = json.loads(json.dumps(notebook(ours)).replace("### BEGIN SOLUTION", f"# mine {number}"))
        (folder / "bench.ipynb").write_text(json.dumps(answered))


def grade_ours(root: Path) -> tuple[float, float]:
    """Seconds to grade the class, and of these the seconds that the checks themselves took, spread over the workers."""
    from weft.gradebook.books import Books
    from weft.gradebook.grading import grade
    from weft.judge.verdicts import Judgement
    from weft.layout import Course

    Books(Course(root), Course(root).challenge("B1"))  # makes the database, as generate_assignment does for nbgrader
    started = time.perf_counter()
    states = grade(Course(root), "B1", workers=2)
    took = time.perf_counter() - started
    assert {state.state for state in states} == {"graded"}
    judgements = [Judgement.from_json(path.read_text()) for path in (root / ".weft").rglob("*.json")]
    return took, sum(verdict.seconds for judgement in judgements for verdict in judgement.verdicts) / 2


def grade_stock(root: Path) -> float:
    """Seconds that nbgrader's own API takes for the class, in one process, its start not counted."""
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    settings = Config()
    settings.CourseDirectory.root = str(root)
    api = NbGraderAPI(config=settings)
    made = api.generate_assignment("B1")
    assert made["success"], made
    started = time.perf_counter()
    for folder in sorted((root / "submitted").iterdir()):
        assert api.autograde("B1", folder.name)["success"]
    return time.perf_counter() - started


def main() -> None:
    """Print seconds per submission for both."""
    import nbgrader.apps  # noqa: F401  3 s, once per run for either

    # nbgrader looks for alembic on the path.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    students = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as stock:
        make_class(Path(ours), True, students)
        make_class(Path(stock), False, students)
        took, checks = grade_ours(Path(ours))
        plain = grade_stock(Path(stock))
    print(f"{students} submissions, 6 cells each, 2 workers, nbgrader's import (about 3 s, once) not counted")
    print(f"weft grade, judge and record:      {took / students:5.2f} s per submission")
    print(f"  without the checks' own time:    {(took - checks) / students:5.2f} s")
    print(f"nbgrader as it comes, one worker:  {plain / students:5.2f} s per submission")


if __name__ == "__main__":
    main()
