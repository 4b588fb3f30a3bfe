"""A learner's way through T1 in JupyterLab: answer, see green, hand in; then the grade and its feedback."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from weft.answer.lift import module_name
from weft.layout import Course, read_notebook

from .conftest import TABLES, Lab

pytestmark = pytest.mark.browser

PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"


def text(cell: dict[str, Any]) -> str:
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


def reference(course: Path) -> dict[str, str]:
    """The reference's answer cells, by module."""
    cells = read_notebook(Course(course).challenge("T1").source_notebook)["cells"]
    return {name: text(cell) for cell in cells if (name := module_name(text(cell)))}


def pasted(notebook: Path, answers: dict[str, str]) -> dict[int, str]:
    """What to write into which cell of the learner's notebook."""
    cells = read_notebook(notebook)["cells"]
    return {place: answers[name] for place, cell in enumerate(cells) if (name := module_name(text(cell)))}


def weft(course: Path, *arguments: str) -> str:
    """Run the command in the course; its output."""
    command = [sys.executable, "-m", "weft.cli", *arguments]
    done = subprocess.run(command, cwd=course, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def opened(jupyter: Lab, course: Path) -> Iterator[tuple[Lab, Path]]:
    """T1 as it is released, open in JupyterLab."""
    own = course / "notebooks" / "challenges" / "T1"
    shutil.rmtree(own, ignore_errors=True)
    released = Course(course).challenge("T1").release_notebook
    own.mkdir(parents=True)
    shutil.copy(released, own)
    jupyter.open(f"challenges/T1/{released.name}")
    yield jupyter, own / released.name


def visible_points(jupyter: Lab) -> list[tuple[int, int]]:
    """Earned and possible, of every verdict table in order."""
    tables = [re.sub(r"<[^>]*>", "", table) for table in jupyter.page.evaluate(TABLES)]
    found = [re.search(r"(\d+) / (\d+) visible points", table) for table in tables]
    return [(int(match[1]), int(match[2])) for match in found if match]


def test_the_reference_turns_everything_green_and_earns_100(opened: tuple[Lab, Path], course: Path) -> None:
    jupyter, notebook = opened
    jupyter.write(pasted(notebook, reference(course)))
    jupyter.run_all()
    shown = visible_points(jupyter)
    cells = read_notebook(notebook)["cells"]
    assert len(shown) == sum(text(cell).startswith("%%checks") for cell in cells)
    assert all(earned == possible > 0 for earned, possible in shown), shown
    jupyter.command("docmanager:save")
    jupyter.shot("green")
    assert "T1" in weft(course, "submit", "T1", "--as", "ann")
    weft(course, "grade", "T1")
    assert "100" in weft(course, "report", "T1")
    weft(course, "feedback", "T1")
    page = jupyter.page
    page.goto((course / "feedback/ann/T1/download_manager.html").as_uri())
    page.screenshot(path=str(jupyter.folder / "feedback-right.png"))


def test_a_race_is_drawn_where_the_learner_stands(opened: tuple[Lab, Path], course: Path) -> None:
    jupyter, notebook = opened
    answers = reference(course)
    answers["progress"] = answers["progress"].replace("with self._lock:", "if True:")
    jupyter.write(pasted(notebook, answers))
    jupyter.run_all()
    lanes = jupyter.page.locator(f"{PANEL} figure.weft-schedule")
    lanes.first.scroll_into_view_if_needed()
    lanes.first.wait_for(timeout=10_000)
    for theme in ("Dark", "Light"):
        jupyter.theme(theme)
        jupyter.shot(theme.lower())
    slider = lanes.first.locator("input")
    slider.focus()
    before = lanes.first.locator("output").inner_text()
    jupyter.page.keyboard.press("ArrowLeft")
    assert lanes.first.locator("output").inner_text() != before
