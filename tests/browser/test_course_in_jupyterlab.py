"""What a learner sees in JupyterLab: the start page, a challenge, its answer cell and its verdict table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

from weft.answer.lift import CHECKS_LINE, module_name

from .conftest import TABLES, Lab

pytestmark = pytest.mark.browser

PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"


def first_checks(path: Path) -> int:
    """The place of the first check cell, from 0, which the answer cell that it checks comes before."""
    cells = nbformat.read(path, as_version=4).cells
    place = next(n for n, cell in enumerate(cells) if CHECKS_LINE.match(cell.source.partition("\n")[0]))
    assert any(module_name(cell.source) for cell in cells[:place])
    return place


def place_of(text: str, path: Path) -> int:
    """The place of the first code cell that holds the text, from 0."""
    cells = nbformat.read(path, as_version=4).cells
    return next(n for n, cell in enumerate(cells) if cell.cell_type == "code" and text in cell.source)


def run_as_far_as(jupyter: Lab, place: int) -> None:
    """Press Shift+Enter on each cell from the top to ``place``."""
    jupyter.command("notebook:move-cursor-up")
    jupyter.page.locator(f"{PANEL} .jp-Cell").first.click(position={"x": 60, "y": 10})
    for _ in range(place + 1):
        jupyter.page.keyboard.press("Shift+Enter")


def test_the_start_page_starts_and_opens_a_challenge(jupyter: Lab, course: Path) -> None:
    jupyter.open("start_here.ipynb")
    jupyter.command("notebook:run-all-cells")
    page = jupyter.page
    card = page.get_by_role("region", name="X1")
    card.wait_for(timeout=30_000)
    page.wait_for_function(f"() => ({TABLES})().length === 1", timeout=30_000)
    # Running all scrolls to the end, and what is out of view is not in the page.
    jupyter.show_cell(place_of("start_page.show()", course / "notebooks" / "start_here.ipynb"))
    card.scroll_into_view_if_needed()
    assert "not started" in card.inner_text()
    jupyter.shot("light")
    page.get_by_role("button", name="Start X1").click()
    page.get_by_role("link", name="Open X1").wait_for(timeout=10_000)
    assert (course / "notebooks/challenges/X1/adding_up.ipynb").exists()
    jupyter.theme("Dark")
    jupyter.shot("dark")
    jupyter.theme("Light")
    page.get_by_role("link", name="Open X1").click()
    page.locator(f"{PANEL} h1", has_text="Adding up").wait_for(timeout=20_000)


@pytest.mark.parametrize("name", ["X1", "T1"])
def test_a_check_cell_shows_its_verdicts(name: str, jupyter: Lab, course: Path) -> None:
    released = sorted((course / "release" / name).glob("*.ipynb"))
    assert released, f"there is no release/{name}"
    own = course / "notebooks" / "challenges" / name
    own.mkdir(parents=True, exist_ok=True)
    (own / released[0].name).write_bytes(released[0].read_bytes())
    jupyter.open(f"challenges/{name}/{released[0].name}")
    run_as_far_as(jupyter, first_checks(released[0]))
    table = jupyter.page.locator(f"{PANEL} .weft-verdicts")
    table.wait_for(timeout=90_000)
    jupyter.wait_for_kernel()
    assert table.count() == 1, "the progress line or an older table is still there"
    assert table.get_by_role("listitem").count() >= 2
    assert "points" in table.inner_text()
    for theme in ("Light", "Dark"):
        jupyter.theme(theme)
        table.scroll_into_view_if_needed()
        assert contrast(table) >= 4.5, f"the table cannot be read in the {theme} theme"
        jupyter.shot(theme.lower())


def test_evidence_is_reached_by_keyboard(jupyter: Lab, course: Path) -> None:
    test_a_check_cell_shows_its_verdicts("X1", jupyter, course)
    table = jupyter.page.locator(f"{PANEL} .weft-verdicts")
    summary = table.locator("summary", has_text="stood when time was up")
    summary.focus()
    jupyter.page.keyboard.press("Enter")
    table.locator("pre", has_text="while True: pass").wait_for(timeout=5_000)
    jupyter.shot("stacks")


def contrast(locator: Any) -> float:
    """The ratio of the luminances of an element's text and background, as WCAG defines it."""
    script = """element => {
        const light = colour => {
            const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(Number)
                .map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const style = getComputedStyle(element);
        const [a, b] = [light(style.color), light(style.backgroundColor)].sort((x, y) => y - x);
        return (a + 0.05) / (b + 0.05);
    }"""
    return float(locator.evaluate(script))
