"""``%%drives`` and ``%%checks``: what the judge is given, and what the cell shows and gives back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from weft.answer.lift import CheckCell, Lifted
from weft.judge import session
from weft.judge.cells import checks_of
from weft.judge.verdicts import Outcome
from weft.layout import Course
from weft.notebook.progress_line import ProgressLine
from weft.record.journal import Journal

from .conftest import Notebook, PretendJudge

DRIVES = '''%%drives
def total(numbers):
    """`add` of all numbers"""
    return helper(numbers)

def helper(numbers):
    from adding import add
    return add(numbers)
'''

CHECKS = '''%%checks correctness --hidden 4
from weft.judge import points

@points(4)
def test_small(answer):
    """Two numbers are added."""
    assert answer.drive(total, [1, 2]) == 3

@points(2.5)
def test_none(answer):
    """No numbers make 0."""
    assert answer.drive(total, []) == 0
'''


@pytest.fixture
def ready(notebook: Notebook) -> Notebook:
    notebook.good("%%module adding\ndef add(numbers):\n    return sum(numbers)")
    notebook.good(DRIVES)
    return notebook


def plain(result: Any) -> str:
    return str(result._repr_mimebundle_()["text/plain"])


def test_the_judge_is_given_modules_drives_and_this_cell(ready: Notebook, judge: PretendJudge) -> None:
    ready.good(CHECKS)
    lifted = judge.asked[0]
    assert lifted.modules == {"adding": "# %%module adding\ndef add(numbers):\n    return sum(numbers)\n"}
    assert lifted.drives.startswith("# %%drives\ndef total(")
    assert [(cell.criterion, cell.hidden_points) for cell in lifted.cells] == [("correctness", 4.0)]
    assert lifted.cells[0].source.splitlines()[:2] == ["", "from weft.judge import points"]


def test_all_green_is_displayed_and_is_no_result(ready: Notebook, judge: PretendJudge) -> None:
    ran = ready.good(CHECKS)
    assert ran.result is None
    assert "6.5 / 6.5 visible points · 4 more are judged at grading" in ran.displayed[-1]["text/html"]
    assert "✓ Two numbers are added." in ran.displayed[-1]["text/plain"]


def test_a_failure_makes_the_points_the_result(ready: Notebook, judge: PretendJudge) -> None:
    judge.outcomes = {"test_none": Outcome.FAIL}
    result: Any = ready.good(CHECKS).result
    assert plain(result) == "4.0"
    assert 'aria-label="failed"' in result._repr_mimebundle_()["text/html"]


def test_broken_costs_nothing(ready: Notebook, judge: PretendJudge) -> None:
    judge.outcomes = {"test_none": Outcome.BROKEN}
    ran = ready.good(CHECKS)
    assert ran.result is None and "Not your fault" in ran.displayed[-1]["text/html"]


def test_the_line_counts_and_goes_away(ready: Notebook, judge: PretendJudge) -> None:
    checks = checks_of(CheckCell("correctness", "correctness", CHECKS.partition("\n")[2]))
    line = ProgressLine(checks)
    assert "0 of 2 done … Two numbers are added." in line.text()
    line(checks[0].verdict(Outcome.PASS))
    assert "1 of 2 done … No numbers make 0." in line.text()
    assert "done …" not in str(ready.good(CHECKS).displayed)


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ([], "Run the cell `%%drives` first"),
        ([DRIVES], "Run the cell `%%module adding` first"),
        ([DRIVES, "%%module adding\n1 / 0"], "Module `adding` is not in force: run its cell `%%module adding`"),
        ([DRIVES, "%%module adding\nfrom deeper import add"], "Module `adding` is not in force"),
    ],
)
def test_what_is_missing_is_said_without_judging(
    notebook: Notebook, judge: PretendJudge, cells: list[str], sentence: str
) -> None:
    for cell in cells:
        notebook.run(cell)
    result: Any = notebook.good(CHECKS).result
    assert sentence in result.sentence
    assert plain(result) == "0.0", "nbgrader's Validate must not take a cell that was not judged for a success"
    assert judge.asked == []


def test_a_check_of_quality_needs_what_it_reads(notebook: Notebook, judge: PretendJudge) -> None:
    result: Any = notebook.good(
        '%%checks quality\ndef test_tidy(code):\n    """Tidy."""\n    assert not code.findings("E", only=("adding",))'
    ).result
    assert "`%%module adding`" in result.sentence


def test_interrupting_says_one_sentence(ready: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(lifted: Lifted, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "judge", interrupted)
    assert ready.run(CHECKS).told == "Stopped: the judge was ended, and nothing was judged."


def test_an_unknown_criterion_is_refused(ready: Notebook, judge: PretendJudge) -> None:
    assert "one of correctness, concurrency" in ready.run("%%checks beauty\npass").told
    assert "Write `%%checks CRITERION`" in ready.run("%%checks correctness --hide 3\npass").told


def test_drives_are_checked_for_syntax_only(notebook: Notebook) -> None:
    notebook.good("%%drives\nfrom nowhere_at_all import nothing")
    assert "nowhere_at_all" in notebook.bench.drives
    assert "drives.py, line 2 of this cell" in notebook.run("%%drives\ndef f(:").told


def test_the_real_judge_is_asked_the_same_way(ready: Notebook) -> None:
    """Everything together, once: a right answer, then a wrong one."""
    assert ready.good(CHECKS).result is None
    ready.good("%%module adding\ndef add(numbers):\n    return sum(numbers) or None")
    result: Any = ready.good(CHECKS).result
    assert plain(result) == "4.0"
    assert "<dt>wanted</dt><dd><code>0</code></dd>" in result._repr_mimebundle_()["text/html"]


def test_what_was_found_is_kept_in_a_learners_own_copy(
    ready: Notebook, judge: PretendJudge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "notebooks" / "challenges" / "X1"
    for folder in (own, tmp_path / "release" / "X1"):
        folder.mkdir(parents=True)
        (folder / "adding_up.ipynb").write_text('{"cells": [], "metadata": {}}')
    (tmp_path / "nbgrader_config.py").touch()
    ready.good(CHECKS)
    assert not list(tmp_path.glob(".weft/progress/*"))
    monkeypatch.chdir(own)
    ready.good(CHECKS)
    [entry] = Journal(Course(tmp_path).challenge("X1")).entries().values()
    assert entry.possible == 6.5 and list(entry.modules) == ["adding"]


def test_a_drive_may_be_a_coroutine_function(notebook: Notebook, judge: PretendJudge) -> None:
    notebook.good("%%module adding\nasync def add(numbers):\n    return sum(numbers)")
    notebook.good("%%drives\nasync def total(numbers):\n    from adding import add\n    return await add(numbers)")
    for call in ("virtually", "shuffle", "watch", "sweep"):
        ran = notebook.good(CHECKS.replace("answer.drive(total", f"answer.{call}(total"))
        assert "weft-verdicts" in str([ran.displayed, ran.result and ran.result._repr_mimebundle_()]), call
    assert len(judge.asked) == 4
    ran = notebook.good(CHECKS.replace("answer.drive(total", "answer.virtually(missing"))
    assert "%%drives" in str(ran.result._repr_mimebundle_()) and len(judge.asked) == 4  # type: ignore[union-attr]
