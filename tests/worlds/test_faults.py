"""Every fault does what its docstring says, as a client and as the trace sees it, on both file servers."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import requests
from worlds_help import ask, eventually, sent, session_for, story

from weft.worlds.contents import content
from weft.worlds.faults import (
    Fault,
    cut,
    drip,
    ignores_range,
    missing,
    reset,
    stall,
    unavailable,
    wrong_length,
)

SIZE = 300_000
BODY = content("a.bin", SIZE)


def departures(files: Any) -> list[float]:
    return [event.value for event in files.trace.of("depart")]


@pytest.mark.parametrize("times", [1, 3])
def test_unavailable_so_many_times_and_then_no_more(files: Any, times: int) -> None:
    files.add("a.bin", SIZE, [unavailable(times)])
    session = session_for(files)
    for _ in range(times):
        seen = ask(session, files.urls[0])
        assert (seen.status, seen.body, seen.error) == (503, b"", "")
    assert ask(session, files.urls[0]).body == BODY
    assert departures(files) == [503] * times + [200]
    assert files.trace.count("connect") == 1, "A refusal leaves the connection open."


def test_unavailable_for_ever_with_a_status_of_choice(files: Any) -> None:
    files.add("a.bin", SIZE, [unavailable(None, status=429)])
    session = session_for(files)
    assert [ask(session, files.urls[0]).status for _ in range(5)] == [429] * 5


def test_missing_stays_missing(files: Any) -> None:
    files.add("a.bin", SIZE, [missing()])
    session = session_for(files)
    assert [ask(session, files.urls[0]).status for _ in range(2)] == [404] * 2
    assert departures(files) == [404] * 2


def test_reset_comes_before_a_word_of_reply(files: Any) -> None:
    files.add("a.bin", SIZE, [reset()])
    session = session_for(files)
    seen = ask(session, files.urls[0])
    assert (seen.status, seen.error) == (0, "ConnectionError")
    assert ask(session, files.urls[0]).body == BODY
    assert eventually(lambda: files.trace.count("disconnect") == 1)
    assert departures(files) == [0, 200]
    assert sent(files.trace) == {"a.bin": SIZE}
    assert files.trace.count("connect") == 2


@pytest.mark.parametrize(("at", "start"), [(0, 0), (1, 0), (100_000, 0), (SIZE - 1, 0), (200_000, 200_000)])
def test_cut_announces_everything_and_sends_up_to_its_byte(files: Any, at: int, start: int) -> None:
    files.add("a.bin", SIZE, [cut(at)])
    session = session_for(files)
    seen = ask(session, files.urls[0], f"bytes={start}-" if start else "")
    assert seen.error == "ChunkedEncodingError"
    assert seen.headers["Content-Length"] == str(SIZE - start)
    assert BODY[start:at].startswith(seen.body)
    assert len(seen.body) > at - start - 10_000, "Whole pieces arrive; the one that was cut is lost in the client."
    assert sent(files.trace).get("a.bin", 0) == at - start
    assert eventually(lambda: files.trace.count("disconnect") == 1)
    assert departures(files) == [0]
    assert ask(session, files.urls[0], f"bytes={at}-").body == BODY[at:]


def test_cut_spares_a_request_that_begins_beyond_it_and_counts_it(files: Any) -> None:
    files.add("a.bin", SIZE, [cut(100_000)])
    session = session_for(files)
    assert ask(session, files.urls[0], "bytes=100001-").body == BODY[100_001:]
    assert ask(session, files.urls[0]).body == BODY


def test_a_cut_beyond_the_part_asked_for_does_not_happen(files: Any) -> None:
    files.add("a.bin", SIZE, [cut(100_000)])
    seen = ask(session_for(files), files.urls[0], "bytes=0-99999")
    assert (seen.status, seen.body, seen.error) == (206, BODY[:100_000], "")


@pytest.mark.parametrize("at", [0, 100_000, SIZE - 1])
def test_stall_goes_on_after_its_silence(files: Any, at: int) -> None:
    files.add("a.bin", SIZE, [stall(at, 0.2)])
    seen = ask(session_for(files), files.urls[0])
    assert (seen.body, seen.error) == (BODY, "")
    assert seen.seconds >= 0.2
    assert departures(files) == [200]
    before = files.trace.of("bytes", "depart", "arrive").events
    gaps = [later.time - earlier.time for earlier, later in itertools.pairwise(before)]
    assert max(gaps) >= 0.19, "Between two events of the trace lies the silence."


@pytest.mark.parametrize("at", [0, 100_000])
def test_stall_outlasts_a_client_whose_patience_ends(files: Any, at: int) -> None:
    files.add("a.bin", SIZE, [stall(at, 30.0)])
    session = session_for(files)
    seen = ask(session, files.urls[0], timeout=0.1)
    assert (seen.status, seen.error) == (200, "ConnectionError")
    assert BODY.startswith(seen.body)
    assert len(seen.body) <= at
    assert eventually(lambda: files.trace.count("disconnect") == 1)
    assert departures(files) == [499]
    assert sent(files.trace).get("a.bin", 0) == at
    assert ask(session, files.urls[0]).body == BODY


def test_wrong_length_can_be_told_by_the_size_alone(files: Any) -> None:
    files.add("a.bin", SIZE, [wrong_length(1_000)])
    session = session_for(files)
    seen = ask(session, files.urls[0])
    assert (seen.status, seen.body, seen.error) == (200, BODY[:-1_000], "")
    assert seen.headers["Content-Length"] == str(SIZE - 1_000)
    assert ask(session, files.urls[0], "bytes=299000-").body == BODY[-1_000:]
    assert departures(files) == [200, 206]
    assert files.trace.count("connect") == 1


def test_drip_sends_evenly(files: Any) -> None:
    files.add("a.bin", 40_000, [drip(100_000)])
    seen = ask(session_for(files), files.urls[0], timeout=0.2)
    assert seen.body == content("a.bin", 40_000)
    assert seen.seconds >= 0.35
    events = files.trace.of("bytes").events
    middle = (events[0].time + events[-1].time) / 2
    early = sum(event.value for event in events if event.time <= middle)
    assert 10_000 <= early <= 30_000, "About half of the file in half of the time."
    assert departures(files) == [200]


def test_a_slow_drip_is_no_silence_and_a_slower_one_is(files: Any) -> None:
    files.add("slow.bin", 20, [drip(100)])
    files.add("slower.bin", 20, [drip(2)])
    session = session_for(files)
    assert ask(session, files.urls[0], timeout=0.3).body == content("slow.bin", 20)
    assert ask(session, files.urls[1], timeout=0.3).error == "ConnectionError"


def test_ignored_range_gets_the_whole_file(files: Any) -> None:
    files.add("a.bin", SIZE, [ignores_range(times=1)])
    session = session_for(files)
    first, second = (ask(session, files.urls[0], "bytes=1000-") for _ in range(2))
    assert (first.status, first.body, "Content-Range" in first.headers) == (200, BODY, False)
    assert (second.status, second.body) == (206, BODY[1_000:])
    assert [event.value for event in files.trace.of("arrive")] == [1_000, 1_000]


def test_faults_apply_one_after_another_and_to_their_file_only(files: Any) -> None:
    files.add("a.bin", SIZE, [unavailable(2), reset(), cut(50_000), missing()])
    files.add("b.bin", 10)
    session = session_for(files)
    for _ in range(6):
        ask(session, files.urls[0])
        assert ask(session, files.urls[1]).body == content("b.bin", 10)
    wanted = [503, 200, 503, 200, 0, 200, 0, 200, 404, 200, 404, 200]
    assert departures(files) == wanted


def test_a_head_request_meets_a_fault_too(files: Any) -> None:
    files.add("a.bin", SIZE, [unavailable(), cut(10), stall(10, 30.0)])
    session = session_for(files)
    statuses = [ask(session, files.urls[0], method="HEAD", timeout=1.0).status for _ in range(3)]
    assert statuses == [503, 200, 200], "Nothing can be cut or held back of what has no body."
    assert ask(session, files.urls[0]).body == BODY


def test_a_departure_comes_before_the_connection_ends(files: Any) -> None:
    files.add("a.bin", SIZE, [cut(10), reset(), stall(10, 30.0)])
    for _ in range(3):
        ask(session_for(files), files.urls[0], timeout=0.1)
    assert eventually(lambda: files.trace.count("disconnect") == 3)
    wanted = []
    for number, status in enumerate([0, 0, 499], 1):
        actor = f"connection {number}"
        wanted += [("connect", actor, 0), ("arrive", actor, 0), ("depart", actor, status), ("disconnect", actor, 0)]
    assert story(files.trace) == wanted


def test_faults_survive_their_travel_as_json() -> None:
    for fault in (
        unavailable(),
        missing(),
        reset(2),
        cut(5),
        stall(1, 2.5),
        wrong_length(3),
        drip(9.5),
        ignores_range(),
    ):
        assert Fault(**fault.to_json()) == fault


def test_a_connection_error_is_what_requests_calls_one(files: Any) -> None:
    files.add("a.bin", SIZE, [cut(10_000)])
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        _ = session_for(files).get(files.urls[0]).content
