"""Range headers: what is asked for, and what both file servers reply to it."""

from __future__ import annotations

from typing import Any

import pytest
from worlds_help import ask, sent, session_for

from weft.worlds.contents import content
from weft.worlds.faults import ignores_range, wrong_length
from weft.worlds.replies import asked

SIZE = 1_000
BODY = content("a.bin", SIZE)

GOOD = [
    ("bytes=0-", 0, 1_000),
    ("bytes=1-", 1, 1_000),
    ("bytes=999-", 999, 1_000),
    ("bytes=0-0", 0, 1),
    ("bytes=100-199", 100, 200),
    ("bytes=900-5000", 900, 1_000),
    ("bytes=-1", 999, 1_000),
    ("bytes=-5000", 0, 1_000),
    ("Bytes = 5-6", 5, 7),
]
BEYOND = [("bytes=1000-", 1_000), ("bytes=5000-6000", 5_000), ("bytes=-0", 1_000)]
IGNORED = [
    "bytes=",
    "bytes=-",
    "bytes=a-b",
    "bytes=7",
    "bytes=9-3",
    "bytes=--5",
    "bytes=1-2,5-6",
    "lines=1-2",
    "5-",
    "bytes=1.5-",
    "bytes=" + "9" * 5_000 + "-",
]


@pytest.mark.parametrize(("header", "start", "end"), GOOD)
def test_a_part_is_sent_and_named(files: Any, header: str, start: int, end: int) -> None:
    files.add("a.bin", SIZE)
    seen = ask(session_for(files), files.urls[0], header)
    assert (seen.status, seen.body, seen.error) == (206, BODY[start:end], "")
    assert seen.headers["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert seen.headers["Content-Length"] == str(end - start)
    assert [event.value for event in files.trace.of("arrive", "depart")] == [start, 206]
    assert sent(files.trace) == {"a.bin": end - start}


@pytest.mark.parametrize(("header", "start"), BEYOND)
def test_what_lies_beyond_the_end_is_refused(files: Any, header: str, start: int) -> None:
    files.add("a.bin", SIZE)
    seen = ask(session_for(files), files.urls[0], header)
    assert (seen.status, seen.body, seen.headers["Content-Range"]) == (416, b"", f"bytes */{SIZE}")
    assert [event.value for event in files.trace.of("arrive", "depart")] == [start, 416]
    assert sent(files.trace) == {}


@pytest.mark.parametrize("header", IGNORED)
def test_what_cannot_be_understood_gets_the_whole_file(files: Any, header: str) -> None:
    files.add("a.bin", SIZE)
    seen = ask(session_for(files), files.urls[0], header)
    assert (seen.status, seen.body) == (200, BODY)
    assert "Content-Range" not in seen.headers
    assert [event.value for event in files.trace.of("arrive", "depart")] == [0, 200]


def test_digits_of_other_scripts_are_no_numbers() -> None:
    assert asked("bytes=²-", SIZE) is None
    assert asked("bytes=٣-", SIZE) is None


def test_an_empty_file_has_no_parts(files: Any) -> None:
    files.add("a.bin", 0)
    seen = ask(session_for(files), files.urls[0], "bytes=0-")
    assert (seen.status, seen.body, seen.headers["Content-Length"]) == (200, b"", "0")


def test_head_tells_the_length_of_the_whole_and_sends_nothing(files: Any) -> None:
    files.add("a.bin", SIZE)
    session = session_for(files)
    for header in ("", "bytes=10-"):
        seen = ask(session, files.urls[0], header, method="HEAD")
        assert (seen.status, seen.body, seen.headers["Content-Length"]) == (200, b"", str(SIZE))
    assert ask(session, files.urls[0]).body == BODY
    assert files.trace.count("connect") == 1
    assert sent(files.trace) == {"a.bin": SIZE}


def test_a_file_that_pretends_to_be_shorter_keeps_to_it(files: Any) -> None:
    files.add("a.bin", SIZE, [wrong_length(100, times=None)])
    session = session_for(files)
    assert ask(session, files.urls[0], "bytes=500-").headers["Content-Range"] == "bytes 500-899/900"
    assert ask(session, files.urls[0], "bytes=900-").status == 416


def test_who_ignores_ranges_ignores_those_beyond_the_end(files: Any) -> None:
    files.add("a.bin", SIZE, [ignores_range()])
    seen = ask(session_for(files), files.urls[0], "bytes=5000-")
    assert (seen.status, seen.body) == (200, BODY)
    assert [event.value for event in files.trace.of("arrive")] == [5_000]
