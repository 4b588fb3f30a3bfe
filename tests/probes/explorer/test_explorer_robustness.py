"""Answers that fight the explorer, or get stuck where it cannot see: each ends soon, with a clear outcome."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from weft.probes.explorer import Exploration, explore

COUNTER = """
class Counter:
    def __init__(self):
        self.count = 0
    def increment(self):
        self.count += 1
"""

SWALLOW = """
import threading, time
from _thread import allocate_lock

lock = threading.Lock()
other = threading.Lock()

def stubborn_lock():
    while True:
        try:
            with lock:
                pass
        except BaseException:
            pass

def stubborn_sleep():
    while True:
        try:
            time.sleep(1)
        except:
            pass

def stubborn_spin():
    while True:
        try:
            for _ in range(100):
                pass
        except BaseException:
            pass

def stubborn_wait():
    while True:
        try:
            threading.Event().wait()
        except BaseException:
            continue

def taken_twice():
    while True:
        try:
            other.acquire()
        except BaseException:
            pass
"""


def explored(source: str, scenario: Callable[[], Any], within: float, **options: Any) -> Exploration:
    start = time.perf_counter()
    found = explore({"crew": source}, scenario, **{"schedules": 20, "patience": 1.0, **options})
    assert time.perf_counter() - start < within
    return found


def run_as_daemon(name: str) -> Callable[[], None]:
    """The scenario ends while the thread goes on: it has to be ended against its will."""

    def scenario() -> None:
        import crew

        threading.Thread(target=getattr(crew, name), daemon=True).start()
        time.sleep(3)

    return scenario


def run_to_its_end(name: str) -> Callable[[], None]:
    def scenario() -> None:
        import crew

        thread = threading.Thread(target=getattr(crew, name))
        thread.start()
        thread.join()

    return scenario


def test_blocked_in_c_for_ever_is_inconclusive_and_says_where() -> None:
    source = "import os\nr, w = os.pipe()\ndef block():\n    os.read(r, 1)\n"
    found = explored(source, run_to_its_end("block"), 6)
    assert found.outcome == "inconclusive"
    assert "Thread-1" in found.reason and "crew.py:4" in found.reason and "os.read(r, 1)" in found.reason


def test_the_scenarios_own_thread_blocked_in_c() -> None:
    def scenario() -> None:
        import crew

        crew.block()

    source = "import select, os\nr, w = os.pipe()\ndef block():\n    select.select([r], [], [])\n"
    found = explored(source, scenario, 6)
    assert found.outcome == "inconclusive" and "MainThread" in found.reason


def test_a_call_that_blocks_lets_the_others_go_on_and_comes_back() -> None:
    source = """
import os, threading
def pair():
    r, w = os.pipe()
    thread = threading.Thread(target=lambda: os.write(w, b"x"))
    thread.start()
    got = os.read(r, 1)
    thread.join()
    os.close(r), os.close(w)
    return got
"""

    def scenario() -> None:
        from crew import pair

        assert pair() == b"x"

    found = explored(source, scenario, 10, schedules=4)
    assert found.holds
    assert "outside the explorer's control" in " ".join(found.notes)


def test_threads_that_swallow_everything_are_ended() -> None:
    for name in ("stubborn_lock", "stubborn_sleep", "stubborn_spin", "stubborn_wait", "taken_twice"):
        found = explored(SWALLOW, run_as_daemon(name), 15, schedules=3, max_steps=5000)
        assert found.outcome in ("holds", "fails", "inconclusive"), name
    assert explore({"crew": COUNTER}, run_two_counters).outcome == "fails"
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.1  # none of them is left spinning


def test_threads_that_swallow_everything_get_their_verdict() -> None:
    kinds = {}
    for name in ("stubborn_lock", "stubborn_sleep", "stubborn_spin", "stubborn_wait", "taken_twice"):
        found = explored(SWALLOW, run_to_its_end(name), 15, schedules=3, max_steps=5000)
        kinds[name] = found.failure.kind if found.failure else found.outcome
    assert kinds["taken_twice"] == "deadlock"
    assert kinds["stubborn_wait"] == "deadlock"
    assert {kinds[name] for name in ("stubborn_lock", "stubborn_sleep", "stubborn_spin")} <= {"livelock"}


def run_two_counters() -> None:
    from crew import Counter

    counter = Counter()
    threads = [threading.Thread(target=counter.increment) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.count == 2


def switching_off(line: str) -> str:
    return COUNTER.replace("        self.count += 1", f"        {line}\n        self.count += 1")


def test_settrace_does_not_blind_it() -> None:
    found = explored("import sys\n" + switching_off("sys.settrace(None)"), run_two_counters, 5, schedules=200)
    assert found.failure is not None and found.failure.kind == "invariant"
    assert "sys.settrace" in " ".join(found.notes)


def test_freeing_the_tool_id_does_not_blind_it() -> None:
    line = "getattr(sys, 'monitoring', None) and [sys.monitoring.free_tool_id(i) for i in range(6)]"
    found = explored("import sys\n" + switching_off(line), run_two_counters, 5, schedules=200)
    assert found.failure is not None and found.failure.kind == "invariant"


def test_two_hundred_threads() -> None:
    def scenario() -> None:
        from crew import Counter

        counter = Counter()
        threads = [threading.Thread(target=counter.increment) for _ in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counter.count == 200

    found = explored(COUNTER, scenario, 20, schedules=10)
    assert found.failure is not None and found.failure.kind == "invariant"


def test_a_thread_that_exits_the_interpreter_only_ends_itself() -> None:
    source = "import sys\ndef leave():\n    sys.exit(3)\n"
    assert explored(source, run_to_its_end("leave"), 5).holds


def test_the_scenario_that_exits_fails() -> None:
    def scenario() -> None:
        raise SystemExit(0)

    found = explored("", scenario, 5)
    assert found.failure is not None and found.failure.error == "SystemExit"


def test_a_long_computation_is_no_livelock() -> None:
    source = "def work():\n    total = 0\n    for i in range(10**7):\n        total += i\n"
    found = explored(source, run_to_its_end("work"), 5, max_steps=5000)
    assert found.outcome == "inconclusive" and "5000 steps" in found.reason


def test_the_budget_ends_it() -> None:
    source = "import os\ndef slow():\n    os.system('sleep 0.1')\n"
    found = explored(source, run_to_its_end("slow"), 4, schedules=1000, budget=1.0)
    assert found.outcome == "inconclusive" and "of 1000 schedules" in found.reason


def test_output_does_not_pile_up(capsys: Any) -> None:
    source = "def shout():\n    for _ in range(1000):\n        print('x' * 100)\n"
    assert explored(source, run_to_its_end("shout"), 5, schedules=5).holds
    assert capsys.readouterr().out == ""


def test_a_fork_leaves_parent_and_child_whole() -> None:
    source = """
import os, threading
def family():
    child = os.fork()
    if child == 0:
        lock = threading.Lock()
        with lock:
            os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""

    def scenario() -> None:
        from crew import family

        assert family() == 7

    assert explored(source, scenario, 10, schedules=3).holds


def test_a_repr_a_property_and_a_getattr_of_the_answers_own_do_not_run() -> None:
    source = """
calls = []
class Odd:
    def __init__(self):
        self.value = self
    def __repr__(self):
        calls.append("repr")
        raise RuntimeError
    def __getattr__(self, name):
        calls.append(name)
        raise AttributeError(name)
    def __eq__(self, other):
        calls.append("eq")
        return False
    __hash__ = None
    def touch(self):
        self.value = self
        return self.value
"""

    def scenario() -> None:
        import crew

        odd = crew.Odd()
        threads = [threading.Thread(target=odd.touch) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if crew.calls:
            raise AssertionError(crew.calls)

    assert explored(source, scenario, 5).holds
