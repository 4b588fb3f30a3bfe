"""The segments' world: costs, logs, kills at every step, shared memory, and what is known of the primes."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import pytest

from weft.trace import Event, Trace
from weft.worlds import segments_memory
from weft.worlds.chaos import ALWAYS, BEFORE, ChaosHand, after_steps
from weft.worlds.notes import note, processes_at_once, read_notes
from weft.worlds.segments import KNOWN, Segments, open_world
from weft.worlds.segments_log import makespan, work_done
from weft.worlds.segments_work import Mapped, Slow, Slowed, comb, floor, rising
from weft.worlds.segments_yardstick import cpu_seconds, flat_sieve

FORK = multiprocessing.get_context("fork")


def three(start: int, stop: int, base: object) -> int:
    """A work that finds three primes wherever it looks."""
    return 3


def in_a_process(target: Callable[..., None], *args: object) -> int | None:
    """Run it in a process of its own; returns the exit code."""
    process = FORK.Process(target=target, args=args)
    process.start()
    process.join(10)
    return process.exitcode


@pytest.mark.parametrize("n", [n for n in KNOWN if n <= 3_000_000])
def test_what_is_known_is_what_a_sieve_finds(n: int) -> None:
    assert flat_sieve(n) == KNOWN[n]


def test_the_yardstick_tells_cpu_seconds() -> None:
    assert 0 < cpu_seconds(100_000) < 5


def test_costs_are_uneven_and_add_up() -> None:
    with open_world() as world:
        for costs in (rising(20, 1.0), comb(20, 1.0), world.uneven(20, 1.0)):
            assert sum(costs) == pytest.approx(1.0)
            assert max(costs) > 2 * min(costs)
        assert rising(3, 14.0) == [1.0, 4.0, 9.0]
        assert comb(5, 13.0) == [5.0, 1.0, 1.0, 1.0, 5.0]
        assert floor([1, 1, 1, 1], 2) == 2 and floor([5, 1], 2) == 5


def test_nobody_knows_the_costs_before_and_a_seed_repeats_them() -> None:
    with open_world() as world:
        first = world.uneven(20, 1.0)
        world.reset()
        assert world.uneven(20, 1.0) != first
        world.reset(seed=7)
        seeded = world.uneven(20, 1.0)
        world.reset(seed=7)
        assert world.uneven(20, 1.0) == seeded


def test_a_slow_segment_costs_its_time_and_is_logged() -> None:
    with open_world() as world:
        work = pickle.loads(pickle.dumps(world.slow(10, [0.05, 0.01])))
        assert (work(10, 17, None), work(0, 10, None)) == (2, 1)
        assert [(event.kind, event.subject) for event in world.trace] == [
            ("enter", "10"), ("leave", "10"), ("enter", "0"), ("leave", "0"),
        ]  # fmt: skip
        assert work_done(world.trace) >= 0.06
        assert makespan(world.trace) >= work_done(world.trace)
        for start, stop in ((5, 10), (10, 10), (0, 11)):
            with pytest.raises(ValueError, match=f"{start} to {stop}"):
                work(start, stop, None)


def test_slowed_work_is_the_same_work_and_takes_longer() -> None:
    started = time.monotonic()
    assert Slowed(three, 0.05)(0, 10, None) == 3
    assert time.monotonic() - started >= 0.05


def test_threads_cannot_overlap_in_a_slow_segment(tmp_path: Path) -> None:
    work = Slow(str(tmp_path / "log"), 10, (0.1, 0.1))
    threads = [threading.Thread(target=work, args=(10 * number, 10 * number + 10, None)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world = Segments(tmp_path)
    world.log = work.log
    assert processes_at_once(world.trace) == 1
    assert makespan(world.trace) >= 0.19


def test_a_killed_process_is_inside_no_more() -> None:
    rows = [(0, "enter", "a"), (1, "enter", "b"), (2, "kill", "b"), (3, "enter", "c"), (4, "leave", "a")]
    trace = Trace(Event(time, kind, actor, actor) for time, kind, actor in rows)
    assert processes_at_once(trace) == 2
    assert work_done(trace) == 4


def test_who_was_inside_before_the_trace_began_is_counted_when_it_enters_again() -> None:
    rows = [(0, "leave", "a"), (1, "enter", "a"), (2, "enter", "b"), (3, "leave", "a"), (4, "leave", "b")]
    assert processes_at_once(Trace(Event(time, kind, actor, actor) for time, kind, actor in rows)) == 2


def test_two_processes_do_not_mix_their_lines(tmp_path: Path) -> None:
    def write() -> None:
        for number in range(200):
            note(str(tmp_path / "log"), "enter", str(number))

    writers = [FORK.Process(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    world = Segments(tmp_path)
    world.log = str(tmp_path / "log")
    assert len(world.trace) == 400
    assert len({event.actor for event in world.trace}) == 2


def test_a_kill_before_comes_once_and_always_comes_always() -> None:
    with open_world() as world:
        hand = world.chaos(three, {0: BEFORE, 10: ALWAYS})
        assert [in_a_process(hand, 0, 10, None) for _ in range(2)] == [-signal.SIGKILL, 0]
        assert [in_a_process(hand, 10, 20, None) for _ in range(3)] == [-signal.SIGKILL] * 3
        assert in_a_process(hand, 20, 30, None) == 0
        assert world.trace.subjects("kill") == {"0": 1, "10": 3}
        assert world.trace.subjects("leave") == {"0": 1, "20": 1}


def write_in_steps(hand: ChaosHand, path: str) -> None:
    """What an answer does: it computes, and writes in several steps. Steps 2 and 3 are the lines in the first block."""
    found = hand(0, 10, None)
    with open(path, "w") as file:
        file.write(f"{found}")
        file.flush()
    with open(path, "a") as file:
        file.write("!")


@pytest.mark.parametrize(("step", "left"), [(1, None), (2, ""), (3, ""), (4, "3"), (99, "3!")])
def test_a_kill_comes_after_so_many_lines(tmp_path: Path, step: int, left: str | None) -> None:
    path = tmp_path / "result"
    hand = ChaosHand(str(tmp_path / "log"), three, ((0, step),))
    ended = in_a_process(write_in_steps, hand, str(path))
    assert ended == (0 if step == 99 else -signal.SIGKILL)
    assert (path.read_text() if path.exists() else None) == left


def add_in_one_line(memory: str, hand: ChaosHand) -> None:
    shared = SharedMemory(memory)
    slots = shared.buf.cast("q")
    slots[0], slots[1] = hand(0, 10, None), 1


def test_opcodes_find_the_moment_between_two_writes_of_one_line(tmp_path: Path) -> None:
    shared = SharedMemory(create=True, size=16)
    seen = set()
    try:
        with shared.buf.cast("q") as slots:
            for step in range(1, 30):
                slots[0] = slots[1] = 0
                hand = ChaosHand(str(tmp_path / f"log {step}"), three, ((0, step),), opcodes=True)
                in_a_process(add_in_one_line, shared.name, hand)
                seen.add((slots[0], slots[1]))
    finally:
        shared.close()
        shared.unlink()
    assert seen == {(0, 0), (3, 0), (3, 1)}


def test_the_standard_library_is_not_counted() -> None:
    reached = []
    after_steps(3, lambda: reached.append(len(done)))
    done: list[int] = []
    done.append(len(os.path.join("a", "b")))
    done.append(1)
    assert reached == [1]


def test_the_ledger_knows_what_was_made_and_what_is_left() -> None:
    with segments_memory.watched() as ledger:
        kept, gone = (SharedMemory(create=True, size=8) for _ in range(2))
        SharedMemory(kept.name).close()
        gone.close()
        gone.unlink()
        assert len(ledger.made) == 2
        assert ledger.left == ["/" + kept.name.lstrip("/")]
        kept.close()
        kept.unlink()
        assert ledger.left == []
        forgotten = SharedMemory(create=True, size=8)
        forgotten.close()
        assert ledger.left == ["/" + forgotten.name.lstrip("/")]
    assert ledger.left == [], "What was left is unlinked when it closes."
    SharedMemory(create=True, size=8).unlink()
    assert len(ledger.made) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's mappings (/proc)")
def test_memory_that_a_worker_opens_later_is_noted_too(tmp_path: Path) -> None:
    memory = SharedMemory(create=True, size=8)
    try:
        work = Mapped(str(tmp_path / "log"), three)
        worker = multiprocessing.get_context("spawn").Process(target=open_after, args=(work, memory.name))
        worker.start()
        worker.join()
        trace = read_notes(tmp_path / "log")
        assert [event.kind for event in trace] == ["enter", "leave", "shares", "enter", "leave"]
        assert trace.subjects("shares") == {f"/dev/shm/{memory.name.lstrip('/')}": 1}
    finally:
        memory.close()
        memory.unlink()


def open_after(work: Callable[[int, int, Any], int], name: str) -> None:
    """What a worker does that computes first, and then opens the memory; and that closes it again."""
    work(0, 10, None)
    SharedMemory(name).close()
    work(10, 20, None)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's mappings (/proc)")
def test_shared_memory_shows_in_the_mappings(tmp_path: Path) -> None:
    before = segments_memory.shared_mappings() or set()
    memory = SharedMemory(create=True, size=8)
    lock = FORK.Lock()  # in memory that is shared too, and no result
    try:
        lock.acquire()
        now = segments_memory.shared_mappings() or set()
        assert {name.rpartition("/")[2] for name in now - before} == {memory.name.lstrip("/")}
        assert Mapped(str(tmp_path / "log"), three)(0, 10, None) == 3
        world = Segments(tmp_path)
        world.log = str(tmp_path / "log")
        assert set(world.trace.subjects("shares")) == now
        assert [event.subject for event in world.trace.of("enter", "leave")] == ["0", "0"]
    finally:
        memory.close()
        memory.unlink()
    child = subprocess.run(
        [sys.executable, "-c", "from weft.worlds.segments_memory import shared_mappings as s; print(s())"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert child.stdout.strip() == "set()"
