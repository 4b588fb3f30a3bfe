"""A small made-up course in a temporary folder, with nbgrader's real converters and a judge that decides by a word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from weft.answer.lift import Lifted
from weft.judge.cells import all_checks
from weft.judge.verdicts import Evidence, Judgement, Outcome
from weft.layout import Course

ROOT = Path(__file__).parents[2]

ADDER = """%%module adder
def add(a: int, b: int) -> int:
    \"\"\"The sum.\"\"\"
    ### BEGIN SOLUTION
    return a + b
    ### END SOLUTION"""

SHAPES = """%%module shapes
def area(side: int) -> int:
    \"\"\"Of a square.\"\"\"
    ### BEGIN SOLUTION
    return side * side
    ### END SOLUTION"""

DRIVES = """%%drives
def sum_of(a, b):
    \"\"\"add(a, b)\"\"\"
    from adder import add

    return add(a, b)"""

CORRECTNESS = """%%checks correctness
from weft.judge import points


@points(3)
def test_adds_small_numbers(answer):
    \"\"\"Small numbers are added.\"\"\"
    assert answer.drive(sum_of, 1, 2) == 3


### BEGIN HIDDEN TESTS
@points(1.5)
def test_adds_what_you_do_not_see(answer):
    \"\"\"Large numbers are added.\"\"\"
    assert answer.drive(sum_of, 10**9, 7031) == 1000007031
### END HIDDEN TESTS"""

ERRORS = """%%checks errors
### BEGIN HIDDEN TESTS
from weft.judge import points


@points(2)
def test_secret_error(answer):
    \"\"\"Negative numbers are added.\"\"\"
    assert answer.drive(sum_of, -4, -4242) == -4246
### END HIDDEN TESTS"""


def cell(identity: str, source: str, **nbgrader: Any) -> dict[str, Any]:
    """A code cell of a source notebook."""
    known = {"schema_version": 3, "grade": False, "locked": False, "solution": False, "task": False, **nbgrader}
    metadata = {"nbgrader": known} if nbgrader else {}
    return {
        "id": identity,
        "cell_type": "code",
        "metadata": metadata,
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def source_notebook() -> dict[str, Any]:
    """The made-up challenge as its author writes it."""
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "weft": {"id": "X1", "title": "Sums"},
        },
        "cells": [
            {"id": "title", "cell_type": "markdown", "metadata": {}, "source": "# Sums"},
            cell("c-adder", ADDER, solution=True, grade_id="adder"),
            cell("c-shapes", SHAPES, solution=True, grade_id="shapes"),
            cell("c-drives", DRIVES, locked=True, grade_id="drives"),
            cell("c-check", CORRECTNESS, grade=True, locked=True, grade_id="correctness-sums", points=4.5),
            cell("c-error", ERRORS, grade=True, locked=True, grade_id="errors-sums", points=2),
        ],
    }


def notebook_in(path: Path) -> dict[str, Any]:
    """A notebook file, each cell's source as one string."""
    notebook = dict(json.loads(path.read_text()))
    for item in notebook["cells"]:
        item["source"] = "".join(item["source"])
    return notebook


class Class:
    """The course, and what people hand in."""

    def __init__(self, root: Path) -> None:
        self.root, self.course = root, Course(root)

    def released(self) -> dict[str, Any]:
        """The notebook that a learner starts from."""
        return notebook_in(self.root / "release/X1/sums.ipynb")

    def answered(self, body: str = "return a + b") -> dict[str, Any]:
        """A learner's notebook, with ``body`` in the function and a right answer to the rest."""
        notebook = self.released()
        notebook["cells"][1]["source"] = f"%%module adder\ndef add(a, b):\n    {body}\n"
        notebook["cells"][2]["source"] = "%%module shapes\ndef area(side):\n    return side * side\n"
        return notebook

    def hand_in(self, student: str, content: dict[str, Any] | bytes | None, name: str = "sums.ipynb") -> Path:
        """Put a notebook (or bytes, or nothing) into ``submitted/``."""
        folder = self.root / "submitted" / student / "X1"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "timestamp.txt").write_text("2026-11-20 10:00:00.000000 UTC")
        if content is not None:
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            (folder / name).write_bytes(data)
        return folder

    def autograded(self, student: str) -> dict[str, Any]:
        """The notebook as it was graded."""
        return notebook_in(self.root / f"autograded/{student}/X1/sums.ipynb")


def decide_by_word(lifted: Lifted, **_: Any) -> Judgement:
    """A stand-in for the judge: what the module ``adder`` says decides over every check."""
    said = lifted.modules.get("adder", "")
    words = {"BREAK": Outcome.BROKEN, "return a + b": Outcome.PASS}
    outcome = next((found for word, found in words.items() if word in said), Outcome.FAIL)
    if "HIDDEN FAILS" in said:
        verdicts = [
            check.verdict(Outcome.FAIL if check.hidden else Outcome.PASS, Evidence(message="came out wrong"))
            for check in all_checks(lifted.cells)
        ]
        return Judgement(verdicts)
    if "DIES" in said:
        raise OSError("no more processes")
    return Judgement([check.verdict(outcome, Evidence(message="by word")) for check in all_checks(lifted.cells)])


def release(root: Path) -> None:
    """What ``nbgrader generate_assignment X1 --force`` does, in this process."""
    from nbgrader.converters import GenerateAssignment

    from weft.gradebook.books import Books

    books = Books(Course(root), Course(root).challenge("X1"))
    books.run(GenerateAssignment(coursedir=books.folders(), config=books.config, log=books.log, force=True))
