"""Verdicts: pass, fail, broken, not run; and a judge that an answer cannot bend."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

from weft.answer.lift import CheckCell, Lifted
from weft.judge import Judgement, Outcome, Verdict
from weft.judge.session import judge

ANSWER = """
import time
def add(a, b): return a + b
def sleep(seconds): time.sleep(seconds)
"""

DRIVES = '''
def add(a, b):
    """`ans.add(a, b)`"""
    import ans
    return ans.add(a, b)

def sleep(seconds):
    """`ans.sleep(seconds)`"""
    import ans
    ans.sleep(seconds)
'''


def run(checks: str, answer: str = ANSWER, **options: object) -> dict[str, Verdict]:
    source = "\nfrom weft.judge import Broken, points, requires\n" + textwrap.dedent(checks)
    lifted = Lifted({"ans": answer}, DRIVES, [CheckCell("correctness-all", "correctness", source)])
    return {verdict.check: verdict for verdict in judge(lifted, **options).verdicts}  # type: ignore[arg-type]


def test_the_four_verdicts() -> None:
    verdicts = run('''
        @points(1)
        def test_right(answer):
            """Adds."""
            assert answer.drive(add, 1, 2) == 3
        @points(2)
        def test_wrong(answer):
            """Adds well."""
            assert answer.drive(add, 1, 2) <= 2
        @points(3)
        @requires("test_wrong")
        def test_after(answer):
            """Comes after."""
        @points(4)
        def test_broken(answer):
            """We fail."""
            raise Broken("too noisy")
    ''')
    assert [verdict.outcome for verdict in verdicts.values()] == ["pass", "fail", "not run", "broken"]
    assert [verdict.earned for verdict in verdicts.values()] == [1, 0, 0, 4]
    wrong = verdicts["test_wrong"].evidence
    assert (wrong.called, wrong.came_back, wrong.wanted) == ("`ans.add(a, b)`", "3", "at most 2")
    assert verdicts["test_after"].evidence.message == "Needs first: Adds well."
    assert verdicts["test_broken"].evidence.message == "too noisy"


def test_what_needs_a_broken_check_is_broken_too() -> None:
    verdicts = run('''
        @points(1)
        def test_broken(answer):
            """We fail."""
            raise Broken("ours")
        @points(2)
        @requires("test_broken")
        def test_after(answer):
            """Comes after."""
    ''')
    assert verdicts["test_after"].outcome is Outcome.BROKEN
    assert verdicts["test_after"].earned == 2


def test_facts_of_the_wrong_shape_are_the_answers_and_earn_nothing() -> None:
    verdicts = run('''
        @points(1)
        def test_shape(answer):
            """Has a sum."""
            assert answer.drive(add, "a", "b")["sum"] > 1
        @points(1)
        def test_ours(answer):
            """We stumble before anything was driven."""
            {}["sum"]
    ''')
    assert verdicts["test_shape"].outcome is Outcome.FAIL
    assert verdicts["test_shape"].evidence.came_back == "'ab'"
    assert verdicts["test_ours"].outcome is Outcome.BROKEN


def test_a_message_is_shown_without_pytests_own_words() -> None:
    (verdict,) = run('''
        @points(1)
        def test_wrong(answer):
            """Adds."""
            total = answer.drive(add, 1, 2)
            assert total == 4, "Two and two."
    ''').values()
    assert verdict.evidence.message == "Two and two."
    assert (verdict.evidence.came_back, verdict.evidence.wanted) == ("3", "4")


def test_a_broken_check_is_tried_twice() -> None:
    (verdict,) = run('''
        import itertools
        tries = itertools.count()
        @points(1)
        def test_second_time(answer):
            """Works the second time."""
            if not next(tries):
                raise Broken("once")
            assert answer.drive(add, 1, 1) == 2
    ''').values()
    assert verdict.outcome is Outcome.PASS


def test_hidden_checks_are_known_by_their_region() -> None:
    verdicts = run('''
        @points(1)
        def test_seen(answer):
            """Seen."""
        ### BEGIN HIDDEN TESTS
        @points(1)
        def test_unseen(answer):
            """Unseen."""
        ### END HIDDEN TESTS
        @points(1)
        def test_seen_too(answer):
            """Seen too."""
    ''')
    assert [verdict.hidden for verdict in verdicts.values()] == [False, True, False]


@pytest.mark.parametrize("sandbox", [False, pytest.param(True, marks=pytest.mark.bubblewrap)])
def test_an_answer_cannot_see_the_checks_or_the_expected_values(sandbox: bool) -> None:
    spy = """
import gc, os, sys
def add(a, b):
    try:
        with open(f"/proc/{os.getppid()}/cmdline") as file: command = file.read()
    except OSError:
        command = ""
    texts = [o for o in gc.get_objects() if isinstance(o, dict) and "expected_and_secret" in o]
    return {"modules": [m for m in sys.modules if "check" in m or "pytest" in m or "judge" in m], "found": len(texts)}
"""
    (verdict,) = run(
        '''
        expected_and_secret = 4711
        @points(1)
        def test_spy(answer):
            """Finds nothing."""
            assert answer.drive(add, 1, 2) == {"modules": [], "found": 0}
        ''',
        spy,
        sandbox=sandbox,
    ).values()
    assert verdict.outcome is Outcome.PASS, verdict.evidence


def test_an_answer_that_prints_and_logs_loses_nothing() -> None:
    noisy = """
import logging, sys, threading, time
def add(a, b):
    threading.Thread(target=lambda: (time.sleep(0.05), logging.warning("late"), 1 / 0), daemon=True).start()
    print("stdout", flush=True); print("stderr", file=sys.stderr, flush=True)
    time.sleep(0.1)
    return a + b
"""
    (verdict,) = run(
        '''
        @points(1)
        def test_right(answer):
            """Adds."""
            assert answer.drive(add, 1, 2) == 3
        ''',
        noisy,
    ).values()
    assert verdict.outcome is Outcome.PASS


def test_an_answer_that_hangs_in_every_check_is_judged_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_ANSWER_TIME", "1")
    started = time.monotonic()
    verdicts = run('''
        @points(1)
        def test_one(answer):
            """One."""
            answer.drive(sleep, 60)
        @points(1)
        def test_two(answer):
            """Two."""
            answer.drive(sleep, 60)
    ''')
    assert [verdict.outcome for verdict in verdicts.values()] == ["fail", "fail"]
    assert "used up" in verdicts["test_two"].evidence.message
    assert time.monotonic() - started < 10


def test_a_judge_that_is_out_of_time_breaks_and_blames_nobody() -> None:
    verdicts = run(
        '''
        import time
        @points(1)
        def test_first(answer):
            """First."""
        @points(1)
        def test_slow(answer):
            """Our own fault."""
            time.sleep(60)
        ''',
        timeout=3.0,
    )
    assert [verdict.outcome for verdict in verdicts.values()] == ["pass", "broken"]
    assert "3 s" in verdicts["test_slow"].evidence.message


def test_a_check_cell_that_does_not_import_is_broken() -> None:
    (verdict,) = run('''
        import no_such_module_anywhere
        @points(1)
        def test_never(answer):
            """Never."""
    ''').values()
    assert verdict.outcome is Outcome.BROKEN
    assert "no_such_module_anywhere" in verdict.evidence.message


def test_a_syntax_error_fails_with_its_line() -> None:
    (verdict,) = run(
        '''
        @points(1)
        def test_right(answer):
            """Adds."""
            assert answer.drive(add, 1, 2) == 3
        ''',
        "def add(a, b):\n    return a +\n",
    ).values()
    assert verdict.outcome is Outcome.FAIL
    assert verdict.evidence.came_back.startswith("SyntaxError")
    assert verdict.evidence.look_at == ["ans.py:2 return a +"]


def test_an_interrupt_ends_the_judge_and_all_below_it() -> None:
    script = """
import textwrap
from weft.answer.lift import CheckCell, Lifted
from weft.judge.session import judge
nap = "def nap():\\n    import time\\n    time.sleep(60)\\n"
check = "def test_a(answer):\\n    answer.drive(nap, deadline=60)\\n"
cell = CheckCell("c", "correctness", "\\n" + nap + check)
print("ready", flush=True)
judge(Lifted({}, "", [cell]))
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(1.5)
    below = psutil.Process(process.pid).children(recursive=True)
    assert len(below) >= 3, "judge, host and answer"
    process.send_signal(signal.SIGINT)
    process.wait(10)
    _, alive = psutil.wait_procs(below, timeout=3)
    assert alive == []


def test_a_judgement_survives_json() -> None:
    lifted = Lifted({"ans": ANSWER}, DRIVES, [CheckCell("c", "errors", "\ndef test_a(answer):\n    assert 0\n")])
    judgement = judge(lifted)
    assert Judgement.from_json(judgement.to_json()) == judgement
