"""Each kind of fault is found at its line, and correct programs are left in peace."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import clean_programs as clean
import pytest
import unclean_programs as unclean
from jumping_loop import JumpingLoop

from weft.probes.async_hygiene import watched

Main = Callable[[], Coroutine[Any, Any, Any]]

PLANTED = {
    "sleeps": "blocking call",
    "sleeps_by_name": "blocking call",
    "sleeps_in_a_task": "blocking call",
    "swallows_the_alarm": "blocking call",
    "waits_for_a_future": "blocking call",
    "waits_for_a_queue": "blocking call",
    "joins_a_thread": "blocking call",
    "runs_a_program": "blocking call",
    "computes": "cpu hog",
    "sorts": "cpu hog",
    "leaves_a_task": "leaked task",
    "leaves_a_short_task": "leaked task",
    "leaves_a_stubborn_task": "leaked task",
    "never_awaits": "never awaited",
    "never_awaits_a_sleep": "never awaited",
    "lost_in_a_task": "lost exception",
    "lost_in_a_callback": "lost exception",
    "leaves_a_generator": "leaked async generator",
    "keeps_a_generator": "leaked async generator",
    "leaves_a_connection_open": "unclosed resource",
    "leaves_a_session_open": "unclosed resource",
    "leaves_a_file_open": "unclosed resource",
}


def line_of(mark: str) -> str:
    lines = Path(unclean.__file__).read_text(encoding="utf-8").splitlines()
    return f"unclean_programs.py:{next(number for number, line in enumerate(lines, 1) if f'here: {mark}' in line)}"


def programs(module: Any) -> dict[str, Main]:
    found = inspect.getmembers(module, inspect.iscoroutinefunction)
    helpers = {"work", "fails", "helper", "stubborn"}
    return {name: main for name, main in found if name not in helpers and not name.startswith("_")}


def test_every_planted_fault_is_expected() -> None:
    assert set(programs(unclean)) == {*PLANTED, "reads_a_url"}


@pytest.mark.parametrize(("name", "kind"), PLANTED.items())
def test_finds_the_fault_at_its_line(name: str, kind: str) -> None:
    found = watched(getattr(unclean, name))
    assert {(finding.kind, finding.place) for finding in found.findings} == {(kind, line_of(name))}
    assert "# here" in found.findings[0].source


def test_names_the_library_call_that_the_answer_made() -> None:
    found = watched(unclean.reads_a_url)
    assert found.findings[0].place == line_of("reads_a_url")
    assert "urlopen → socket" in found.findings[0].message


def test_names_the_task() -> None:
    assert [finding.task for finding in watched(unclean.sleeps_in_a_task).findings] == ["helper"]
    assert [finding.task for finding in watched(unclean.leaves_a_task).findings] == ["refresher"]


@pytest.mark.parametrize("name", programs(clean))
def test_leaves_correct_programs_in_peace(name: str) -> None:
    found = watched(programs(clean)[name])
    assert found.error is None
    assert [str(finding) for finding in found.findings] == []


def test_one_run_tells_every_fault() -> None:
    async def main() -> str:
        time.sleep(0.001)
        unclean.work()
        asyncio.create_task(unclean.fails())  # noqa: RUF006
        asyncio.create_task(unclean.work(60))  # noqa: RUF006
        await asyncio.sleep(0.01)
        return "done"

    found = watched(main)
    assert found.result == "done"
    assert sorted(found.kinds()) == ["blocking call", "leaked task", "lost exception", "never awaited"]


def test_the_same_fault_in_a_loop_is_one_finding() -> None:
    async def main() -> None:
        for _ in range(20):
            time.sleep(0.001)

    assert watched(main).kinds() == ["blocking call"]


def test_the_error_is_told_with_the_answers_line() -> None:
    async def main() -> None:
        json.loads("{")  # raises

    found = watched(main)
    assert found.error is not None and found.error.type == "JSONDecodeError"
    assert found.error.source == 'json.loads("{")  # raises'
    assert found.error.place.startswith("test_async_hygiene.py:")


@pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError(), KeyError("k")])
def test_whatever_is_raised_is_an_error(error: BaseException) -> None:
    async def main() -> None:
        await asyncio.sleep(0)
        raise error

    found = watched(main)
    assert found.error is not None and found.error.type == type(error).__name__


def test_only_the_files_given_are_the_answers() -> None:
    async def main() -> None:
        time.sleep(0.001)
        await unclean.sleeps()

    places = [finding.place for finding in watched(main, files=[unclean.__file__]).findings]
    assert places == [line_of("sleeps")]
    folder = os.path.dirname(unclean.__file__)
    assert len(watched(main, files=[folder]).findings) == 2
    assert watched(main, files=[folder + "/un"]).clean


def test_local_files_count_when_asked() -> None:
    assert "blocking call" in watched(clean.reads_a_small_file, disk=True).kinds()
    assert watched(clean.imports, disk=True).clean


def test_reading_a_pipe_counts_though_files_do_not() -> None:
    async def main() -> bytes:
        out, into = os.pipe()
        os.write(into, b"x")
        os.close(into)
        with open(out, "rb") as file:
            return file.read()

    assert watched(main).kinds() == ["blocking call"]


def test_a_limit_of_cpu_seconds_can_be_chosen() -> None:
    assert watched(unclean.computes, cpu_limit=60).clean


def test_cpu_is_not_what_other_threads_use() -> None:
    async def main() -> None:
        await asyncio.to_thread(sum, range(10_000_000))

    assert watched(main).clean


def test_runs_on_the_loop_that_it_is_given() -> None:
    class Loop(asyncio.SelectorEventLoop):
        pass

    async def main() -> str:
        await asyncio.sleep(0.001)
        return type(asyncio.get_running_loop()).__name__

    assert watched(main, loop_factory=Loop).result == "Loop"


def test_a_loop_whose_clock_jumps_changes_nothing() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        started = loop.time()
        asyncio.create_task(unclean.work(900))  # noqa: RUF006
        await asyncio.sleep(600)
        await unclean.computes()
        return loop.time() - started

    found = watched(main, loop_factory=JumpingLoop)
    assert found.result == 600
    assert found.kinds() == ["cpu hog", "leaked task"]


def test_refuses_to_run_inside_a_loop() -> None:
    async def main() -> None:
        watched(unclean.sleeps)

    found = watched(main)
    assert found.error is not None and "a loop runs in this thread already" in found.error.message


def test_everything_is_as_it_was_afterwards() -> None:
    before = (time.sleep, unclean.sleep, asyncio.Handle._run, asyncio.BaseTransport.__init__)  # type: ignore[attr-defined]
    depth = sys.get_coroutine_origin_tracking_depth()
    watched(unclean.sleeps)
    after = (time.sleep, unclean.sleep, asyncio.Handle._run, asyncio.BaseTransport.__init__)  # type: ignore[attr-defined]
    assert before == after
    assert sys.get_coroutine_origin_tracking_depth() == depth


def test_other_warnings_are_passed_on() -> None:
    async def main() -> None:
        warnings.warn("old", DeprecationWarning, stacklevel=1)

    with pytest.warns(DeprecationWarning, match="old"):
        assert watched(main).clean


def test_is_json() -> None:
    told = json.loads(json.dumps(watched(unclean.leaves_a_task).to_json()))
    assert set(told) == {"result", "error", "findings"}
    assert set(told["findings"][0]) == {"kind", "message", "place", "source", "task"}
