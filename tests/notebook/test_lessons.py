"""Each lesson runs from the top, and shows what its text says."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

LESSONS = Path(__file__).parents[2] / "notebooks" / "lessons"


@cache
def run(path: Path) -> Any:
    notebook = nbformat.read(path, as_version=4)
    assert not [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")]
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(path.parent)}}).execute()
    return notebook


@pytest.mark.parametrize("path", sorted(LESSONS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_it_runs_from_the_top(path: Path) -> None:
    run(path)


def test_the_lesson_on_races_shows_what_it_says() -> None:
    code = [cell for cell in run(LESSONS / "races.ipynb").cells if cell.cell_type == "code"]
    said = ["".join(str(output.get("data", {}).get("text/plain", "")) for output in cell.outputs) for cell in code]
    explored = [text for text in said if "schedule" in text]
    lost, again, held, replayed, stuck, still_stuck = explored
    assert "two adds, and the count is 1" in lost and "⇄" in lost
    assert "still fails" in again and "two adds, and the count is 1" in again
    assert "It held in all 200 schedules." in held
    assert "Under this schedule it holds." in replayed
    assert "there holds" in stuck and "back holds" in stuck and "Deadlock" in still_stuck


def test_the_lesson_on_event_loops_shows_what_it_says() -> None:
    code = [cell for cell in run(LESSONS / "event_loops.ipynb").cells if cell.cell_type == "code"]
    said = "\n".join(str(output.get("text", "")) for cell in code for output in cell.outputs)
    pauses = [float(seconds) for seconds in re.findall(r"longest pause ([\d.]+) s", said)]
    assert "running: True" in said and "cannot be called from a running event loop" in said
    assert len(pauses) == 2 and pauses[0] >= 0.5 > pauses[1]
    assert re.search(r"took [\d.]+ seconds", said)
    assert re.search(r"blocking call at report\.py:\d+  time\.sleep\(0\.5\)", said)
    assert said.count("cocoa is ready") == 2
    assert "ticks so far: True" in said and "cancelled: True" in said
    assert "['ann: sold', 'bob: sold'] stock: -1" in said
