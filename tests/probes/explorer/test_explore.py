"""What explore, replay and run_virtual promise, beside judging right."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from weft.probes.explorer import Exploration, Failure, Run, explore, replay, run_virtual

COUNTER = """
class Counter:
    def __init__(self):
        self.count = 0

    def increment(self):
        self.count += 1
"""

BANK = """
import threading

class Account:
    def __init__(self):
        self.lock = threading.Lock()

def transfer(a, b):
    with a.lock:
        with b.lock:
            pass
"""


def two_increments() -> int:
    from crew import Counter

    counter = Counter()
    threads = [threading.Thread(target=counter.increment, name=name) for name in ("A", "B")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if counter.count != 2:  # pytest would rewrite an assert, and put an address into its message
        raise AssertionError(f"two increments made {counter.count}")
    return counter.count


def two_transfers() -> None:
    from crew import Account, transfer

    a, b = Account(), Account()
    threads = [threading.Thread(target=transfer, args=pair, name=name) for name, pair in (("A", (a, b)), ("B", (b, a)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.fixture(scope="module")
def lost_update() -> Failure:
    failure = explore({"crew": COUNTER}, two_increments).failure
    assert failure is not None
    return failure


def test_a_lost_update_needs_one_switch(lost_update: Failure) -> None:
    assert lost_update.schedule["decisions"] == [["A", 2, "B"]] or lost_update.switches == 1


def test_the_picture_shows_the_stale_value(lost_update: Failure) -> None:
    rows = [
        (event["thread"], event["kind"], event["value"])
        for event in lost_update.events
        if event["kind"] in ("read", "write") or event["hurts"]
    ]
    first, second = rows[0][0], rows[1][2] == "preempted" and rows[2][0]
    assert rows == [
        (first, "read", "0"),
        (first, "switch", "preempted"),
        (second, "read", "0"),
        (second, "write", "1"),
        (first, "write", "1"),
    ]


def test_events_name_the_learners_line(lost_update: Failure) -> None:
    write = next(event for event in lost_update.events if event["kind"] == "write")
    assert (write["what"], write["module"], write["line"]) == ("self.count", "crew", 7)
    assert write["source"] == "self.count += 1"


def test_a_schedule_replays(lost_update: Failure) -> None:
    schedule = json.loads(json.dumps(lost_update.schedule))
    runs = [replay({"crew": COUNTER}, two_increments, schedule) for _ in range(3)]
    assert [run.failure.message for run in runs if run.failure] == ["two increments made 1"] * 3
    assert runs[0].events == runs[1].events == runs[2].events == lost_update.events


def test_the_calm_schedule_holds() -> None:
    run = replay({"crew": COUNTER}, two_increments, {"decisions": []})
    assert (run.outcome, run.result) == ("holds", 2)


def test_everything_travels_as_json() -> None:
    found = explore({"crew": COUNTER}, two_increments)
    again = Exploration.from_json(json.loads(json.dumps(found.to_json())))
    assert again == found
    run = replay({"crew": BANK}, two_transfers, {"decisions": []})
    assert Run.from_json(json.loads(json.dumps(run.to_json()))) == run


def test_the_same_seed_gives_the_same_exploration() -> None:
    def without_time(found: Exploration) -> dict[str, Any]:
        found.coverage.seconds = 0.0
        return found.to_json()

    one, two = (without_time(explore({"crew": COUNTER}, two_increments, seed=7)) for _ in range(2))
    assert one == two


def test_the_unlocked_counter_is_found_from_every_seed() -> None:
    needed = [explore({"crew": COUNTER}, two_increments, seed=seed, schedules=60) for seed in range(20)]
    assert [found.outcome for found in needed] == ["fails"] * 20


def test_a_deadlock_says_who_holds_what_since_where_and_waits_for_what() -> None:
    failure = explore({"crew": BANK}, two_transfers).failure
    assert failure is not None and failure.kind == "deadlock"
    waits = {wait.thread: wait for wait in failure.waits}
    assert waits["A"].held_by == "B" and waits["B"].held_by == "A"
    assert [hold.since for hold in waits["A"].holds] == ["crew.py:9"]
    assert waits["A"].where == "crew.py:10"
    assert {waits["A"].what, waits["B"].what} == {"Account.lock #1", "Account.lock #2"}
    assert {hold.lock for hold in waits["A"].holds} == {waits["B"].what}


def test_unprotected_data_is_named_even_if_nothing_fails() -> None:
    def scenario() -> None:
        from crew import Counter

        counter = Counter()
        threads = [threading.Thread(target=counter.increment) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    found = explore({"crew": COUNTER}, scenario, schedules=5)
    assert found.holds and found.unprotected == ["Counter.count"]


def test_what_a_join_or_a_queue_hands_over_is_not_called_unprotected() -> None:
    source = COUNTER + "import queue\n\ndef pass_on(line, counter):\n    counter.increment()\n    line.put(counter)\n"

    def scenario() -> int:
        import queue

        from crew import Counter, pass_on

        line: queue.Queue[Any] = queue.Queue()
        counter = Counter()
        counter.increment()
        threading.Thread(target=pass_on, args=(line, counter)).start()
        line.get().increment()
        return counter.count

    found = explore({"crew": source}, scenario, schedules=60)
    assert found.holds and found.unprotected == []
    assert [(row.value, row.times) for row in found.returned] == [(3, 60)]


def test_returned_values_are_told_apart() -> None:
    def scenario() -> int:
        from crew import Counter

        counter = Counter()
        threads = [threading.Thread(target=counter.increment) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return counter.count

    found = explore({"crew": COUNTER}, scenario, schedules=60)
    assert {row.value for row in found.returned} == {1, 2}
    lost = next(row for row in found.returned if row.value == 1)
    assert replay({"crew": COUNTER}, scenario, lost.schedule).result == 1


def test_coverage_counts() -> None:
    found = explore({"crew": COUNTER.replace("+= 1", "+= 0")}, lambda: None, schedules=3)
    assert (found.schedules, found.coverage.threads, found.coverage.interleavings) == (3, 1, 1)
    failing = explore({"crew": COUNTER}, two_increments)
    assert failing.coverage.shared == ["Counter.count"]
    assert failing.coverage.threads == 3
    assert failing.coverage.interleavings > 1


def test_virtual_time_is_exact() -> None:
    source = """
import time
from concurrent.futures import ThreadPoolExecutor

def fetch(seconds):
    time.sleep(seconds)
    return seconds

def pool(delays):
    with ThreadPoolExecutor(5) as executor:
        return list(executor.map(fetch, delays))

def serial(delays):
    return [fetch(delay) for delay in delays]
"""
    delays = [0.5, 1.0] * 10

    def pooled() -> list[float]:
        from crew import pool

        return pool(delays)

    def serially() -> list[float]:
        from crew import serial

        return serial(delays)

    start = time.perf_counter()
    runs = [run_virtual({"crew": source}, scenario) for scenario in (pooled, serially)]
    assert [run.elapsed for run in runs] == [3.5, 15.0]
    assert [run.result for run in runs] == [delays, delays]
    assert time.perf_counter() - start < 1


def test_modules_are_made_afresh_for_every_schedule() -> None:
    def scenario() -> None:
        import crew

        crew.seen.append(1)
        assert crew.seen == [1]

    assert explore({"crew": "seen = []"}, scenario, schedules=5).holds


def test_modules_that_stood_in_their_place_come_back() -> None:
    import sys
    import types

    before = sys.modules["crew"] = types.ModuleType("crew")
    try:
        explore({"crew": COUNTER}, two_increments, schedules=3)
        assert sys.modules["crew"] is before
    finally:
        del sys.modules["crew"]


def test_a_folder_of_modules(tmp_path: Any) -> None:
    (tmp_path / "crew.py").write_text(COUNTER)
    failure = explore(tmp_path, two_increments).failure
    assert failure is not None and failure.kind == "invariant"


def test_a_scenario_may_take_the_modules() -> None:
    def scenario(answer: Any) -> int:
        return answer.crew.Counter().count

    assert run_virtual({"crew": COUNTER}, scenario).result == 0


def test_a_module_that_does_not_compile_fails_as_it_would() -> None:
    failure = explore({"crew": "def ("}, two_increments).failure
    assert failure is not None and (failure.kind, failure.error) == ("exception", "SyntaxError")


def test_it_says_what_it_cannot_see() -> None:
    source = "import multiprocessing, asyncio"
    sentences = " ".join(explore({"crew": source}, lambda: None, schedules=1).cannot_see)
    assert "written in C" in sentences and "multiprocessing" in sentences and "asyncio" in sentences


def test_everything_is_put_back() -> None:
    import concurrent.futures.thread as pools
    import queue
    import sys

    def state() -> list[Any]:
        own = [threading.Lock, threading.RLock, threading.Thread.start, threading.Condition.notify, threading._time]
        rest = [time.sleep, time.monotonic, time.time, queue.SimpleQueue, pools._global_shutdown_lock, sys.stdout]
        return [*own, *rest, sys.gettrace(), threading.main_thread(), len(threading.enumerate()), pools._shutdown]

    before = state()
    explore({"crew": COUNTER}, two_increments)
    explore({"crew": BANK}, two_transfers)
    assert state() == before
