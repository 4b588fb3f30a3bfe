"""Readings: the file is what was planned, its truth is right, and the work agrees with it."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from weft.worlds import readings_work as work
from weft.worlds.readings import STATIONS, Readings, open_world, truth, write


def test_the_file_has_the_planned_size_and_truth(tmp_path: Path) -> None:
    with open_world() as readings:
        plan = readings.plan_bytes(2_000_000, tail="7,1")
        size = write(tmp_path / "all", plan)
        assert 2_000_000 <= size < 2_400_000 and size == (tmp_path / "all").stat().st_size
        lines = (tmp_path / "all").read_text().splitlines()
        assert truth(plan)["rows"] == len(lines)
        assert sum(truth(plan)["sums"]) == sum(int(line.split(",")[1]) for line in lines)
        assert len(readings.trace) == 1


def test_a_seed_repeats_and_a_reset_forgets() -> None:
    readings = Readings()
    readings.reset(seed=3)
    first = readings.plan(10)
    readings.reset(seed=3)
    assert readings.plan(10) == first
    readings.reset()
    assert readings.plan(10) != first and len(readings.plans) == 1


def test_writing_holds_one_block_only(tmp_path: Path) -> None:
    plan = Readings().plan_bytes(20_000_000)
    write(tmp_path / "warm", {**plan, "copies": 1})
    tracemalloc.start()
    try:
        write(tmp_path / "all", plan)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("tail", ["", "3,4", "3,4\n", "3,", ",4\n", "x,1\n", "1,2,3\n", "\n", "5", "1,2\n3,,\n4,5\n"])
def test_the_work_agrees_with_the_truth(tmp_path: Path, tail: str) -> None:
    plan = Readings().plan(3000, 2, tail)
    write(tmp_path / "all", plan)
    told = work.summarise((tmp_path / "all").read_bytes()).to_json()
    assert told == truth(plan)
    assert work.add_up(tmp_path / "all", size=999).to_json() == told


def test_a_station_that_is_not_is_rejected() -> None:
    assert work.summarise(f"{STATIONS},1\n".encode()).rejected == 1


def test_work_notes_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert not len(work.read_notes())
    work.noted(b"1,2\n")
    trace = work.read_notes()
    assert [(event.kind, event.value) for event in trace] == [("enter", 4), ("leave", 4)]


def test_failing_work_fails_and_the_rest_picks_out() -> None:
    assert work.failing(b"1,2\n33,4\n5,6\n") == b"1,2\n5,6\n"
    with pytest.raises(ValueError, match="broken"):
        work.failing(b"broken\n")
