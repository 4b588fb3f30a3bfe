"""Does a notebook's rubric add up? Points in checks, in metadata and by criterion are three places that must agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weft.answer.lift import CheckCell, lift
from weft.judge.cells import CheckInfo, checks_of
from weft.judge.verdicts import CRITERIA, format_points


def rubric_faults(notebook: Mapping[str, Any]) -> list[str]:
    """What is wrong with the points of a source notebook, in sentences; an empty list if nothing is."""
    faults: list[str] = []
    cells = {cell.name: cell for cell in lift(notebook).cells}
    totals = dict.fromkeys(CRITERIA, 0.0)
    for known in _graded(notebook):
        name, worth = known.get("grade_id", ""), float(known.get("points", 0))
        criterion = name.partition("-")[0]
        if criterion in totals:
            totals[criterion] += worth
        if name in cells:
            faults += _faults_of_cell(cells.pop(name), worth, criterion)
        elif not known.get("solution"):
            faults.append(f"{name} is graded but is no check cell, so nothing gives it points.")
    faults += [f"{name} is a check cell without points in its nbgrader metadata." for name in cells]
    return faults + _faults_of_sums(totals)


def _graded(notebook: Mapping[str, Any]) -> list[dict[str, Any]]:
    metadata = [cell.get("metadata", {}).get("nbgrader", {}) for cell in notebook.get("cells", [])]
    return [known for known in metadata if known.get("grade")]


def _faults_of_cell(cell: CheckCell, worth: float, criterion: str) -> list[str]:
    try:
        checks = checks_of(cell)
    except SyntaxError as error:
        return [f"{cell.name} does not compile: {error.msg}, line {error.lineno}."]
    faults = []
    if cell.criterion != criterion:
        faults.append(f"{cell.name} judges {cell.criterion}: its grade_id should be {cell.criterion}-something.")
    if cell.criterion not in CRITERIA:
        faults.append(f"{cell.name} judges {cell.criterion}, which is none of {', '.join(CRITERIA)}.")
    total = sum(check.points for check in checks)
    if abs(total - worth) > 1e-9:
        said, found = format_points(worth), format_points(total)
        faults.append(f"{cell.name} is worth {said} points in its metadata and {found} in its checks.")
    return faults + _faults_of_checks(checks)


def _faults_of_checks(checks: list[CheckInfo]) -> list[str]:
    silent = [check for check in checks if check.sentence == check.check]
    return [f"{check.check} in {check.cell} has no docstring, so no sentence for the learner." for check in silent]


def _faults_of_sums(totals: Mapping[str, float]) -> list[str]:
    return [
        f"{criterion} sums to {format_points(totals[criterion])} points instead of {weight}."
        for criterion, weight in CRITERIA.items()
        if abs(totals[criterion] - weight) > 1e-9
    ]
