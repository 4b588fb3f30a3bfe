"""Points that do not add up are named."""

from typing import Any

import pytest

from weft.gradebook.rubric import rubric_faults
from weft.judge.verdicts import CRITERIA

from .madecourse import cell


def check(criterion: str, worth: float, said: float | None = None) -> dict[str, Any]:
    source = f'%%checks {criterion}\n@points({worth})\ndef test_a(answer):\n    """A holds."""\n'
    points = worth if said is None else said
    return cell(criterion, source, grade=True, locked=True, grade_id=f"{criterion}-a", points=points)


def notebook(**worth: float) -> dict[str, Any]:
    return {"cells": [check(criterion, worth.get(criterion, weight)) for criterion, weight in CRITERIA.items()]}


def test_a_rubric_that_adds_up_has_no_faults() -> None:
    assert rubric_faults(notebook()) == []


def test_a_criterion_with_too_few_points() -> None:
    assert rubric_faults(notebook(errors=4)) == ["errors sums to 4 points instead of 5."]


def test_checks_and_metadata_that_differ() -> None:
    book = notebook()
    book["cells"][1] = check("concurrency", 28, said=30)
    assert rubric_faults(book) == ["concurrency-a is worth 30 points in its metadata and 28 in its checks."]


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("print()", "quality-a is graded but is no check cell"),
        ("%%checks quality\ndef", "quality-a does not compile"),
        ('%%checks errors\n@points(10)\ndef test_a(answer):\n    """A."""', "quality-a judges errors"),
        ("%%checks quality\n@points(10)\ndef test_a(answer): ...", "test_a in quality-a has no docstring"),
    ],
)
def test_cells_that_cannot_be_right(source: str, fault: str) -> None:
    book = notebook()
    book["cells"][3]["source"] = source
    assert rubric_faults(book)[0].startswith(fault)


def test_a_check_cell_that_is_not_graded() -> None:
    book = notebook()
    book["cells"].append(cell("extra", "%%checks quality\n", grade_id="quality-b", locked=True))
    assert rubric_faults(book) == ["quality-b is a check cell without points in its nbgrader metadata."]
