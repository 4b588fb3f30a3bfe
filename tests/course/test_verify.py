"""Verifying finds what is wrong with a challenge. The judge here is a stand-in that goes by the mutants' own words."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from weft.answer.lift import Lifted
from weft.course.invariants import hint_faults
from weft.course.tables import report_table
from weft.course.verify import Report, verify
from weft.judge import session
from weft.judge.cells import all_checks
from weft.judge.verdicts import Judgement, Outcome
from weft.layout import Challenge, Course, read_notebook

#: What the crew of each mutant says, and the checks that it fails.
SAYS = {
    "as_completed(": ["test_results_are_in_order", "test_equal_items_have_a_result_each"],
    "dict.fromkeys": ["test_equal_items_have_a_result_each"],
    "limit + 1": ["test_three_run_at_once", "test_a_limit_of_one_is_kept"],
    "waiting[:limit]": ["test_nobody_waits_for_a_batch", "test_two_long_calls_overlap"],
    "Protocol": ["test_a_reviewer_finds_nothing"],
    "return future.result()\n": ["test_one_bad_item_costs_one_item"],
}

Verify = Callable[..., Report]


@pytest.fixture
def judged() -> list[Lifted]:
    """What the stand-in was asked to judge."""
    return []


@pytest.fixture
def says() -> dict[str, list[str]]:
    """What the stand-in goes by, to be changed by a test."""
    return copy.deepcopy(SAYS)


@pytest.fixture
def run(
    course: Course, challenge: Challenge, judged: list[Lifted], says: dict[str, list[str]], monkeypatch: Any
) -> Verify:
    """Verify the challenge with the stand-in."""

    def judge(lifted: Lifted, **_: Any) -> Judgement:
        judged.append(lifted)
        crew = lifted.modules["crew"]
        failed = {check for word, checks in says.items() if word in crew for check in checks}
        checks = all_checks(lifted.cells)
        if "NotImplementedError" in crew:
            failed = {check.check for check in checks}
        outcomes = [Outcome.FAIL if check.check in failed else Outcome.PASS for check in checks]
        if "BREAK" in crew:
            outcomes[0] = Outcome.BROKEN
        return Judgement([check.verdict(outcome) for check, outcome in zip(checks, outcomes, strict=True)], seconds=30)

    monkeypatch.setattr(session, "judge", judge)
    return lambda **options: verify(course, challenge, **options)


def test_a_good_challenge_is_proved(run: Verify) -> None:
    report = run(strict=True)
    assert report.faults == [] and not report.broken and report.unproved == []
    assert [proof.judgement.earned for proof in report.proofs[:2]] == [100, 0]


def test_a_mutant_that_loses_nothing_there_is_a_fault(run: Verify, says: dict[str, list[str]]) -> None:
    says["limit + 1"] = ["test_results_are_in_order"]
    assert run().faults == [
        "Mutant one-too-many loses nothing in concurrency: One call more than the limit runs at once."
    ]


def test_checks_that_no_mutant_fails_are_listed_and_strictly_a_fault(run: Verify, says: dict[str, list[str]]) -> None:
    says["limit + 1"].remove("test_a_limit_of_one_is_kept")
    report = run()
    assert report.unproved == ["test_a_limit_of_one_is_kept"] and report.faults == []
    assert run(strict=True).faults == ["No mutant fails test_a_limit_of_one_is_kept."]


def test_an_alternative_that_loses_too_much_is_a_fault(run: Verify, says: dict[str, list[str]]) -> None:
    says["Semaphore"] = ["test_three_run_at_once"]
    assert run().faults == [
        "Alternative thread_per_item earns 80 of 100 points and should earn 95: test_three_run_at_once."
    ]


def test_an_alternative_may_lose_five(run: Verify, says: dict[str, list[str]]) -> None:
    says["Semaphore"] = ["test_two_long_calls_overlap"]
    assert run().faults == []


def test_a_reference_that_loses_is_a_fault(run: Verify, says: dict[str, list[str]]) -> None:
    says["ThreadPoolExecutor(max_workers=limit) as"] = ["test_two_long_calls_overlap"]
    assert (
        "Reference reference earns 95 of 100 points and should earn 100: test_two_long_calls_overlap." in run().faults
    )


def test_a_stub_that_earns_is_a_fault(run: Verify, challenge: Challenge) -> None:
    notebook = challenge.release_notebook
    notebook.write_text(notebook.read_text().replace("NotImplementedError", "SystemError"))
    assert any(fault.startswith("Stub stub earns 100") for fault in run().faults)


def test_what_broke_is_said_and_not_kept(run: Verify, challenge: Challenge, judged: list[Lifted]) -> None:
    path = challenge.source / "alternatives/queue_workers/crew.py"
    path.write_text(path.read_text() + "# BREAK\n")
    report = run()
    assert report.broken
    assert report.faults == ["Alternative queue_workers could not be judged: test_results_are_in_order broke."]
    judged.clear()
    run()
    assert len(judged) == 1


def test_what_did_not_change_is_not_judged_again(run: Verify, judged: list[Lifted]) -> None:
    first = run()
    judged.clear()
    assert run().faults == first.faults and judged == []
    run(force=True, workers=2)
    assert len(judged) == len(first.proofs)


def test_a_mutant_is_judged_by_the_criterion_that_it_names(run: Verify, judged: list[Lifted]) -> None:
    run()
    mutants = [lifted for lifted in judged if "limit + 1" in lifted.modules["crew"]]
    assert [{cell.criterion for cell in lifted.cells} for lifted in mutants] == [{"concurrency"}]


def test_a_check_may_be_failed_by_a_mutant_of_another_criterion(run: Verify, says: dict[str, list[str]]) -> None:
    says["limit + 1"].remove("test_a_limit_of_one_is_kept")
    says["Protocol"].append("test_a_limit_of_one_is_kept")
    assert run(strict=True).faults == []


def test_progress_is_told(run: Verify) -> None:
    told: list[tuple[int, int]] = []
    run(report=lambda proof, done, total: told.append((done, total)))
    assert told == [(number, 11) for number in range(1, 12)]


def test_missing_mutants_and_alternatives_are_faults(run: Verify, challenge: Challenge) -> None:
    (challenge.source / "mutants.toml").write_text("")
    alternative = challenge.source / "alternatives/queue_workers"
    (alternative / "crew.py").unlink()
    alternative.rmdir()
    faults = run().faults
    assert "No mutant loses points in errors." in faults
    assert "There are 2 alternatives; a challenge needs 3 that differ in kind." in faults


def test_faults_that_nobody_has_to_judge_are_found(run: Verify, challenge: Challenge) -> None:
    text = challenge.source_text
    text.write_text(text.read_text().replace("@points(40)", "@points(41)").replace("@points(25)", "@points(26)"))
    (challenge.release_notebook.parent / "design.md").write_text("")
    report = run()
    wrong = {name for name, faults in report.invariants.items() if faults}
    assert wrong == {"pair in step", "release in step", "nothing withheld leaked"}


def test_points_that_do_not_add_up_are_found(run: Verify, challenge: Challenge) -> None:
    notebook = challenge.source_notebook
    notebook.write_text(notebook.read_text().replace("@points(25)", "@points(26)"))
    assert run().invariants["rubric adds up"]


def test_hints_are_counted_in_each_part(challenge: Challenge) -> None:
    notebook = read_notebook(challenge.source_notebook)
    assert hint_faults(notebook) == []
    text = json.dumps(notebook).replace("Hint 2 of 3: the tool", "")
    assert hint_faults(json.loads(text)) == ["crew (in “4 · Part 1: the crew”) has 2 hints instead of 3."]


def test_the_table_says_it_all(run: Verify, says: dict[str, list[str]]) -> None:
    says["limit + 1"] = []
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(report_table(run()))
    text = console.export_text()
    for word in (
        "mutant batches",
        "performance test_nobody_waits",
        "release in step",
        "✗ Mutant one-too-many",
        "30.0 s",
    ):
        assert word in text
    assert "All checks took 30.0 s; the aim is 25 s." in text
