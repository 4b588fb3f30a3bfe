"""The simulated files are the file server's twin: the same client sees the same, and leaves the same trace."""

from __future__ import annotations

import io
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from worlds_help import ask, eventually, sent, session_for, story

from weft.probes.explorer import run_virtual
from weft.worlds.contents import content
from weft.worlds.faults import Fault, cut, drip, ignores_range, missing, reset, stall, unavailable, wrong_length
from weft.worlds.file_server import FileServer
from weft.worlds.simulated_files import SimulatedFiles

SIZE = 90_000

#: Faults of one file, and the Range headers of the requests that meet them.
SCRIPTS: dict[str, tuple[list[Fault], list[str]]] = {
    "plain": ([], ["", "bytes=10-", "bytes=-5", "bytes=90000-", "bytes=0-9"]),
    "unavailable": ([unavailable(2)], ["", "bytes=5-", "bytes=5-"]),
    "reset": ([reset(2)], ["", "", ""]),
    "cut and resume": ([cut(40_000), cut(70_000)], ["", "bytes=40000-", "bytes=70000-"]),
    "cut at once": ([cut(0)], ["", ""]),
    "stall": ([stall(20_000, 30.0), stall(0, 30.0)], ["", "bytes=20000-", "bytes=20000-", ""]),
    "short": ([wrong_length(500)], ["", "bytes=89500-"]),
    "too short": ([wrong_length(100_000)], ["bytes=10-", "bytes=10-"]),
    "drip": ([drip(900_000, times=1)], ["", ""]),
    "no range": ([cut(30_000), ignores_range()], ["", "bytes=30000-", ""]),
    "missing": ([missing()], ["", "bytes=7-"]),
    "mixed": ([unavailable(), reset(), cut(1), stall(SIZE - 1, 30.0), wrong_length(1)], ["", "", "", "", "", ""]),
}


def play(files: Any, script: str) -> dict[str, Any]:
    """What the client saw in each request, and what the trace says in the end."""
    faults, spans = SCRIPTS[script]
    files.add("a b.bin", SIZE, faults)
    with session_for(files) as session:
        seen = [ask(session, files.urls[0], span, timeout=0.2) for span in spans]
    assert eventually(lambda: files.trace.count("connect") == files.trace.count("disconnect"))
    shown = ("Content-Length", "Content-Range")
    return {
        "seen": [[one.status, one.error, one.digest, *(one.headers.get(name) for name in shown)] for one in seen],
        "story": [list(event) for event in story(files.trace)],
        "sent": sent(files.trace),
    }


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_twin_does_as_the_server_does(real: FileServer, script: str) -> None:
    wanted = play(real, script)
    assert play(SimulatedFiles(), script) == wanted
    virtual = run_virtual({}, lambda: play(SimulatedFiles(), script))
    assert virtual.result == wanted


def test_virtual_time_is_exact() -> None:
    def scenario() -> None:
        files = SimulatedFiles()
        files.latency(2.0)
        files.connect_cost(10.0)
        files.add("a.bin", SIZE, [drip(1_000, times=1), stall(5, 60.0)])
        with files.session() as session:
            for timeout in (None, None, None):
                assert session.get(files.urls[0], timeout=timeout).content == content("a.bin", SIZE)

    run = run_virtual({}, scenario)
    assert run.failure is None
    assert run.elapsed == pytest.approx(12.0 + 90.0 + 62.0 + 2.0)


def test_a_silence_lasts_as_long_as_the_clients_patience() -> None:
    def scenario() -> list[str]:
        files = SimulatedFiles()
        files.latency(100.0)
        files.add("a.bin", SIZE)
        with files.session() as session:
            return [ask(session, files.urls[0], timeout=timeout).error for timeout in (3.0, 101.0)]

    run = run_virtual({}, scenario)
    assert (run.result, run.elapsed) == (["ReadTimeout", ""], pytest.approx(103.0))


def test_connect_and_read_timeouts_may_differ() -> None:
    files = SimulatedFiles()
    files.latency(0.05)
    files.add("a.bin", 10)
    assert files.session().get(files.urls[0], timeout=(0.01, 1.0)).content == content("a.bin", 10)
    with pytest.raises(requests.ReadTimeout):
        files.session().get(files.urls[0], timeout=(1.0, 0.01))


def test_the_raw_body_is_a_file(files: Any) -> None:
    files.add("a.bin", SIZE)
    found = io.BytesIO()
    with session_for(files).get(files.urls[0], stream=True, timeout=5) as response:
        head = response.raw.read(7)
        shutil.copyfileobj(response.raw, found)
    assert head + found.getvalue() == content("a.bin", SIZE)
    assert [event.value for event in files.trace.of("depart")] == [200]


def test_a_cut_shows_also_to_who_reads_everything_at_once(files: Any) -> None:
    files.add("a.bin", SIZE, [cut(10, times=2)])
    session = session_for(files)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        session.get(files.urls[0], timeout=5)
    with session.get(files.urls[0], stream=True, timeout=5) as response, pytest.raises(Exception, match="Incomplete"):
        response.raw.read()


def test_a_refusal_has_its_reason(files: Any) -> None:
    files.add("a.bin", SIZE, [unavailable()])
    with pytest.raises(requests.HTTPError, match="503 Server Error: Service Unavailable"):
        session_for(files).get(files.urls[0], timeout=5).raise_for_status()


def test_a_body_left_unread_costs_the_connection(files: Any) -> None:
    files.add("a.bin", 20_000_000)
    session = session_for(files)
    with session.get(files.urls[0], stream=True, timeout=5) as response:
        next(response.iter_content(10))
    assert eventually(lambda: files.trace.count("disconnect") == 1)
    assert [event.value for event in files.trace.of("depart")] == [499]
    session.head(files.urls[0], timeout=5)
    assert files.trace.count("connect") == 2


def test_ten_connections_are_kept_and_no_more(files: Any) -> None:
    files.latency(0.3)
    files.add("a.bin", 10)
    session = session_for(files)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda _: session.get(files.urls[0], timeout=5), range(12)))
    assert files.trace.peak() == 12
    assert eventually(lambda: files.trace.count("disconnect") == 2)


def test_sessions_share_no_connections(files: Any) -> None:
    files.add("a.bin", 10)
    for _ in range(3):
        with session_for(files) as session:
            session.get(files.urls[0], timeout=5)
            session.get(files.urls[0], timeout=5)
    assert files.trace.count("connect") == 3
    assert eventually(lambda: files.trace.count("disconnect") == 3)


def test_reset_leaves_nothing_of_before() -> None:
    files = SimulatedFiles()
    files.latency(1.0)
    files.add("a.bin", 10)
    files.reset()
    files.add("b.bin", 10)
    assert files.session().get(files.urls[0], timeout=0.5).status_code == 200
    assert story(files.trace)[0] == ("connect", "connection 1", 0)
    assert files.urls == [entry["url"] for entry in files.items]


def test_no_request_leaves_the_process() -> None:
    files = SimulatedFiles()
    assert files.session().get("https://example.com/a.bin", timeout=1).status_code == 404
    assert files.trace.subjects("arrive") == {"a.bin": 1}
