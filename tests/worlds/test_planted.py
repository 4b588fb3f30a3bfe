"""Planted work does what its kind says, and what is worked out from its notes is what happened."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import pickle
import resource
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from weft.trace import Event, Trace
from weft.worlds import planted_truth
from weft.worlds.planted import KINDS, Planted, PlantedError, Workshop, open_world


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    with open_world() as world:
        yield world


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of this thread."""
    wall, cpu = time.perf_counter(), time.thread_time()
    work()
    return time.perf_counter() - wall, time.thread_time() - cpu


def alone(piece: Planted, deadline: float = 2.0) -> int | None:
    """The exit code of a process that calls a piece; None if it does not end before it is killed."""
    process = multiprocessing.get_context("spawn").Process(target=piece)
    process.start()
    process.join(deadline)
    code = process.exitcode
    process.kill()
    process.join()
    return code


@pytest.mark.parametrize("kind", ["holding", "releasing", "mixed"])
def test_what_waits_takes_its_time_and_no_processor(workshop: Workshop, kind: str) -> None:
    wall, cpu = timed(workshop.piece(kind, seconds=0.05))
    assert wall >= 0.05 and cpu < 0.02


@pytest.mark.parametrize(("kind", "together"), [("holding", 1), ("releasing", 3)])
def test_threads_meet_only_in_what_lets_go_of_the_lock(workshop: Workshop, kind: str, together: int) -> None:
    piece = workshop.piece(kind, seconds=0.05)
    with ThreadPoolExecutor(3) as pool:
        for _ in range(6):
            pool.submit(piece)
    spans = planted_truth.seconds(workshop.trace, 6, 1)
    assert spans[0] >= 0.05 * 6 / together - 0.001
    if together > 1:
        assert planted_truth.at_once(workshop.trace) == {"pieces": 3, "threads": 3, "processes": 1}
    else:
        assert spans[0] >= 0.3


def test_hashing_uses_so_much_of_the_processor_and_notes_it(workshop: Workshop) -> None:
    _, cpu = timed(workshop.piece("hashing", seconds=0.03))
    assert cpu == pytest.approx(0.03, rel=0.3)
    assert planted_truth.cpu_seconds(workshop.trace, 1, 1)[0] == pytest.approx(cpu, rel=0.1)


def after_a_while(piece: Planted) -> None:
    """Leaves time to look at the memory before."""
    time.sleep(0.5)
    piece()


@pytest.mark.parametrize("kind", ["allocating", "hoarding"])
def test_allocating_takes_exactly_so_much_for_a_moment(workshop: Workshop, kind: str) -> None:
    process = multiprocessing.get_context("fork").Process(
        target=after_a_while, args=(workshop.piece(kind, 0.6, 64 << 20),)
    )
    process.start()
    seen = psutil.Process(process.pid)
    looks = []
    while process.is_alive():
        with contextlib.suppress(psutil.Error):
            looks.append(seen.memory_info().rss)
        time.sleep(0.01)
    process.join()
    assert max(looks) - looks[0] == pytest.approx(64 << 20, rel=0.1)


def test_an_awaited_piece_leaves_the_loop_free(workshop: Workshop) -> None:
    piece = workshop.piece("releasing", seconds=0.05)

    async def four() -> None:
        await asyncio.gather(*(piece.awaited() for _ in range(4)))

    asyncio.run(four())
    assert planted_truth.at_once(workshop.trace) == {"pieces": 4, "threads": 1, "processes": 1}


def test_the_first_call_in_a_process_is_cold(workshop: Workshop) -> None:
    piece = workshop.piece("cold", seconds=0.01)
    assert alone(piece, deadline=20) == 0 and alone(piece, deadline=20) == 0
    assert workshop.trace.count("cold") == 2
    with ThreadPoolExecutor(1) as pool:
        for _ in range(3):
            pool.submit(piece)
    assert workshop.trace.count("cold") == 3 and workshop.trace.count("leave") == 5


def test_one_call_has_a_hiccup(workshop: Workshop) -> None:
    piece = Planted("hiccup", 0.01, log=workshop.log, at=2)
    for _ in range(4):
        piece()
    first, second, third, fourth = planted_truth.seconds(workshop.trace, 1, 4)
    assert third >= 0.1 and max(first, second, fourth) < 0.1


def test_what_raises_and_what_dies(workshop: Workshop) -> None:
    with pytest.raises(PlantedError):
        workshop.piece("raising")()
    assert workshop.trace.count("leave") == 0
    assert alone(workshop.piece("dying"), deadline=20) == -9


@pytest.mark.parametrize("kind", ["endless", "stuck"])
def test_what_has_no_end(workshop: Workshop, kind: str) -> None:
    process = multiprocessing.get_context("fork").Process(target=workshop.piece(kind))
    process.start()
    process.join(0.3)
    assert process.is_alive()
    process.kill()
    process.join()


def test_what_forks_comes_back_twice(workshop: Workshop) -> None:
    here, piece = os.getpid(), workshop.piece("forking")
    piece()
    if os.getpid() != here:
        os._exit(0)
    os.wait()
    assert workshop.trace.count("copy") == 1 and workshop.trace.count("leave") == 2


def test_little_things_note_nothing_without_a_log() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
    Planted("tiny")()
    Planted("crunching", size=1_000)()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before <= 2


def test_pieces_travel(workshop: Workshop) -> None:
    piece = workshop.piece("releasing", seconds=0.01)
    assert Planted(**piece.to_json()) == piece == pickle.loads(pickle.dumps(piece))
    pickle.loads(pickle.dumps(piece.awaited))
    with pytest.raises(KeyError):
        workshop.piece("unheard of")
    assert all(isinstance(KINDS[kind].__name__, str) for kind in KINDS)


def test_reset_begins_a_new_log(workshop: Workshop) -> None:
    workshop.piece("releasing")()
    assert workshop.trace.count("leave") == 1
    workshop.reset(seed=3)
    assert len(workshop.trace) == 0
    times = [workshop.about(1.0) for _ in range(20)]
    assert all(0.8 <= each <= 1.2 for each in times) and len(set(times)) == 20


def made(*rows: tuple[float, str, float]) -> Trace:
    """Events of one thread."""
    return Trace(Event(time, kind, "process 1", "process 1 thread 1", cpu) for time, kind, cpu in rows)


def test_repetitions_are_the_last_runs() -> None:
    calls = [((n, "enter", 0.0), (n + 0.5, "leave", 0.1 * n)) for n in range(6)]
    trace = made(*(row for call in calls for row in call))
    assert planted_truth.seconds(trace, 2, 2) == [1.5, 1.5]
    assert planted_truth.cpu_seconds(trace, 2, 2) == pytest.approx([0.5, 0.9])
    with pytest.raises(ValueError):
        planted_truth.repetitions(trace, 4, 2)


def test_who_was_at_work_at_once() -> None:
    rows = [(0, "enter", 1, 1), (1, "enter", 1, 2), (2, "enter", 2, 3), (3, "leave", 1, 1), (4, "leave", 2, 3)]
    trace = Trace(Event(time, kind, f"process {pid}", f"thread {thread}") for time, kind, pid, thread in rows)
    assert planted_truth.at_once(trace) == {"pieces": 3, "threads": 3, "processes": 2}


def test_no_thread_is_left() -> None:
    before = threading.active_count()
    with open_world() as world:
        world.piece("tiny")()
    assert threading.active_count() == before
