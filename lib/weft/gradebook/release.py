"""What a learner gets to see of a check cell: its visible checks, and how many more points are judged at grading."""

from __future__ import annotations

import re
from typing import Any

from nbgrader.preprocessors import ClearHiddenTests
from nbgrader.utils import is_grade, is_solution

from weft.answer.lift import CHECKS_LINE, CheckCell
from weft.judge.cells import checks_of
from weft.judge.verdicts import format_points


class HideTests(ClearHiddenTests):
    """Removes hidden tests as nbgrader does, and says in the magic line what they are worth.

    ``%%checks correctness`` becomes ``%%checks correctness --hidden 16``. Comes after SaveCells, so nbgrader's database
    keeps the full cell, which is what autograding restores.
    """

    def preprocess_cell(self, cell: Any, resources: Any, cell_index: int) -> tuple[Any, Any]:
        """Hide what is hidden in one cell. Raises RuntimeError or SyntaxError for a cell that is not well formed."""
        hidden = 0.0
        if cell.cell_type == "code" and self.begin_test_delimeter in cell.source:
            hidden = hidden_points(cell.source)
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        if hidden:
            cell.source = announce(cell.source, hidden)
        return cell, resources


class HideTestsInFeedback(HideTests):
    """The same for feedback, where the learner's own cells may hold anything and are left alone."""

    def preprocess_cell(self, cell: Any, resources: Any, cell_index: int) -> tuple[Any, Any]:
        """Hide what is hidden in a graded cell of the course."""
        if is_grade(cell) and not is_solution(cell):
            return super().preprocess_cell(cell, resources, cell_index)
        return cell, resources


def hidden_points(source: str) -> float:
    """The sum of ``@points`` between the hidden-test markers of a check cell; 0.0 for any other cell."""
    first, _, rest = source.partition("\n")
    match = CHECKS_LINE.match(first)
    if not match:
        return 0.0
    return sum(check.points for check in checks_of(CheckCell("", match.group(1), "\n" + rest)) if check.hidden)


def announce(source: str, hidden: float) -> str:
    """``source``, its magic line saying that ``hidden`` points are judged at grading only."""
    first, _, rest = source.partition("\n")
    match = CHECKS_LINE.match(first)
    assert match is not None, "only check cells are announced"
    if not re.search(r"^def test_", rest, flags=re.MULTILINE):
        rest = f"# All checks of this cell are judged at grading.\n{rest}".rstrip() + "\n"
    return f"%%checks {match.group(1)} --hidden {format_points(hidden)}\n{rest}".rstrip("\n")
