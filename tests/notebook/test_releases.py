"""Each release runs from top to bottom before anything is filled in: a learner's first Run All ends in no traceback."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from weft.layout import Challenge, Course
from weft.notebook.shelf import start

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("challenge", Course(ROOT).challenges(), ids=lambda challenge: challenge.id)
def test_it_runs_from_the_top(challenge: Challenge, tmp_path: Path) -> None:
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    shutil.copytree(challenge.release_notebook.parent, tmp_path / "release" / challenge.id)
    own = start(Course(tmp_path).challenge(challenge.id))
    notebook = nbformat.read(own, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(own.parent)}}).execute()
    tables = [out for cell in notebook.cells for out in cell.get("outputs", []) if "weft-verdicts" in str(out)]
    assert len(tables) == sum(cell.source.startswith("%%checks") for cell in notebook.cells)
