"""The magics in a real kernel: other processes import the answer, and nbgrader's Validate reads the checks."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.validator import Validator

ADDING = "%%module adding\ndef add(numbers):\n    return sum(numbers)"

POOL = """
import multiprocessing as mp
from concurrent.futures import ProcessPoolExecutor

def sums(method):
    with ProcessPoolExecutor(1, mp_context=mp.get_context(method)) as pool:
        return pool.submit(add, [1, 2]).result(timeout=20)
"""

CHECKS = '''%%checks correctness
from weft.judge import points

def adding(numbers):
    """`add(numbers)`"""
    from adding import add
    return add(numbers)

@points(2)
def test_small(answer):
    """Two numbers are added."""
    assert answer.drive(adding, [1, 2]) == 3

@points(1)
def test_none(answer):
    """No numbers make 0."""
    assert answer.drive(adding, []) == 0
'''


def run(*cells: str) -> list[nbformat.NotebookNode]:
    """Run cells in a fresh kernel after ``%load_ext weft``; returns the outputs of each cell as they are afterwards."""
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in ("%load_ext weft", *cells)])
    NotebookClient(notebook, timeout=60, allow_errors=True, kernel_name="python3").execute()
    return [cell.outputs for cell in notebook.cells[1:]]


def text(outputs: list[nbformat.NotebookNode]) -> str:
    return "".join(output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in outputs)


def test_answers_pickle_under_every_start_method() -> None:
    """Also after a module was replaced: a process that starts later sees the newer one."""
    replaced = ADDING.replace("sum(numbers)", "sum(numbers) + 10")
    call = "[sums(method) for method in ('spawn', 'forkserver', 'fork')]"
    _, _, first, _, second = run(ADDING, POOL, call, replaced, call)
    assert text(first) == "[3, 3, 3]"
    assert text(second) == "[13, 13, 13]"


def test_a_failing_module_is_an_error_that_shows_its_own_lines() -> None:
    [outputs] = run("%%module adding\nTOTAL = sum(1)")
    [error] = outputs
    assert error.output_type == "error"
    assert "adding.py" in error.traceback[0] and "line 2" in error.traceback[0]
    assert "ipykernel" not in str(error.traceback) and "weft/" not in str(error.traceback)


def test_a_check_cell_ends_with_its_table_alone() -> None:
    wrong = ADDING.replace("sum(numbers)", "sum(numbers) or 7")
    _, outputs, _, green, where = run(wrong, CHECKS, ADDING, CHECKS, "import adding; adding.__file__")
    [output] = outputs
    assert (output.output_type, output.data["text/plain"]) == ("execute_result", "2.0")
    [output] = green
    assert output.output_type == "display_data" and "3 / 3 points" in output.data["text/html"]
    file = Path(text(where).strip("'"))
    assert file.name == "adding.py" and not file.parent.exists(), "the work folder outlived its kernel"


@pytest.mark.parametrize(
    ("answer", "failed"),
    [("sum(numbers)", False), ("sum(numbers) or 7", True), (None, True)],
    ids=["all green", "partly right", "module was never run"],
)
def test_validate_reads_the_checks(answer: str | None, failed: bool, tmp_path: Path) -> None:
    marks = {"grade_id": "correctness-adding", "grade": True, "locked": True, "solution": False, "task": False}
    graded = new_code_cell(CHECKS, metadata={"nbgrader": {**marks, "points": 3, "schema_version": 3}})
    module = [new_code_cell(ADDING.replace("sum(numbers)", answer))] if answer else []
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = new_notebook(cells=[new_code_cell("%load_ext weft"), *module, graded], metadata=kernel)
    nbformat.write(notebook, tmp_path / "adding.ipynb")
    results = Validator().validate(str(tmp_path / "adding.ipynb"))
    assert bool(results.get("failed")) is failed
