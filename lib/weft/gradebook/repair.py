"""Put a submission into the shape that nbgrader's database knows, and lift from it only what may be trusted."""

from __future__ import annotations

import html
import itertools
import keyword
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from weft.answer.lift import CHECKS_LINE, Lifted, lift, module_name

#: What nbgrader writes into the metadata of a cell; the database holds cells of this schema only.
SCHEMA = 3


@dataclass(frozen=True, slots=True)
class Slot:
    """A cell that the database knows: ``source`` is the released text of an answer cell, the full text of a locked one.

    ``points`` is None unless the cell is graded.
    """

    name: str
    cell_type: str
    locked: bool
    source: str
    checksum: str
    solution: bool = False
    task: bool = False
    points: float | None = None

    @property
    def metadata(self) -> dict[str, Any]:
        """The cell's metadata, all of it."""
        known: dict[str, Any] = {
            "schema_version": SCHEMA,
            "grade_id": self.name,
            "grade": self.points is not None and not self.task,
            "locked": self.locked,
            "solution": self.solution,
            "task": self.task,
            "checksum": self.checksum,
            "cell_type": self.cell_type,
        }
        if self.points is not None:
            known["points"] = self.points
        held = {"deletable": False, "editable": False} if self.locked else {"deletable": False}
        return {"nbgrader": known, **held}


def slots_of(gradebook: Any, notebook: str, assignment: str) -> list[Slot]:
    """All cells that the database knows of a notebook, in their order. Raises nbgrader's MissingEntry."""
    known = gradebook.find_notebook(notebook, assignment)
    points = {cell.name: float(cell.max_score) for cell in (*known.grade_cells, *known.task_cells)}
    solutions = {cell.name for cell in known.solution_cells}
    tasks = {cell.name for cell in known.task_cells}
    return [
        Slot(
            name=cell.name,
            cell_type=cell.cell_type,
            locked=cell.locked,
            source=cell.source or "",
            checksum=cell.checksum,
            solution=cell.name in solutions,
            task=cell.name in tasks,
            points=points.get(cell.name),
        )
        for cell in known.source_cells
    ]


def repair(cells: list[dict[str, Any]], slots: Sequence[Slot]) -> list[str]:
    """Change ``cells`` (from :mod:`weft.gradebook.reading`) in place so that they agree with ``slots``.

    Afterwards only the cells of ``slots`` have nbgrader metadata, once each and exactly as the database has it. Locked
    cells are all there, with the database's text; answer cells keep theirs. Returns what was done, in sentences.
    """
    notes: list[str] = []
    places = _places(cells, slots, notes)
    for cell in cells:
        cell["metadata"] = {}
    for slot in slots:
        if slot.name in places:
            _fill(places[slot.name], slot)
    _put_back(cells, slots, places, notes)
    return notes


def _places(cells: Sequence[dict[str, Any]], slots: Sequence[Slot], notes: list[str]) -> dict[str, dict[str, Any]]:
    """Which cell stands for which slot: the last one of that grade_id, or the last unnamed one of that module."""
    names = {slot.name for slot in slots}
    places: dict[str, dict[str, Any]] = {}
    for number, cell in enumerate(cells, start=1):
        claimed = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if not isinstance(claimed, str) or claimed not in names:
            if claimed or cell["metadata"].get("nbgrader", {}).get("grade"):
                notes.append(f"Cell {number} claims to be graded but is none of this challenge's; it does not count.")
            continue
        if claimed in places:
            notes.append(f"Cell {claimed} stands there more than once; the last one counts.")
        places[claimed] = cell
    placed = {id(cell) for cell in places.values()}
    unnamed = {module_name(cell["source"]): cell for cell in cells if id(cell) not in placed}
    for slot in slots:
        module = module_name(slot.source)
        if slot.solution and slot.name not in places and module in unnamed:
            places[slot.name] = unnamed[module]
    return places


def _fill(cell: dict[str, Any], slot: Slot) -> None:
    cell["metadata"] = slot.metadata
    cell["cell_type"] = slot.cell_type
    if slot.cell_type == "code":
        cell.update(outputs=[], execution_count=None)
    else:
        cell.pop("outputs", None)
        cell.pop("execution_count", None)
    if slot.locked:
        cell["source"] = slot.source


def _put_back(
    cells: list[dict[str, Any]], slots: Sequence[Slot], places: dict[str, dict[str, Any]], notes: list[str]
) -> None:
    """Insert each missing locked cell after the slot before it, or at the front if there is none."""
    ids = {cell["id"] for cell in cells}
    before: dict[str, Any] | None = None
    for slot in slots:
        if slot.locked and slot.name not in places:
            cell: dict[str, Any] = {"id": next(name for name in _identities(slot.name) if name not in ids)}
            ids.add(cell["id"])
            _fill(cell, slot)
            cells.insert(_index(cells, before) + 1 if before is not None else 0, cell)
            places[slot.name] = cell
            notes.append(f"Cell {slot.name} was missing and has been put back.")
        before = places.get(slot.name, before)


def _index(cells: Sequence[dict[str, Any]], wanted: dict[str, Any]) -> int:
    return next(number for number, cell in enumerate(cells) if cell is wanted)


def _identities(name: str) -> Iterator[str]:
    return (f"weft-{name[:48]}-{number}" for number in itertools.count(1))


def lift_repaired(notebook: Mapping[str, Any]) -> Lifted:
    """Lift a repaired notebook. Checks and drives come from locked cells only, since checks run in the judge's process.

    Of the learner's own cells, only modules are taken, and none that the course gives or whose name is not a name.
    """
    given = {module_name(cell["source"]) for cell in notebook["cells"] if _is_locked(cell)}
    taken, notes = [], []
    for number, cell in enumerate(notebook["cells"], start=1):
        name = module_name(cell["source"])
        if _is_locked(cell):
            taken.append(cell)
        elif cell["cell_type"] == "code" and name is not None:
            if complaint := _complaint(name, given):
                notes.append(f"Cell {number} does not count: {complaint}")
            else:
                taken.append(cell)
    lifted = lift({"cells": taken})
    lifted.notes = _twice(taken) + notes
    return lifted


def is_check_cell(cell: Mapping[str, Any]) -> bool:
    """Whether a repaired notebook's cell is a check cell."""
    return _is_locked(cell) and CHECKS_LINE.match(cell["source"].partition("\n")[0]) is not None


def _is_locked(cell: Mapping[str, Any]) -> bool:
    return bool(cell["metadata"].get("nbgrader", {}).get("locked"))


def _complaint(name: str, given: set[str | None]) -> str:
    if name in given:
        return f"module {name} is given by the course."
    if not name.isidentifier() or keyword.iskeyword(name) or len(name) > 64:
        return f"{html.escape(name[:64])} cannot be the name of a module."
    return ""


def _twice(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    names = [module_name(cell["source"]) for cell in cells]
    twice = sorted({name for name in names if name is not None and names.count(name) > 1})
    return [f"Module {name} stands in {names.count(name)} cells; the last one counts." for name in twice]
