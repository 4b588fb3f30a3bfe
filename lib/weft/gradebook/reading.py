"""Read whatever was handed in: any bytes become cells of format 4, and what was wrong with them a sentence."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Larger files are not read, longer cells are cut: nobody types that, and nbgrader would take minutes over it.
LARGEST_FILE = 200_000_000
LONGEST_CELL = 1_000_000

#: nbformat's own rule for the id of a cell.
CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")

#: File names that can be repeated in a sentence without becoming markup.
PLAIN_NAME = re.compile(r"[\w .()-]{1,100}")


class Unreadable(Exception):
    """Nothing in the file can be taken for a notebook; the message is for the learner."""


@dataclass(slots=True)
class Reading:
    """A submission as it was read.

    ``cells`` are well-formed cells of format 4.5 without outputs, attachments and tags; ``nbgrader`` metadata is kept
    as it was and is not to be trusted. ``reason`` says why there is nothing to grade, and is empty if there is.
    ``digest`` identifies the bytes.
    """

    cells: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    reason: str = ""
    digest: str = ""

    def notebook(self) -> dict[str, Any]:
        """The notebook as plain data, format 4.5."""
        return {"nbformat": 4, "nbformat_minor": 5, "metadata": self.metadata, "cells": self.cells}


def read_submission(path: Path) -> Reading:
    """Read the notebook at ``path``. Never raises for anything that a submission can be, a missing file included."""
    reading = Reading()
    try:
        content = _content(path)
        reading.digest = hashlib.sha256(content).hexdigest()
        data = _parsed(content, path.name)
        rows = list(_rows(data, path.name))
    except Unreadable as error:
        reading.reason = str(error)
        return reading
    reading.metadata = _kept_metadata(data.get("metadata"))
    ids: set[str] = set()
    reading.cells = [_cell(row, number, ids, reading.notes) for number, row in enumerate(rows, start=1)]
    return reading


def clean(text: str) -> str:
    """``text`` without what cannot be written as UTF-8 or kept in a database: lone surrogates and NUL characters."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise Unreadable(f"{path.name} is not a file.")
        if size > LARGEST_FILE:
            raise Unreadable(
                f"{path.name} is {size / 1e6:.0f} MB large. "
                "Clear its outputs (Edit, Clear Outputs of All Cells) and hand it in again."
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise Unreadable(f"No notebook {path.name} was handed in.{_others(path)}") from None
    except OSError as error:
        raise Unreadable(f"{path.name} cannot be read: {error.strerror}.") from None


def _others(path: Path) -> str:
    names = sorted(other.name for other in path.parent.glob("*.ipynb") if PLAIN_NAME.fullmatch(other.name))
    return f" There is {', '.join(names)}: rename it to {path.name} and hand it in again." if names else ""


def _parsed(content: bytes, name: str) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise Unreadable(f"{name} is not a notebook: it cannot be read as JSON.") from None
    if not isinstance(data, dict):
        raise Unreadable(f"{name} is not a notebook: it holds a {type(data).__name__} instead of cells.")
    return data


def _rows(data: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """The cells of format 4, or those of the worksheets that formats 2 and 3 had."""
    sheets = [data] if "cells" in data else data.get("worksheets")
    if not isinstance(sheets, list):
        raise Unreadable(f"{name} is not a notebook: it has no list of cells.")
    for sheet in sheets:
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
        if not isinstance(cells, list):
            raise Unreadable(f"{name} is not a notebook: it has no list of cells.")
        yield from (cell for cell in cells if isinstance(cell, dict))


def _cell(row: dict[str, Any], number: int, ids: set[str], notes: list[str]) -> dict[str, Any]:
    kind = row.get("cell_type")
    source = _text(row.get("source", row.get("input", "")))
    if len(source) > LONGEST_CELL:
        source = source[:LONGEST_CELL]
        notes.append(f"Cell {number} is longer than {LONGEST_CELL:,} characters and has been cut.")
    cell = {
        "id": _identity(row.get("id"), number, ids),
        "cell_type": kind if kind in ("code", "markdown") else "raw",
        "metadata": _kept_of_cell(row.get("metadata")),
        "source": source,
    }
    return cell | {"outputs": [], "execution_count": None} if kind == "code" else cell


def _text(source: object) -> str:
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return clean(source) if isinstance(source, str) else ""


def _identity(wanted: object, number: int, ids: set[str]) -> str:
    """The cell's own id, or one made of its place if it has none, a bad one or someone else's."""
    identity = wanted if isinstance(wanted, str) and CELL_ID.fullmatch(wanted) else f"cell-{number}"
    while identity in ids:
        identity = f"{identity[:50]}-{number}"
    ids.add(identity)
    return identity


def _kept_of_cell(metadata: object) -> dict[str, Any]:
    """Of a cell's metadata what nbgrader needs; tags, attachments' settings and anything else are dropped."""
    if not isinstance(metadata, dict):
        return {}
    kept = {key: metadata[key] for key in ("deletable", "editable") if isinstance(metadata.get(key), bool)}
    return kept | ({"nbgrader": metadata["nbgrader"]} if isinstance(metadata.get("nbgrader"), dict) else {})


def _kept_metadata(metadata: object) -> dict[str, Any]:
    if not isinstance(metadata, dict):
        return {}
    return {
        key: metadata[key]
        for key in ("kernelspec", "language_info", "weft_grading")
        if isinstance(metadata.get(key), dict)
    }
