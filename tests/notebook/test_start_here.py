"""The start page itself: it runs from top to bottom, and its checks pass as its text says."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

START = Path(__file__).parents[2] / "notebooks" / "start_here.ipynb"


def test_it_is_committed_without_outputs() -> None:
    notebook = nbformat.read(START, as_version=4)
    nbformat.validate(notebook)
    assert not [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")]


def test_it_runs_from_the_top() -> None:
    notebook = nbformat.read(START, as_version=4)
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(START.parent)}}).execute()
    checks = next(cell for cell in notebook.cells if cell.source.startswith("%%checks"))
    [table] = checks.outputs
    assert "2 / 2 points" in table.data["text/html"]
