"""Tasks that note where they ran; and the oracle that knows which model suits which."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from weft.trace import Event, Trace
from weft.worlds import phases
from weft.worlds.notes import read_notes
from weft.worlds.phases import Item, Phase, at_once, here, models_used, plan
from weft.worlds.phases_oracle import oracle_seconds


@pytest.fixture
def log(tmp_path: Path) -> str:
    return str(tmp_path / "log")


def items(log: str, count: int, seconds: float = 0.05) -> list[Item]:
    return [(log, number, seconds) for number in range(count)]


def test_where_a_task_ran_is_told(log: str) -> None:
    phases.waiting((log, 0, 0.0))
    with ThreadPoolExecutor(1) as pool:
        pool.submit(phases.waiting, (log, 1, 0.0)).result()
    with ProcessPoolExecutor(1) as pool:
        pool.submit(phases.waiting, (log, 2, 0.0)).result()
    assert models_used(read_notes(log), here()) == ["serial", "threads", "processes"]
    assert dict(read_notes(log).subjects("leave")) == {"0": 1, "1": 1, "2": 1}


def test_waiting_tasks_overlap_in_threads_and_holding_ones_do_not(log: str) -> None:
    def seconds(function: object) -> float:
        Path(log).unlink(missing_ok=True)
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(function, items(log, 8))) == list(range(8))  # type: ignore[arg-type]
        return read_notes(log).span()

    waited, held = seconds(phases.waiting), seconds(phases.holding)
    assert held > 0.39 > 2 * waited


def test_holding_tasks_overlap_in_processes(log: str) -> None:
    with ProcessPoolExecutor(3) as pool:
        list(pool.map(phases.holding, items(log, 9)))
    assert at_once(read_notes(log))["processes"] >= 2


def test_awaiting_tasks_overlap_on_a_loop(log: str) -> None:
    async def all_at_once() -> list[int]:
        return await asyncio.gather(*map(phases.awaiting, items(log, 5)))

    assert asyncio.run(all_at_once()) == list(range(5))
    assert read_notes(log).peak("enter", "leave") == 5


def test_every_fifth_fails_by_name(log: str) -> None:
    assert phases.failing((log, 2, 0.0)) == 2
    with pytest.raises(ValueError, match="number 8 cannot be done"):
        phases.failing((log, 8, 0.0))


def test_number_3_takes_its_process_with_it(log: str) -> None:
    call = (
        f"from weft.worlds.phases import dying; print(dying(({log!r}, 2, 0))); dying(({log!r}, 3, 0)); print('alive')"
    )
    done = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "2\n")


def test_threads_and_processes_at_once_are_counted() -> None:
    rows = [(0, "enter", "1 1"), (1, "enter", "1 2"), (2, "enter", "2 3"), (3, "leave", "1 1"), (4, "leave", "2 3")]
    trace = Trace(Event(time, kind, "0", actor) for time, kind, actor in rows)
    assert at_once(trace) == {"threads": 3, "processes": 2}
    assert at_once(Trace()) == {"threads": 0, "processes": 0}


def test_a_plan_has_a_phase_for_each_name() -> None:
    assert plan(["waiting", "tiny"], batches=2, tasks=3) == [Phase("waiting", 2, 3), Phase("tiny", 2, 300)]
    assert Phase("mixed", 1, 2, 0.5).items("log") == [("log", 0, 0.5), ("log", 1, 0.5)]
    assert Phase("mixed", 1, 2).function is phases.mixed


def test_the_oracle_beats_every_single_model(log: str) -> None:
    night = plan(["waiting", "holding"], batches=2, tasks=16)
    best = oracle_seconds(night, log)
    assert all(oracle_seconds(night, log, always=model) > 1.5 * best for model in ("serial", "threads"))
