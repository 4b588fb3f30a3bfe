"""Lift the cells that matter out of a notebook, as text, without running any of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: First line of an answer cell, of the shared drives and of a check cell.
MODULE_LINE = re.compile(r"%%module[ \t]+(\S+)[ \t]*$")
DRIVES_LINE = re.compile(r"%%drives[ \t]*$")
CHECKS_LINE = re.compile(r"%%checks[ \t]+(\w+)(?:[ \t]+--hidden[ \t]+([\d.]+))?[ \t]*$")


@dataclass(slots=True)
class CheckCell:
    """One check cell.

    ``source`` starts below its magic line, at line 2 of the cell; ``hidden_points`` are judged at grading only.
    """

    name: str
    criterion: str
    source: str
    hidden_points: float = 0.0


@dataclass(slots=True)
class Lifted:
    """What a notebook holds for the judge. ``modules`` maps names to source text, in the order in which they run."""

    modules: dict[str, str] = field(default_factory=dict)
    drives: str = ""
    cells: list[CheckCell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def module_source(cell: str) -> str:
    """A cell's text as a module's: the magic line becomes a comment, so that line numbers stay the cell's own."""
    first, _, rest = cell.partition("\n")
    return f"# {first.rstrip()}\n{rest.rstrip()}\n"


def module_name(cell: str) -> str | None:
    """The name in a cell's ``%%module NAME`` line, or None for any other cell."""
    match = MODULE_LINE.match(cell.partition("\n")[0])
    return match.group(1) if match else None


def lift(notebook: Mapping[str, Any]) -> Lifted:
    """Read answer modules, drives and check cells from a notebook (nbformat 4, as a dictionary or NotebookNode).

    Where a module's name stands in two cells the last one counts, as it would after Run All, and a note says so.
    """
    lifted = Lifted()
    places: dict[str, int] = {}
    for number, cell in enumerate(notebook.get("cells", []), start=1):
        if cell.get("cell_type") != "code":
            continue
        source = _text(cell.get("source", ""))
        first, _, rest = source.partition("\n")
        if name := module_name(source):
            if name in places:
                lifted.notes.append(f"Module {name} stands in cells {places[name]} and {number}; the later one counts.")
                del lifted.modules[name]
            places[name] = number
            lifted.modules[name] = module_source(source)
        elif DRIVES_LINE.match(first):
            lifted.drives += module_source(source)
        elif match := CHECKS_LINE.match(first):
            lifted.cells.append(_check_cell(cell, match, rest, number))
    return lifted


def _check_cell(cell: Mapping[str, Any], match: re.Match[str], rest: str, number: int) -> CheckCell:
    grade_id = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id") or f"{match.group(1)}-cell{number}"
    return CheckCell(grade_id, match.group(1), "\n" + rest, float(match.group(2) or 0))


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)
