"""A challenge's parts, and how each stands by the check cells that the learner has run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from weft.answer.lift import CheckCell, lift, module_name
from weft.judge.cells import checks_of
from weft.layout import Challenge, LayoutError, read_notebook
from weft.record.journal import Entry, Journal, cell_key, digest

#: The part that stands for the check cells after the last answer cell: they judge the whole.
WHOLE = "the whole"


@dataclass(frozen=True, slots=True)
class Part:
    """Visible points of one part, which has the name of its module.

    ``checked`` says that all its check cells were run, ``changed`` that the answer was changed since then.
    """

    name: str
    earned: float
    possible: float
    checked: bool
    changed: bool

    @property
    def green(self) -> bool:
        """Whether all its visible checks passed, on the answer as it stands."""
        return self.checked and not self.changed and self.earned == self.possible


def parts_of(challenge: Challenge) -> list[Part]:
    """The parts in their order, as they stand. None if the challenge is not released, or its notebook is damaged."""
    try:
        released = read_notebook(challenge.release_notebook)
        entries, texts = Journal(challenge).entries(), _own_texts(challenge)
        groups = list(_groups(released))
        return [_part(name, cells, entries, texts) for name, cells in groups if cells]
    except (LayoutError, SyntaxError):
        return []


def _own_texts(challenge: Challenge) -> dict[str, str]:
    """The digests of the modules in the learner's notebook as it was saved."""
    if not challenge.own_notebook.exists():
        return {}
    return {name: digest(text) for name, text in lift(read_notebook(challenge.own_notebook)).modules.items()}


def _groups(notebook: Mapping[str, Any]) -> Iterator[tuple[str, list[CheckCell]]]:
    """Each part's name and check cells. A locked module ends the last part: what comes after it judges the whole."""
    name, cells = WHOLE, list[CheckCell]()
    for cell in notebook["cells"]:
        text = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        if module := module_name(text):
            yield name, cells
            mine = cell.get("metadata", {}).get("nbgrader", {}).get("solution", False)
            name, cells = (module if mine else WHOLE), []
        cells.extend(lift({"cells": [cell]}).cells)
    yield name, cells


def _part(name: str, cells: list[CheckCell], entries: Mapping[str, Entry], texts: Mapping[str, str]) -> Part:
    found = [entries.get(cell_key(cell)) for cell in cells]
    judged = [entry for entry in found if entry]
    return Part(
        name,
        earned=sum(entry.earned for entry in judged),
        possible=sum(check.points for cell in cells for check in checks_of(cell)),
        checked=len(judged) == len(found),
        changed=any(texts.get(module, text) != text for entry in judged for module, text in entry.modules.items()),
    )
