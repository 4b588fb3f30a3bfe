"""Checks that explore schedules, and checks in virtual time, through the whole judge."""

from __future__ import annotations

import pytest

from weft.answer.lift import CheckCell, Lifted
from weft.judge import Outcome, Verdict
from weft.judge.session import judge
from weft.probes.explorer.outcome import SWITCHED_OFF

UNLOCKED = """
class Counter:
    def __init__(self):
        self.count = 0
    def add(self):
        self.count += 1
"""

LOCKED = """
import threading
class Counter:
    def __init__(self):
        self.count = 0
        self._lock = threading.Lock()
    def add(self):
        with self._lock:
            self.count += 1
"""

STUCK = """
import threading
first, second = threading.Lock(), threading.Lock()
class Counter:
    count = 2
    def __init__(self):
        self.turn = iter([(first, second), (second, first)])
    def add(self):
        a, b = next(self.turn)
        with a:
            with b:
                pass
"""

UNSEEN = """
import sys, threading
class Counter:
    def __init__(self):
        self.count = 0
    def add(self):
        sys.settrace(None)
        if hasattr(sys, "monitoring"):
            for tool in range(6):
                sys.monitoring.free_tool_id(tool)
        self.count += 1
"""

DRIVES = '''
def two_adds():
    """`add()` from two threads"""
    import threading
    from counter import Counter

    counter = Counter()
    threads = [threading.Thread(target=counter.add, name=name) for name in ("ann", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.count == 2, f"Two adds gave {counter.count}."


def naps(workers):
    """Ten naps of a second."""
    import time
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(time.sleep, [1.0] * 10))
    return {"workers": workers}
'''

CHECKS = '''
from weft.judge import points

@points(5)
def test_both_count(answer):
    """Two adds count two, however the threads take turns."""
    assert answer.explore(two_adds).schedules == 200

@points(1)
def test_makespan(answer):
    """Ten naps on five workers take two seconds."""
    run = answer.virtually(naps, 5)
    assert (run.elapsed, run.result) == (2.0, {"workers": 5})

@points(1)
def test_later(answer):
    """A check after it is judged as ever."""
    assert answer.drive(naps, 10) == {"workers": 10}
'''


def verdicts(counter: str, *, sandbox: bool = False, deadline: float = 20) -> dict[str, Verdict]:
    checks = CHECKS.replace("explore(two_adds)", f"explore(two_adds, deadline={deadline})")
    lifted = Lifted({"counter": counter}, DRIVES, [CheckCell("concurrency-all", "concurrency", checks)])
    return {verdict.check: verdict for verdict in judge(lifted, sandbox=sandbox).verdicts}


def test_a_lock_holds_and_virtual_time_is_exact() -> None:
    assert {verdict.outcome for verdict in verdicts(LOCKED, sandbox=True).values()} == {Outcome.PASS}


def test_a_lost_update_is_found_and_comes_with_its_schedule() -> None:
    found = verdicts(UNLOCKED)
    verdict = found["test_both_count"]
    assert verdict.outcome is Outcome.FAIL and found["test_later"].outcome is Outcome.PASS
    assert verdict.evidence.called == "`add()` from two threads"
    assert verdict.evidence.came_back == "Two adds gave 1."
    assert "`Counter.count`" in verdict.evidence.message
    hurting = [event for event in verdict.evidence.schedule["events"] if event["hurts"]]
    assert 1 <= len(hurting) <= 3


def test_a_deadlock_tells_who_waits_for_whom() -> None:
    evidence = verdicts(STUCK)["test_both_count"].evidence
    assert evidence.message == "The threads can take turns in a way that stops them all."
    assert {"ann", "bob"} <= {wait["thread"] for wait in evidence.schedule["waits"]}


def test_who_switches_the_explorer_off_is_not_believed() -> None:
    verdict = verdicts(UNSEEN)["test_both_count"]
    assert verdict.outcome is Outcome.FAIL
    assert verdict.evidence.message == SWITCHED_OFF or verdict.evidence.came_back == "Two adds gave 1."


def test_what_cannot_be_followed_costs_nothing_and_asks_for_a_look() -> None:
    blocked = (
        "import ctypes\nclass Counter:\n    count = 2\n    def add(self):\n"
        "        ctypes.CDLL(None).usleep(8_000_000)\n"
    )
    verdict = verdicts(blocked)["test_both_count"]
    assert verdict.outcome is Outcome.BROKEN and verdict.earned == 5
    assert "could not follow" in verdict.evidence.message


def test_an_error_that_only_some_schedules_raise_is_told() -> None:
    racy = (
        "items = [1]\nclass Counter:\n    count = 2\n    def add(self):\n        if items:\n            items.pop()\n"
    )
    evidence = verdicts(racy)["test_both_count"].evidence
    assert evidence.came_back.startswith("IndexError in ") and "counter.py:6: pop from empty" in evidence.came_back


@pytest.mark.parametrize(
    ("add", "message"),
    [
        ("sum(itertools.repeat(0))", "nothing: it was still running after 5 s"),
        ("os._exit(0)", "nothing: its process ended with exit code 0 before the call returned"),
        ("stubborn()", "none of them gets any further"),
    ],
    ids=["never leaves C", "ends the process", "swallows all"],
)
def test_whatever_it_does_there_is_a_verdict_and_the_next_check_is_judged(add: str, message: str) -> None:
    source = f"""
import itertools, os
class Counter:
    count = 2
    def add(self):
        {add}
def stubborn():
    while True:
        try:
            for _ in range(100):
                pass
        except BaseException:
            pass
"""
    found = verdicts(source, deadline=5 if "still" in message else 20)
    assert found["test_both_count"].outcome is Outcome.FAIL
    assert message in found["test_both_count"].evidence.came_back, found["test_both_count"].evidence
    assert found["test_later"].outcome is Outcome.PASS
