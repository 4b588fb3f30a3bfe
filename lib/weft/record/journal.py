"""What a learner's check cells found last, kept beside the course: ``.weft/progress/T1.json``.

A check cell knows neither its nbgrader name nor its challenge. So an entry is found by the cell's text, and the
challenge by the folder that the kernel works in. Who edits a check cell gets no entry that counts.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from weft.answer.lift import CheckCell
from weft.layout import Challenge, Course, LayoutError

#: Where it is kept, below the course's root.
FOLDER = Path(".weft") / "progress"


@dataclass(frozen=True, slots=True)
class Entry:
    """What one check cell found: visible points, and the digests of the answer modules that it judged, by name."""

    earned: float
    possible: float
    modules: dict[str, str] = field(default_factory=dict)


def cell_key(cell: CheckCell) -> str:
    """What an entry is found by: 64 hex digits of the criterion and the text of a check cell."""
    return digest(f"{cell.criterion}\0{cell.source.strip()}")


def digest(text: str) -> str:
    """SHA-256 of a text, in hex; white space at its ends does not count."""
    return hashlib.sha256(text.strip().encode()).hexdigest()


def challenge_here(folder: Path | None = None) -> Challenge | None:
    """The challenge whose own copy lies in ``folder`` (this one, unless said); None for any other folder."""
    here = (folder or Path.cwd()).resolve()
    try:
        course = Course.find(here)
        found = course.challenge(here.name)
    except LayoutError:
        return None
    return found if found.own_notebook.parent.resolve() == here else None


class Journal:
    """The entries of one challenge."""

    def __init__(self, challenge: Challenge) -> None:
        self.path = challenge.root / FOLDER / f"{challenge.id}.json"

    def entries(self) -> dict[str, Entry]:
        """All entries by :func:`cell_key`; none if there is no journal or it is damaged."""
        return {key: entry for key, row in self._rows().items() if (entry := _entry(row))}

    def note(self, cell: CheckCell, earned: float, possible: float, modules: Mapping[str, str]) -> None:
        """Replace the entry of one check cell. ``modules`` are the texts that were judged. Raises OSError."""
        entry = Entry(earned, possible, {name: digest(text) for name, text in modules.items()})
        rows = self._rows() | {cell_key(cell): asdict(entry)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        draft.write_text(json.dumps(rows, indent=1), encoding="utf-8")
        draft.replace(self.path)

    def _rows(self) -> dict[str, Any]:
        try:
            rows = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return rows if isinstance(rows, dict) else {}


def _entry(row: Any) -> Entry | None:
    try:
        entry = Entry(**row)
        return Entry(float(entry.earned), float(entry.possible), {**entry.modules})
    except (TypeError, ValueError):
        return None
