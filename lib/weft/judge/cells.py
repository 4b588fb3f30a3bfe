"""What can be known of check cells without running them.

Which checks there are, their sentences, points, and which are hidden.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable
from dataclasses import dataclass

from weft.answer.lift import CheckCell
from weft.judge.verdicts import Evidence, Outcome, Verdict

BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"


@dataclass(frozen=True, slots=True)
class CheckInfo:
    """One check as its author wrote it. ``requires`` names checks, ``uses`` fixtures."""

    check: str
    sentence: str
    cell: str
    criterion: str
    points: float
    hidden: bool
    requires: tuple[str, ...]
    uses: tuple[str, ...] = ()

    def verdict(self, outcome: Outcome, evidence: Evidence | None = None, seconds: float = 0.0) -> Verdict:
        """A verdict on this check."""
        return Verdict(
            self.check,
            self.sentence,
            self.cell,
            self.criterion,
            self.points,
            self.hidden,
            outcome,
            evidence or Evidence(),
            seconds,
        )


def checks_of(cell: CheckCell) -> list[CheckInfo]:
    """The checks of a cell, in order. Raises SyntaxError if the cell does not compile."""
    hidden = hidden_lines(cell.source)
    return [
        CheckInfo(
            check=node.name,
            sentence=" ".join(inspect.cleandoc(ast.get_docstring(node) or node.name).split("\n\n")[0].split()),
            cell=cell.name,
            criterion=cell.criterion,
            points=float(_decorator(node, "points", (0,))[0]),
            hidden=node.lineno in hidden,
            requires=_decorator(node, "requires", ()),
            uses=tuple(argument.arg for argument in node.args.args),
        )
        for node in ast.parse(cell.source).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def hidden_lines(source: str) -> set[int]:
    """The numbers of the lines between the hidden-test markers, from 1."""
    lines, inside = set(), False
    for number, line in enumerate(source.splitlines(), start=1):
        inside = (inside or line.strip() == BEGIN_HIDDEN) and line.strip() != END_HIDDEN
        if inside:
            lines.add(number)
    return lines


def all_checks(cells: Iterable[CheckCell]) -> list[CheckInfo]:
    """The checks of all these cells."""
    return [check for cell in cells for check in checks_of(cell)]


def _decorator(node: ast.FunctionDef, name: str, default: tuple) -> tuple:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == name:
            return tuple(ast.literal_eval(argument) for argument in decorator.args)
    return default
