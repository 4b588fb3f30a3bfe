"""Any bytes become cells or a reason."""

import json
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest

from weft.gradebook.reading import read_submission


def write(folder: Path, content: Any) -> Path:
    path = folder / "sums.ipynb"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot be read as JSON"),
        (b"{", "cannot be read as JSON"),
        (b"\xff\xfe\x00", "cannot be read as JSON"),
        (b"[" * 100_000, "cannot be read as JSON"),
        (b"[]", "holds a list"),
        (b"{}", "no list of cells"),
        ({"cells": 7}, "no list of cells"),
        ({"worksheets": [{}]}, "no list of cells"),
        ({"worksheets": "x"}, "no list of cells"),
    ],
)
def test_what_is_no_notebook_has_a_reason(tmp_path: Path, content: Any, reason: str) -> None:
    assert reason in read_submission(write(tmp_path, content)).reason


def test_a_missing_notebook_names_what_is_there_instead(tmp_path: Path) -> None:
    (tmp_path / "sums-Copy1.ipynb").write_text("{}")
    (tmp_path / "<img src=x>.ipynb").write_text("{}")
    reason = read_submission(tmp_path / "sums.ipynb").reason
    assert reason == (
        "No notebook sums.ipynb was handed in. There is sums-Copy1.ipynb: rename it to sums.ipynb and hand it in again."
    )


def test_a_folder_and_a_pipe_are_no_notebooks(tmp_path: Path) -> None:
    (tmp_path / "sums.ipynb").mkdir()
    assert read_submission(tmp_path / "sums.ipynb").reason == "sums.ipynb is not a file."
    os.mkfifo(tmp_path / "pipe.ipynb")
    assert read_submission(tmp_path / "pipe.ipynb").reason == "pipe.ipynb is not a file."


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path, b"")
    os.truncate(path, 300_000_000)
    assert "300 MB large" in read_submission(path).reason


def test_every_odd_cell_becomes_a_valid_one(tmp_path: Path) -> None:
    odd: list[Any] = [
        7,
        {},
        {"cell_type": "code", "source": ["a\n", 3, "b"], "id": "x"},
        {"cell_type": "code", "source": None, "id": "x", "metadata": "none"},
        {"cell_type": "heading", "level": 1, "source": "h", "id": "no spaces allowed"},
        {"cell_type": "markdown", "source": "m\ud800\0", "attachments": {"a": 1}, "metadata": {"tags": ["t"]}},
        {"cell_type": "code", "source": "s", "metadata": {"tags": ["skip-execution"], "nbgrader": [1]}},
    ]
    reading = read_submission(write(tmp_path, {"cells": odd, "metadata": 3, "nbformat": "eleven"}))
    nbformat.validate(nbformat.from_dict(reading.notebook()))
    assert [cell["source"] for cell in reading.cells] == ["", "a\nb", "", "h", "m?", "s"]
    assert all(cell["metadata"] == {} for cell in reading.cells)


def test_format_3_is_read(tmp_path: Path) -> None:
    sheet = {
        "cells": [{"cell_type": "code", "input": ["%%module adder\n", "x = 1"], "outputs": [], "language": "python"}]
    }
    reading = read_submission(write(tmp_path, {"nbformat": 3, "worksheets": [sheet]}))
    assert reading.cells[0]["source"] == "%%module adder\nx = 1"


def test_a_cell_of_a_million_characters_is_cut_and_said_so(tmp_path: Path) -> None:
    reading = read_submission(write(tmp_path, {"cells": [{"cell_type": "markdown", "source": "x" * 1_500_000}]}))
    assert len(reading.cells[0]["source"]) == 1_000_000
    assert "has been cut" in reading.notes[0]
