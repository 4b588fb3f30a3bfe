"""The timeline: who used how much CPU time is told exactly, and where the slices lie, as well as a machine lets it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import multiprocessing
import os
import sys
import threading
import time

import pytest

from weft.probes.timeline import Timeline, timeline
from weft.probes.timeline.sampling import MOST, Lane, Sampler
from weft.trace import Trace

FORK = multiprocessing.get_context("fork")
GIL = getattr(sys, "_is_gil_enabled", lambda: True)()


def compute(seconds: float) -> None:
    """So many CPU seconds of this thread."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def run_threads(seconds: float, *names: str) -> None:
    threads = [threading.Thread(target=compute, args=(seconds,), name=name) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.fixture(scope="module")
def two_threads() -> Timeline:
    with timeline() as line:
        run_threads(0.2, "one", "two")
        time.sleep(0.05)
    return line


def test_each_threads_cpu_time_is_told_under_its_name(two_threads: Timeline) -> None:
    assert two_threads.cpu["one"] == pytest.approx(0.2, abs=0.03)
    assert two_threads.cpu["two"] == pytest.approx(0.2, abs=0.03)
    assert two_threads.cpu["MainThread"] < 0.1


def test_under_the_gil_they_take_turns(two_threads: Timeline) -> None:
    slices = two_threads.trace.of("run").where(lambda event: event.actor in ("one", "two"))
    lanes = [event.actor for event in slices]
    switches = sum(before != after for before, after in itertools.pairwise(lanes))
    assert switches > 10  # 0.4 s in turns of 5 ms
    ends = [(event.time, 1) for event in slices] + [(event.time + event.value, -1) for event in slices]
    both, open_now, before = 0.0, 0, 0.0
    for moment, change in sorted(ends):
        both += (moment - before) * (open_now == 2)
        open_now, before = open_now + change, moment
    assert (both < 0.35 * sum(event.value for event in slices)) == GIL


def test_slices_of_a_lane_do_not_overlap_and_lie_within_its_life(two_threads: Timeline) -> None:
    for lane in ("one", "two", "MainThread"):
        events = two_threads.trace.where(lambda event, lane=lane: event.actor == lane)
        alive = events.of("alive").events[0]
        pieces = [(event.time, event.time + event.value) for event in events.of("run", "partly")]
        assert all(end <= start + 1e-5 for (_, end), (start, _) in itertools.pairwise(pieces))
        assert all(alive.time - 1e-5 <= start and end <= alive.time + alive.value + 1e-5 for start, end in pieces)


def test_children_have_their_lanes() -> None:
    with timeline() as line:
        workers = [FORK.Process(target=compute, args=(0.15,), name=f"worker {n}") for n in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert line.cpu["worker 0"] == pytest.approx(0.15, abs=0.05)
    assert line.cpu["worker 1"] == pytest.approx(0.15, abs=0.05)
    subjects = {event.actor: event.subject for event in line.trace.of("used")}
    assert subjects["worker 0"] != subjects["worker 1"] != str(os.getpid())


def test_a_sleeping_thread_uses_nothing() -> None:
    with timeline() as line:
        thread = threading.Thread(target=time.sleep, args=(0.3,), name="sleeper")
        thread.start()
        thread.join()
    assert line.cpu["sleeper"] < 0.05
    alive = next(event for event in line.trace.of("alive") if event.actor == "sleeper")
    assert alive.value > 0.15


def test_tasks_have_a_step_for_each_turn() -> None:
    async def work(seconds: float) -> None:
        for _ in range(3):
            compute(seconds)
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*(asyncio.create_task(work(0.01), name=name) for name in "ab"))

    with timeline() as line:
        asyncio.run(main())
    turns = [event.subject for event in line.trace.of("step") if event.subject in ("a", "b")]
    assert turns[:6] == ["a", "b", "a", "b", "a", "b"]
    assert all(event.value >= 0.009 for event in line.trace.of("step") if event.subject == "a" and event.value > 0.002)


def test_twins_are_told_apart() -> None:
    with timeline() as line:
        run_threads(0.03, "twin", "twin")
    assert {"twin #1", "twin #2"} <= set(line.cpu)


def test_it_travels_as_json(two_threads: Timeline) -> None:
    row = json.loads(json.dumps(two_threads.to_json()))
    assert Trace.from_json(row["trace"]).events == two_threads.trace.events
    assert "each thread's CPU time" in row["note"] and len(json.dumps(row)) < 1 << 20


def test_everything_is_put_back_also_when_the_block_raises() -> None:
    def state() -> list[object]:
        return [threading.Thread._set_native_id, asyncio.Handle._run, FORK.Process.start]

    before, descriptors = state(), os.listdir("/dev/fd")
    with contextlib.suppress(KeyError), timeline() as line:
        raise KeyError
    assert state() == before and os.listdir("/dev/fd") == descriptors and "MainThread" in line.cpu


def lane() -> Lane:
    return Lane(1, 2, first=0.0, last=0.0, base=0.0, base_queued=0.0, cpu=0.0, queued=0.0)


def test_slices_that_touch_are_one() -> None:
    one = lane()
    for now, cpu in [(0.001, 0.0), (0.005, 0.004), (0.006, 0.005), (0.012, 0.005), (0.016, 0.008)]:
        one.saw(now, cpu, 0.0, join=0.0015)
    assert one.slices == [[pytest.approx(0.001), 0.006, True], [pytest.approx(0.013), 0.016, True]]


def test_where_the_sampler_was_kept_waiting_it_does_not_say_when() -> None:
    one = lane()
    one.saw(0.04, 0.01, 0.0, join=0.0015)
    assert one.slices == [[0.0, 0.04, False]]
    one.saw(0.08, 0.05, 0.0, join=0.0015)
    assert one.slices[1] == [0.04, 0.08, True]


def test_a_long_run_keeps_its_beginning() -> None:
    sampler = Sampler(os.getpid(), 0.001)
    sampler.room = 0
    sampler.look()
    found = sampler.found()
    assert found["full"] and MOST > 0


def test_in_a_forked_process_the_main_thread_has_its_name() -> None:
    pipe, end = FORK.Pipe()

    def record() -> None:
        with timeline() as line:
            compute(0.02)
        end.send(sorted(line.cpu))

    child = FORK.Process(target=record)
    child.start()
    assert pipe.recv() == ["MainThread"]
    child.join()
