"""A notebook must survive the way through text exactly; what would not must be refused, not lost."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import nbformat
import pytest

from weft.course.percent import FILTERS, PairingError, dump, notebook_of, text_of

from .conftest import ROOT

GRADED = {"grade": True, "grade_id": "correctness-a", "locked": True, "points": 4, "schema_version": 3}

SOURCES = [
    ("code", "%load_ext weft", {}),
    ("code", '%%module adder\n"""Adds."""\n\nimport os\n\n\ndef add(a, b):\n    return a + b', {}),
    ("code", "%%drives\ndef f():\n    from adder import add\n\n    return add(1, 2)", {}),
    (
        "code",
        "%%checks correctness\nfrom weft.judge import points\n\n\n"
        "### BEGIN HIDDEN TESTS\n@points(4)\ndef test_a(answer): ...\n### END HIDDEN TESTS",
        {"nbgrader": GRADED, "jupyter": {"source_hidden": True}},
    ),
    ("code", "%%checks errors --hidden 2.5\n# All of it is hidden.", {}),
    ("code", "await session.close()\nasync with lock:\n    pass", {}),
    ("markdown", "# A\n\n<details><summary>Hint 1</summary>\n\n```python\nx = 1\n```\n\n</details>", {}),
    ("markdown", '```mermaid\nflowchart LR\n    a -- "b, c" --> d\n```\n\n%%module stays text', {}),
    ("markdown", '$\\frac{1}{2}$ and \'quotes\' """three""" · – ✓', {}),
    ("code", "!ls\nx = 1  # a comment", {"tags": ["a-b"]}),
    ("code", "", {}),
    ("raw", "raw", {}),
]


def notebook(*cells: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
    """A notebook of these cells, as JupyterLab would save it: with outputs and metadata of its own."""
    made = []
    for number, (kind, source, metadata) in enumerate(cells):
        cell = {"cell_type": kind, "id": f"lab-{number}", "metadata": {"scrolled": True, **metadata}, "source": source}
        if kind == "code":
            output = {"output_type": "stream", "name": "stdout", "text": "42"}
            cell |= {"execution_count": 7, "outputs": [output]}
        made.append(cell)
    about = {"id": "X1", "title": 'Of "x": y', "minutes": "30-45"}
    metadata = {"weft": about, "kernelspec": {"name": "other", "display_name": "O"}, "toc": {"a": 1}}
    return {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def test_every_kind_of_cell_comes_back_as_it_was() -> None:
    back = notebook_of(text_of(notebook(*SOURCES)))
    assert [(cell["cell_type"], cell["source"], cell["metadata"]) for cell in back["cells"]] == SOURCES
    assert back["metadata"]["weft"] == {"id": "X1", "title": 'Of "x": y', "minutes": "30-45"}
    nbformat.validate(nbformat.from_dict(back))


def test_text_is_the_same_after_another_round() -> None:
    text = text_of(notebook(*SOURCES))
    assert text_of(notebook_of(text)) == text


def test_nothing_of_a_run_or_a_machine_is_kept() -> None:
    back = notebook_of(text_of(notebook(*SOURCES)))
    assert set(back["metadata"]) == {"kernelspec", "language_info", "weft"}
    assert back["metadata"]["kernelspec"]["name"] == "python3"
    assert "version" not in back["metadata"]["language_info"]
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in back["cells"])


def test_header_is_small() -> None:
    header = text_of(notebook(*SOURCES)).split("# ---")[1]
    assert [line.strip("# :") for line in header.strip().splitlines()][:2] == ["jupyter", "weft"]
    assert "jupytext" not in header and "kernelspec" not in header


def test_ids_are_grade_ids_or_made_of_the_source_and_unique() -> None:
    cells = notebook_of(text_of(notebook(("code", "a", {"nbgrader": GRADED}), ("code", "x", {}), ("code", "x", {}))))
    ids = [cell["id"] for cell in cells["cells"]]
    assert ids == ["correctness-a", "11f6ad8e", "11f6ad8e-2"]


@pytest.mark.parametrize("source", ["x = 1\n# %% b", "x = 1\n# %% [markdown]"])
def test_a_cell_that_text_would_split_is_refused(source: str) -> None:
    with pytest.raises(PairingError, match="Cell 2 would change"):
        text_of(notebook(("code", "x = 1", {}), ("code", source, {}), ("code", "y = 2", {})))


def test_a_pasted_picture_is_refused() -> None:
    pasted = notebook(("markdown", "![a](attachment:a.png)", {}))
    pasted["cells"][0]["attachments"] = {"a.png": {"image/png": "aGk="}}
    with pytest.raises(PairingError, match="Cell 1 has a pasted picture"):
        text_of(pasted)


def test_dump_is_what_nbformat_reads_and_writes() -> None:
    made = notebook_of(text_of(notebook(*SOURCES)))
    assert dump(json.loads(dump(made))) == dump(made)


def test_jupytext_in_jupyterlab_has_the_same_filters() -> None:
    settings = tomllib.loads((ROOT / "source/jupytext.toml").read_text())
    assert {name: settings[name] for name in FILTERS} == FILTERS
    assert settings["formats"] == "ipynb,.nb.py:percent"
