"""A scenario cancelled at each await: what it leaves is named with that await, and correct ones leave nothing."""

from __future__ import annotations

import asyncio
import gc
import json
from pathlib import Path
from typing import Any

import cancelled_programs as programs
import pytest
from jumping_loop import JumpingLoop

from weft.probes.cancellation import Sweep, sweep

SOURCE = Path(programs.__file__).read_text(encoding="utf-8").splitlines()


def lines(mark: str) -> set[str]:
    return {f"cancelled_programs.py:{number}" for number, line in enumerate(SOURCE, 1) if line.endswith(mark)}


def swept(name: str, **more: Any) -> Sweep:
    return sweep(getattr(programs, name), leftover=programs.leftover, patience=0.2, **more)


PLANTED = {
    "keeps_the_permit": "left over",
    "opens_without_finally": "left over",
    "forgets_its_worker": "leaked task",
    "swallows": "cancellation swallowed",
    "turns_it_into_another": "cancellation replaced",
    "never_ends": "cancellation ignored",
    "spins": "cancellation ignored",
    "never_starts_its_second": "never awaited",
    "worker_fails_unseen": "lost exception",
    "leaves_a_connection": "unclosed resource",
    "child_keeps_the_permit": "left over",
}

CORRECT = [
    "returns_the_permit",
    "cleans_up_in_finally",
    "cleans_up_shielded",
    "groups_its_workers",
    "gathers_its_workers",
    "closes_its_connection",
    "crawls",
    "stops_at_a_timeout",
    "produces_and_consumes",
    "loops_over_a_generator",
]


@pytest.mark.parametrize(("name", "kind"), PLANTED.items())
def test_finds_what_a_cancellation_leaves(name: str, kind: str) -> None:
    found = swept(name)
    assert found.error is None
    assert found.undisturbed == []
    assert {fault.finding.kind for fault in found.faults} == {kind}
    assert awaits(found) <= lines(f"here: {name}") | lines("await asyncio.sleep(seconds)")
    assert awaits(found)


def awaits(found: Sweep) -> set[str]:
    return {fault.at for fault in found.faults}


@pytest.mark.parametrize("name", CORRECT)
def test_leaves_correct_scenarios_in_peace(name: str) -> None:
    found = swept(name)
    assert [str(fault) for fault in found.faults] == []
    assert found.clean
    assert found.coverage.cancelled > 0


def test_tells_the_await_and_the_line_that_made_what_is_left() -> None:
    found = swept("leaves_a_connection")
    assert {fault.finding.place for fault in found.faults} == lines("made: leaves_a_connection")


def test_a_session_that_is_left_is_named_where_it_was_made() -> None:
    found = swept("crawls_and_leaves_its_session")
    assert {fault.finding.place for fault in found.faults} == lines("made: crawls")
    assert "session.get" in found.faults[0].source


def test_patience_is_of_the_loops_clock() -> None:
    async def scenario() -> None:
        try:
            await asyncio.sleep(600)
        finally:
            await asyncio.sleep(30)

    assert sweep(scenario, patience=60, loop_factory=JumpingLoop).clean
    slow = sweep(scenario, patience=20, loop_factory=JumpingLoop)
    assert {fault.finding.kind for fault in slow.faults} == {"cancellation ignored"}


def test_names_the_childs_await_and_the_child() -> None:
    found = swept("child_keeps_the_permit")
    by_child = {(fault.at, fault.source) for fault in found.faults if fault.task == "child"}
    assert len(by_child) == 1
    ((at, source),) = by_child
    assert at in lines("here: child_keeps_the_permit") and source.startswith("await asyncio.sleep(0.001)")


def test_awaits_of_cleaning_up_are_tried_when_asked() -> None:
    assert {fault.finding.kind for fault in swept("cleans_up_in_finally", cleanup=True).faults} == {"left over"}
    assert swept("cleans_up_in_finally").coverage.cleanup == 1
    assert swept("cleans_up_shielded", cleanup=True).clean


def test_a_worker_that_its_owner_leaves_is_named_where_it_was_made() -> None:
    found = swept("leaves_its_worker")
    leaked = [fault.finding for fault in found.faults if fault.finding.kind == "leaked task"]
    assert {finding.place for finding in leaked} == lines("here: leaves_its_worker")
    assert {finding.task for finding in leaked} == {"worker"}


def test_covers_every_await() -> None:
    async def scenario() -> None:
        for _ in range(7):
            await asyncio.sleep(0)
        async with asyncio.TaskGroup() as group:
            group.create_task(programs.work(0))

    coverage = sweep(scenario).coverage
    assert (coverage.awaits, coverage.own, coverage.lines) == (9, 8, 3)
    assert (coverage.tried, coverage.cancelled) == (9, 9)


def test_a_limit_keeps_one_cancellation_for_every_line() -> None:
    async def scenario() -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        lock = asyncio.Lock()
        await lock.acquire()
        await asyncio.sleep(0)
        kept.append(lock)

    kept: list[asyncio.Lock] = []
    found = sweep(scenario, limit=10)
    assert found.coverage.awaits == 101
    assert found.coverage.cancelled == 10
    assert found.coverage.lines == 2


def test_what_the_undisturbed_run_leaves_is_told_once() -> None:
    found = swept("leaks_anyway")
    assert [finding.kind for finding in found.undisturbed] == ["leaked task"]
    assert not found.clean


def test_an_undisturbed_run_that_fails_is_the_error() -> None:
    async def scenario() -> None:
        await asyncio.sleep(0)
        raise KeyError("gone")

    found = sweep(scenario)
    assert found.error is not None and found.error.type == "KeyError"
    assert found.coverage.tried == 0
    assert not found.clean


def test_the_scenario_does_not_see_that_it_is_counted() -> None:
    seen: list[Any] = []

    async def scenario() -> str:
        task = asyncio.current_task()
        assert task is not None
        seen.append((task.get_name(), task.get_coro().__name__, task.get_stack()[-1].f_code.co_name))
        await asyncio.sleep(0)
        return "done"

    assert sweep(scenario).clean
    assert set(seen) == {("main", "scenario", "scenario")}


def test_runs_on_the_loops_that_it_is_given() -> None:
    made: list[asyncio.AbstractEventLoop] = []

    def factory() -> asyncio.AbstractEventLoop:
        made.append(asyncio.SelectorEventLoop())
        return made[-1]

    assert sweep(programs.work, loop_factory=factory).coverage.cancelled == 1
    assert len(made) == 2
    assert all(loop.is_closed() for loop in made)


def test_the_collector_is_as_it_was() -> None:
    before = gc.get_freeze_count()
    sweep(programs.work)
    assert gc.get_freeze_count() <= before


def test_is_json() -> None:
    told = json.loads(json.dumps(swept("keeps_the_permit").to_json()))
    assert set(told) == {"coverage", "faults", "undisturbed", "error"}
    assert told["faults"][0]["finding"]["kind"] == "left over"
