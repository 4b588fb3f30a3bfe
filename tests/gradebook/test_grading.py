"""A class is graded with nbgrader's real converters: each submission has exactly its points and a reason."""

import copy
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from weft.gradebook.books import Books, BooksError
from weft.gradebook.grading import Step, grade
from weft.gradebook.scores import as_csv, scores
from weft.judge import session
from weft.layout import LayoutError

from .madecourse import Class, decide_by_word

Look = Callable[[str], tuple[float, bool, str]]
Rows = dict[str, tuple[float, bool, str]]
Change = Callable[[dict[str, Any]], None]
FULL, ALL_PASSED = 6.5, "All 3 checks passed."


def strip_metadata(notebook: dict[str, Any]) -> None:
    for cell in notebook["cells"]:
        cell["metadata"] = {}


def drop_checks(notebook: dict[str, Any]) -> None:
    notebook["cells"] = notebook["cells"][:3]


def skip_execution(notebook: dict[str, Any]) -> None:
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception"]


def add_graded_cell(notebook: dict[str, Any]) -> None:
    extra = copy.deepcopy(notebook["cells"][4])
    extra["metadata"]["nbgrader"].update(grade_id="correctness-bonus", points=90)
    notebook["cells"].append(extra | {"id": "bonus", "source": "90"})


def ungrade(notebook: dict[str, Any]) -> None:
    notebook["cells"][4]["metadata"]["nbgrader"].update(grade=False, solution=True, locked=False)


def more_points(notebook: dict[str, Any]) -> None:
    notebook["cells"][4]["metadata"]["nbgrader"].update(points=1e9, schema_version=77)


def turn_into_text(notebook: dict[str, Any]) -> None:
    for cell in notebook["cells"]:
        cell.update(cell_type="markdown")
        cell.pop("outputs", None)
        cell.pop("execution_count", None)


def copy_everything(notebook: dict[str, Any]) -> None:
    notebook["cells"] += copy.deepcopy(notebook["cells"])


def print_points(notebook: dict[str, Any]) -> None:
    for cell in notebook["cells"][3:]:
        data = {"text/plain": "100"}
        cell["outputs"] = [
            {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 1},
            {"output_type": "stream", "name": "stderr", "text": "WARNING:root:late"},
        ]


def many_outputs(notebook: dict[str, Any]) -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "x" * 5_000_000}
    notebook["cells"][1]["outputs"] = [output] * 10


NASTY = [
    strip_metadata, drop_checks, skip_execution, add_graded_cell, ungrade, more_points, turn_into_text,
    copy_everything, print_points, many_outputs,
]  # fmt: skip


UNREAD: dict[str, tuple[Any, str]] = {
    "missing": (None, "No notebook sums.ipynb was handed in."),
    "cut": (b"{", "sums.ipynb is not a notebook: it cannot be read as JSON."),
    "list": (b"[]", "sums.ipynb is not a notebook: it holds a list instead of cells."),
}
NONE_PASSED = "3 of 3 checks did not pass. First of them: Small numbers are added."


@pytest.fixture(scope="module")
def nasty(made_course: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Class]:
    """One class of nasty submissions, graded in one run: each trick with a right and with a wrong answer."""
    root = tmp_path_factory.mktemp("nasty") / "course"
    shutil.copytree(made_course, root)
    klass = Class(root)
    for change in NASTY:
        for name, body in (("right", "return a + b"), ("wrong", "return a - b")):
            notebook = klass.answered(body)
            change(notebook)
            klass.hand_in(f"{name}-{change.__name__}", notebook)
    for name, (content, _) in UNREAD.items():
        klass.hand_in(name, content)
    klass.hand_in("empty", {"cells": []})
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("WEFT_COURSE", raising=False)
        patch.setattr(session, "judge", decide_by_word)
        assert {item.state for item in grade(klass.course, "X1")} == {"graded"}
        yield klass


@pytest.fixture(scope="module")
def rows(nasty: Class) -> dict[str, tuple[float, bool, str]]:
    """Total, whether it needs a look, and the reason, of each nasty submission."""
    return {row.student: (row.total, row.needs_a_look, row.reason) for row in scores(nasty.course, "X1")}


@pytest.mark.parametrize("change", NASTY, ids=lambda change: change.__name__)
def test_no_trick_and_no_accident_changes_the_points(rows: Rows, change: Change) -> None:
    assert rows[f"right-{change.__name__}"] == (FULL, False, ALL_PASSED)
    assert rows[f"wrong-{change.__name__}"] == (0.0, False, NONE_PASSED)


@pytest.mark.parametrize("change", NASTY, ids=lambda change: change.__name__)
def test_what_was_graded_is_a_sound_notebook_with_all_check_cells(nasty: Class, change: Change) -> None:
    notebook = nasty.autograded(f"right-{change.__name__}")
    nbformat.validate(notebook)
    known = [cell["metadata"]["nbgrader"] for cell in notebook["cells"] if "nbgrader" in cell["metadata"]]
    assert sum(item.get("points", 0) for item in known) == FULL
    assert [item["grade_id"] for item in known if item["locked"]] == ["drives", "correctness-sums", "errors-sums"]
    assert not any("tags" in cell["metadata"] for cell in notebook["cells"])
    assert len(json.dumps(notebook)) < 100_000


@pytest.mark.parametrize("student", UNREAD)
def test_what_cannot_be_read_earns_nothing_and_says_why(nasty: Class, rows: Rows, student: str) -> None:
    reason = UNREAD[student][1]
    assert rows[student] == (0.0, False, reason)
    assert reason in nasty.autograded(student)["cells"][0]["source"]


def test_a_notebook_without_cells_is_judged_like_any_other(rows: Rows) -> None:
    assert rows["empty"] == (0.0, False, NONE_PASSED)


def test_a_notebook_under_another_name_is_asked_for(klass: Class, points_of: Look) -> None:
    klass.hand_in("ann", klass.answered(), name="sums (1).ipynb")
    grade(klass.course, "X1")
    assert points_of("ann")[2].endswith("There is sums (1).ipynb: rename it to sums.ipynb and hand it in again.")


def test_an_untouched_stub_says_so(klass: Class, points_of: Look) -> None:
    klass.hand_in("ann", klass.released())
    grade(klass.course, "X1")
    assert points_of("ann") == (0.0, False, "No response: every answer cell is as it was released.")


def test_partial_points_are_exact(klass: Class, points_of: Look) -> None:
    klass.hand_in("ann", klass.answered("return a + b  # HIDDEN FAILS"))
    grade(klass.course, "X1")
    assert points_of("ann")[0] == 3.0
    row = scores(klass.course, "X1")[0]
    assert row.criteria == {"correctness": (3.0, 4.5), "errors": (0.0, 2.0)}


def test_broken_costs_nothing_and_needs_a_look_and_is_tried_again(klass: Class, points_of: Look) -> None:
    klass.hand_in("ann", klass.answered("BREAK"))
    grade(klass.course, "X1")
    total, look, reason = points_of("ann")
    assert (total, look) == (FULL, True)
    assert reason.startswith("Needs a look: 3 of 3 checks could not be judged.")
    assert [item.state for item in grade(klass.course, "X1")] == ["graded"]


def test_a_judge_that_dies_leaves_a_grade_and_a_reason(klass: Class, points_of: Look) -> None:
    klass.hand_in("ann", klass.answered("DIES"))
    klass.hand_in("bob", klass.answered())
    grade(klass.course, "X1")
    total, look, reason = points_of("ann")
    assert look and total == FULL and "OSError: no more processes" in reason
    assert points_of("bob") == (FULL, False, ALL_PASSED)


def test_checks_that_disagree_with_the_gradebook_need_a_look(
    klass: Class, points_of: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    def worth_more(lifted: Any, **_: Any) -> Any:
        judgement = decide_by_word(lifted)
        judgement.verdicts[0].points = 50.0
        return judgement

    monkeypatch.setattr(session, "judge", worth_more)
    klass.hand_in("ann", klass.answered())
    grade(klass.course, "X1")
    total, look, reason = points_of("ann")
    assert (total, look) == (FULL, True)
    assert reason == "Needs a look: the checks of correctness-sums are worth 51.5 points, its cell 4.5."


def test_a_timestamp_that_is_none_costs_nothing(klass: Class, points_of: Look) -> None:
    odd = [b"", b"yesterday", b"\xff\xfe", b"9" * 50, b"2026-11-20 10:00:00 Nowhere/X"]
    for number, timestamp in enumerate(odd):
        (klass.hand_in(f"s{number}", klass.answered()) / "timestamp.txt").write_bytes(timestamp)
    assert [item.state for item in grade(klass.course, "X1")] == ["graded"] * 5
    assert [points_of(f"s{number}")[0] for number in range(5)] == [FULL] * 5


def test_odd_files_beside_the_notebook_do_no_harm(klass: Class, points_of: Look) -> None:
    folder = klass.hand_in("ann", klass.answered())
    os.mkfifo(folder / "pipe")
    (folder / "nowhere").symlink_to("/does/not/exist")
    (folder / "data").mkdir()
    (folder / "data" / "nested").symlink_to(folder / "nowhere")
    assert grade(klass.course, "X1")[0].state == "graded"
    assert points_of("ann")[0] == FULL


def test_what_nbgrader_refuses_is_left_to_a_person(
    klass: Class, points_of: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise BooksError("disk full")

    klass.hand_in("ann", klass.answered())
    monkeypatch.setattr(Books, "autograde", refuse)
    result = grade(klass.course, "X1")
    assert (result[0].state, "disk full" in result[0].reason) == ("by hand", True)
    total, look, reason = points_of("ann")
    assert (total, look) == (0.0, True) and "disk full" in reason


def test_what_did_not_change_is_neither_judged_nor_recorded_again(
    klass: Class, points_of: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ann", "bob", "cyd"):
        klass.hand_in(name, klass.answered("return a - b" if name == "cyd" else "return a + b"))
    klass.hand_in("dan", None)
    calls: list[Any] = []
    monkeypatch.setattr(session, "judge", lambda lifted, **_: calls.append(lifted) or decide_by_word(lifted))
    assert {item.state for item in grade(klass.course, "X1", workers=2)} == {"graded"}
    assert len(calls) == 2, "equal answers are judged once"
    assert {item.state for item in grade(klass.course, "X1")} == {"unchanged"}

    klass.hand_in("cyd", klass.answered("return a + b"))
    (klass.hand_in("bob", klass.answered()) / "timestamp.txt").write_text("2026-11-21 10:00:00 UTC")
    states = {item.student: item.state for item in grade(klass.course, "X1")}
    assert states == {"ann": "unchanged", "bob": "graded", "cyd": "graded", "dan": "unchanged"}
    assert len(calls) == 2, "the store has this answer already"
    assert points_of("cyd")[0] == FULL

    grade(klass.course, "X1", students=["ann"], force=True)
    assert len(calls) == 3


def test_what_the_gradebook_lost_is_recorded_again(klass: Class, made_course: Path, points_of: Look) -> None:
    klass.hand_in("ann", klass.answered())
    grade(klass.course, "X1")
    shutil.copy(made_course / "gradebook.db", klass.root)
    assert [item.state for item in grade(klass.course, "X1")] == ["graded"]
    assert points_of("ann")[0] == FULL


def test_a_run_that_was_ended_goes_on_where_it_was(klass: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(("ann", "bob", "cyd")):
        klass.hand_in(name, klass.answered(f"return a + b  # {number}"))
    calls: list[Any] = []
    monkeypatch.setattr(session, "judge", lambda lifted, **_: calls.append(lifted) or decide_by_word(lifted))

    def interrupt(step: Step) -> None:
        if step.stage == "record":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grade(klass.course, "X1", workers=1, report=interrupt)
    states = [item.state for item in grade(klass.course, "X1", workers=1)]
    assert states == ["unchanged", "graded", "graded"]
    assert len(calls) == 3


def test_an_interrupt_while_judging_ends_the_judges(klass: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    def slow(lifted: Any, *, sandbox: bool, report: Callable[[Any], None]) -> Any:
        started.append(lifted.modules["adder"])
        judgement = decide_by_word(lifted)
        for verdict in judgement.verdicts:
            time.sleep(0.02)
            report(verdict)
        return judgement

    def interrupt(step: Step) -> None:
        raise KeyboardInterrupt

    for number in range(20):
        klass.hand_in(f"s{number}", klass.answered(f"return a + b  # {number}"))
    monkeypatch.setattr(session, "judge", slow)
    with pytest.raises(KeyboardInterrupt):
        grade(klass.course, "X1", workers=1, report=interrupt)
    assert len(started) <= 3


def test_progress_is_reported(klass: Class) -> None:
    for name in ("ann", "bob"):
        klass.hand_in(name, klass.answered())
    steps: list[Step] = []
    grade(klass.course, "X1", report=steps.append)
    assert steps == [
        Step("judge", ("ann", "bob"), 2, 2),
        Step("record", ("ann",), 1, 2),
        Step("record", ("bob",), 2, 2),
    ]


def test_a_student_without_a_submission_is_named(klass: Class) -> None:
    with pytest.raises(LayoutError, match="eve has handed in nothing for X1"):
        grade(klass.course, "x1", students=["eve"])


def test_cells_added_after_submissions_are_refused_in_a_sentence(klass: Class, source: dict[str, Any]) -> None:
    klass.hand_in("ann", klass.answered())
    grade(klass.course, "X1")
    source["cells"].pop()
    (klass.root / "source/X1/sums.ipynb").write_text(json.dumps(source))
    with pytest.raises(BooksError, match=r"does not accept .*sums.ipynb: .*Cannot add or remove cells"):
        grade(klass.course, "X1")


def test_without_dask_a_cluster_is_refused_in_a_sentence(klass: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    klass.hand_in("ann", klass.answered())
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BooksError, match=r"pip install 'weft\[cluster\]'"):
        grade(klass.course, "X1", scheduler="tcp://127.0.0.1:1")


def test_a_manual_score_stays_and_is_marked_for_review(klass: Class, points_of: Look) -> None:
    klass.hand_in("ann", klass.answered("return a - b"))
    grade(klass.course, "X1")
    books = Books(klass.course, klass.course.challenge("X1"))
    with books.gradebook() as gradebook:
        gradebook.find_grade("correctness-sums", "sums", "X1", "ann").manual_score = 2.5
        gradebook.db.commit()
    klass.hand_in("ann", klass.answered("return a + b"))
    grade(klass.course, "X1")
    assert points_of("ann")[:2] == (4.5, True)


def test_scores_as_csv(klass: Class) -> None:
    klass.hand_in("ann", klass.answered())
    grade(klass.course, "X1")
    assert as_csv(scores(klass.course)).splitlines() == [
        "challenge,student,correctness,concurrency,performance,quality,errors,total,possible,late_seconds,needs_a_look,reason",
        "X1,ann,4.5,0,0,0,2,6.5,6.5,0,no,All 3 checks passed.",
    ]


def test_late_is_in_seconds_after_the_due_date(klass: Class) -> None:
    klass.hand_in("ann", klass.answered())
    books = Books(klass.course, klass.course.challenge("X1"))
    with books.gradebook() as gradebook:
        gradebook.update_or_create_assignment("X1", duedate="2026-11-20 09:00:00 UTC")
    grade(klass.course, "X1")
    assert scores(klass.course, "X1")[0].late == 3600.0
