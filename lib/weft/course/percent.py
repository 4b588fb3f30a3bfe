"""A notebook as text and back: jupytext's percent format, with short headers and cell ids made of the content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import jupytext
import nbformat

#: What the ``.nb.py`` says of a notebook and of a cell. All else is the same in every notebook, or is no one's work.
FILTERS = {"notebook_metadata_filter": "weft,-all", "cell_metadata_filter": "nbgrader,tags,jupyter,-all"}
CELL_KEYS = ("jupyter", "nbgrader", "tags")
FORMAT = {"extension": ".py", "format_name": "percent"}

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}


class PairingError(Exception):
    """A notebook and its text cannot be brought into step; the message says why and what to do."""


def notebook_of(text: str) -> dict[str, Any]:
    """The notebook that a ``.nb.py`` describes: format 4.5, no outputs, the same for the same text.

    A cell's id is its nbgrader grade_id or, without one, the first 8 hex digits of its source's SHA-1, made unique.
    Raises PairingError if the text is not a notebook.
    """
    try:
        read = jupytext.reads(text, fmt=FORMAT)
    except Exception as error:
        raise PairingError(f"It cannot be read as a notebook: {_first_line(error)}") from None
    ids: set[str] = set()
    metadata = {"kernelspec": KERNELSPEC, "language_info": LANGUAGE}
    if about := read.metadata.get("weft"):
        metadata["weft"] = dict(about)
    return {
        "cells": [_cell(cell, ids) for cell in read.cells],
        "metadata": metadata,
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def text_of(notebook: dict[str, Any]) -> str:
    """A notebook as the text of its ``.nb.py``. Raises PairingError for what text cannot hold: it would be lost."""
    for number, cell in enumerate(notebook["cells"], start=1):
        if cell.get("attachments"):
            raise PairingError(
                f"Cell {number} has a pasted picture, which text cannot hold. Save it as a file instead."
            )
    wanted = [_content(cell) for cell in notebook["cells"]]
    metadata = {"jupytext": FILTERS} | {
        key: value for key, value in notebook.get("metadata", {}).items() if key == "weft"
    }
    cells = [_plain(content) for content in wanted]
    text = str(jupytext.writes(nbformat.from_dict({**_empty(), "metadata": metadata, "cells": cells}), fmt=FORMAT))
    for number, (before, after) in enumerate(_aligned(wanted, notebook_of(text)["cells"]), start=1):
        if before != after:
            raise PairingError(
                f"Cell {number} would change on the way through text. "
                "A line that begins with '# %%' is the usual reason: write it differently."
            )
    return text


def dump(notebook: dict[str, Any]) -> str:
    """A notebook as the text of an ``.ipynb`` file, as nbformat writes it."""
    return str(nbformat.writes(nbformat.from_dict(notebook))) + "\n"


def _cell(cell: Any, ids: set[str]) -> dict[str, Any]:
    kind, source = cell.cell_type, cell.source
    metadata = _kept(cell.metadata)
    known = metadata.get("nbgrader", {}).get("grade_id") or hashlib.sha1(source.encode()).hexdigest()[:8]
    identity, number = known, 1
    while identity in ids:
        number += 1
        identity = f"{known}-{number}"
    ids.add(identity)
    plain = {"cell_type": kind, "id": identity, "metadata": metadata, "source": source}
    return plain | {"execution_count": None, "outputs": []} if kind == "code" else plain


def _content(cell: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """What of a cell is its author's: kind, source, and the metadata that we keep."""
    source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
    return cell["cell_type"], source, _kept(cell.get("metadata", {}))


def _kept(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata that we keep, in alphabetical order: nbformat writes it so, and jupytext as it finds it."""
    kept = {key: metadata[key] for key in CELL_KEYS if metadata.get(key)}
    return dict(json.loads(json.dumps(kept, sort_keys=True)))


def _aligned(wanted: list[Any], cells: list[dict[str, Any]]) -> list[tuple[Any, Any]]:
    found = [_content(cell) for cell in cells]
    longest = max(len(wanted), len(found))
    return list(zip(_padded(wanted, longest), _padded(found, longest), strict=True))


def _padded(rows: list[Any], length: int) -> list[Any]:
    return rows + [None] * (length - len(rows))


def _plain(content: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
    kind, source, metadata = content
    plain = {"cell_type": kind, "metadata": metadata, "source": source}
    return plain | {"execution_count": None, "outputs": []} if kind == "code" else plain


def _empty() -> dict[str, Any]:
    # 4.4 has no cell ids: text cannot keep them, and notebook_of makes them.
    return {"nbformat": 4, "nbformat_minor": 4}


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
