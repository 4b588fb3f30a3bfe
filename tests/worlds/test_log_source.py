"""The log source: what is sent, when, and what its trace says of both ends."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from weft.worlds.errors import WorldError
from weft.worlds.log_client import LogSink, LogStream, SinkRefused, streams
from weft.worlds.log_plan import LEVELS, Plan
from weft.worlds.log_source import LogSource, held, open_world
from weft.worlds.log_yardstick import ConditionQueue


@pytest.fixture(scope="module")
def opened() -> Iterator[LogSource]:
    with open_world() as source:
        yield source


@pytest.fixture
def source(opened: LogSource) -> LogSource:
    opened.reset()
    return opened


def good(line: str) -> bool:
    try:
        return json.loads(line)["level"] in LEVELS
    except (ValueError, KeyError, TypeError):
        return False


def record(name: str) -> Any:
    return SimpleNamespace(id=name)


def test_a_plan_is_the_same_for_the_same_seed() -> None:
    plans = [Plan(records=300, poison=7, seed=seed) for seed in (1, 1, 2)]
    first, again, other = ([line.text for line in plan.all_lines()] for plan in plans)
    assert first == again != other


def test_poison_is_known_and_of_every_kind() -> None:
    lines = Plan(records=400, poison=40).all_lines()
    assert [good(line.text) for line in lines] == [line.level >= 0 for line in lines]
    bad = [line.text for line in lines if line.level < 0]
    assert len(bad) == 3 * 40
    assert any("URGENT" in text for text in bad) and any(text.startswith("[") for text in bad)
    assert any("no level" in text for text in bad) and any("binary" in text for text in bad)
    assert any(text.endswith('"te') for text in bad)


def test_no_line_is_empty_or_two() -> None:
    # The protocol says the end with an empty line.
    assert all(line.text and "\n" not in line.text for line in Plan(records=200, poison=50).all_lines())


def test_streams_arrive_whole_and_in_order(source: LogSource) -> None:
    source.records(50, poison=3, seed=4)
    for number, stream in enumerate(streams(source.address)):
        assert list(stream) == [line.text for line in source.plan.lines(number)]
    assert source.trace.count("emit") == source.lines == 150


def test_a_line_is_sent_when_it_is_asked_for(source: LogSource) -> None:
    source.records(50)
    lines = iter(LogStream(source.address, 0))
    for _ in range(7):
        next(lines)
    assert source.trace.count("emit") == 7


def test_bursts_are_followed_by_silence(source: LogSource) -> None:
    source.records(20)
    source.bursts(size=10, pause=0.3)
    list(LogStream(source.address, 1))
    times = [event.time for event in source.trace.of("emit")]
    gaps = [after - before for before, after in pairwise(times)]
    assert gaps[9] >= 0.3
    assert max(gaps[:9] + gaps[10:]) < 0.3


def test_the_sink_stores_and_refuses(source: LogSource) -> None:
    source.records(10, refused=2)
    (no, _), yes = sorted(source.plan.refused_ids()), sorted(source.good)
    sink = LogSink(source.address)
    sink(record(yes[0]))
    with pytest.raises(SinkRefused, match=no):
        sink(record(no))
    with pytest.raises(SinkRefused):
        sink(record("9-999"))
    sink(record(yes[1]))  # the connection has survived
    sink.close()
    assert source.stored == yes[:2]
    assert len(source.good) == 28


def test_a_stalled_sink_keeps_everybody_waiting(source: LogSource) -> None:
    source.records(10, streams=1)
    source.stall(after=2, seconds=0.4)
    sink = LogSink(source.address)

    def work(names: list[str]) -> None:
        for name in names:
            sink(record(name))

    threads = [threading.Thread(target=work, args=([f"0-{n}" for n in part],)) for part in ((0, 1), (2, 3))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sink.close()
    (stall,) = source.trace.of("stall")
    quiet = source.trace.of("depart").between(stall.time + 0.05, stall.time + 0.35)
    assert len(quiet) == 0
    assert sorted(source.stored) == ["0-0", "0-1", "0-2", "0-3"]
    assert source.trace.peak() == 2


def test_held_is_what_was_sent_and_has_not_arrived(source: LogSource) -> None:
    source.records(30, streams=1, poison=10)
    records = [json.loads(line) for line in LogStream(source.address, 0) if good(line)]
    assert held(source.trace) == 20
    sink = LogSink(source.address)
    for each in records:
        sink(record(each["id"]))
    sink.close()
    assert held(source.trace) == 20
    assert source.trace.count("arrive") == 20


def test_the_trace_knows_levels(source: LogSource) -> None:
    source.records(40, poison=4)
    list(LogStream(source.address, 2))
    told = {event.subject: event.value for event in source.trace.of("emit")}
    assert told == {line.id: line.level for line in source.plan.lines(2)}


def test_an_old_address_leads_nowhere(source: LogSource) -> None:
    source.records(5)
    old = source.address
    source.records(5)
    with pytest.raises(ConnectionError):
        list(LogStream(old, 0))
    assert len(source.trace) == 0


def test_a_source_that_died_says_so() -> None:
    with open_world() as source:
        source._process.kill()
        source._process.wait()
        with pytest.raises(WorldError, match="died"):
            source.reset()


def test_the_yardstick_is_a_queue_with_levels_and_a_bound() -> None:
    queue = ConditionQueue(3)
    for number, level in enumerate((3, 0, 3)):
        queue.put(number, level)
    late = threading.Thread(target=queue.put, args=("late", 0))
    late.start()
    late.join(0.05)
    assert late.is_alive(), "a fourth item must wait"
    assert queue.get() == 1
    late.join(5)
    assert [queue.get() for _ in range(3)] == ["late", 0, 2]


def test_the_yardstick_hands_everything_over() -> None:
    queue, found = ConditionQueue(2), list[int]()
    getters = [threading.Thread(target=lambda: found.extend(queue.get() for _ in range(300))) for _ in range(2)]
    putters = [threading.Thread(target=lambda: [queue.put(n, n % 4) for n in range(200)]) for _ in range(3)]
    for thread in getters + putters:
        thread.start()
    for thread in getters + putters:
        thread.join(20)
    assert sorted(found) == sorted(list(range(200)) * 3)
