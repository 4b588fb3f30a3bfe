"""The real file server: its trace, its patience with bad clients, and its process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import requests
from worlds_help import ask, eventually, sent, session_for, story

from weft.worlds.contents import content, digest
from weft.worlds.errors import WorldError
from weft.worlds.faults import drip, stall
from weft.worlds.file_server import FileServer, open_world


def connected(files: FileServer) -> socket.socket:
    """A bare connection to the server."""
    address = urlsplit(files.urls[0])
    return socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10)


def request_line(files: FileServer, method: str = "GET", index: int = 0) -> bytes:
    return f"{method} {urlsplit(files.urls[index]).path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def until_closed(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    found = b""
    while piece := connection.recv(65536):
        found += piece
    return found


# What the trace says


def test_one_kept_connection_serves_many_requests(real: FileServer) -> None:
    for number in range(3):
        real.add(f"{number}.bin", 1_000 * number)
    with requests.Session() as session:
        for url in real.urls:
            session.get(url, timeout=5)
    assert eventually(lambda: real.trace.count("disconnect") == 1)
    one = "connection 1"
    exchanges = [("arrive", one, 0), ("depart", one, 200)] * 3
    assert story(real.trace) == [("connect", one, 0), *exchanges, ("disconnect", one, 0)]
    assert sent(real.trace) == {"1.bin": 1_000, "2.bin": 2_000}


def test_a_connection_per_request_is_counted_as_such(real: FileServer) -> None:
    real.add("a.bin", 10)
    for _ in range(4):
        requests.get(real.urls[0], timeout=5)
    assert eventually(lambda: real.trace.count("disconnect") == 4)
    assert real.trace.count("connect") == 4
    assert {event.actor for event in real.trace.of("arrive")} == {f"connection {number}" for number in range(1, 5)}


def test_a_client_that_wants_no_kept_connection_gets_none(real: FileServer) -> None:
    real.add("a.bin", 10)
    with requests.Session() as session:
        for _ in range(2):
            assert session.get(real.urls[0], headers={"Connection": "close"}, timeout=5).content
    assert eventually(lambda: real.trace.count("disconnect") == 2)


def test_fifty_at_once_are_fifty_in_the_trace(real: FileServer) -> None:
    real.latency(0.5)
    for number in range(50):
        real.add(f"{number}.bin", 20_000)
    with ThreadPoolExecutor(50) as pool:
        seen = list(pool.map(lambda url: ask(requests.Session(), url, timeout=20), real.urls))
    assert {one.digest for one in seen} == set(real.digests.values())
    assert (real.trace.peak(), real.trace.count("connect"), real.trace.count("depart")) == (50, 50, 50)


def test_one_after_another_is_never_two(real: FileServer) -> None:
    real.add("a.bin", 100_000)
    for _ in range(30):
        requests.get(real.urls[0], timeout=5)
    assert real.trace.peak() == 1


def test_latency_is_for_each_request_and_the_cost_for_each_connection(real: FileServer) -> None:
    real.latency(0.05)
    real.connect_cost(0.3)
    real.add("a.bin", 10)
    with requests.Session() as session:
        for _ in range(3):
            session.get(real.urls[0], timeout=5)
    arrivals, departures = real.trace.of("arrive").events, real.trace.of("depart").events
    waits = [later.time - earlier.time for earlier, later in zip(arrivals, departures, strict=True)]
    assert waits[0] >= 0.35
    assert all(0.05 <= wait < 0.3 for wait in waits[1:])


def test_digests_are_of_what_is_served(real: FileServer) -> None:
    for name, size in (("a.bin", 100_000), ("b.bin", 100_000), ("empty.bin", 0)):
        real.add(name, size)
    seen = {entry["name"]: ask(requests.Session(), entry["url"]).digest for entry in real.items}
    assert seen == real.digests
    assert len({*real.digests.values()}) == 3
    assert digest("a.bin", 100_000) == real.digests["a.bin"] != digest("a.bin", 99_999)


def test_the_manifest_says_what_there_is(real: FileServer) -> None:
    real.add("a.bin", 7)
    assert [(entry["name"], entry["size"]) for entry in real.items] == [("a.bin", 7)]
    assert real.urls == [real.items[0]["url"]]


# What reset forgets


def test_reset_forgets_files_faults_latency_and_trace(real: FileServer) -> None:
    real.latency(0.5)
    real.connect_cost(0.5)
    real.add("a.bin", 1_000, [stall(0, 30.0)])
    address = real.urls[0]
    ask(requests.Session(), address, timeout=0.1)
    real.reset()
    assert (real.items, len(real.trace)) == ([], 0)
    assert requests.get(address, timeout=5).status_code == 410
    assert len(real.trace) == 0, "Who asks for what was there before leaves no trace."
    real.add("a.bin", 1_000)
    seen = ask(requests.Session(), real.urls[0])
    assert seen.body == content("a.bin", 1_000)
    assert seen.seconds < 0.5


def test_connections_of_before_the_reset_are_new_ones_after_it(real: FileServer) -> None:
    real.add("a.bin", 10)
    stays, goes = requests.Session(), requests.Session()
    for session in (stays, goes):
        session.get(real.urls[0], timeout=5)
    real.reset()
    real.add("a.bin", 10)
    goes.close()
    time.sleep(0.1)
    stays.get(real.urls[0], timeout=5)
    one = "connection 1"
    assert story(real.trace) == [("connect", one, 0), ("arrive", one, 0), ("depart", one, 200)]


def test_a_transfer_from_before_the_reset_stays_out_of_the_trace(real: FileServer) -> None:
    real.add("a.bin", 1_000, [drip(2_000)])
    runner = threading.Thread(target=ask, args=(requests.Session(), real.urls[0]))
    runner.start()
    assert eventually(lambda: real.trace.count("bytes") > 3)
    real.reset()
    runner.join()
    assert len(real.trace) == 0


# Names


@pytest.mark.parametrize(
    "name", ["a b.bin", "naïve ü 漢字.bin", "q?x=1#y.bin", "100%25.bin", "sub/folder.bin", "end/", "+&;"]
)
def test_names_are_any_text(files: Any, name: str) -> None:
    files.add(name, 1_000)
    seen = ask(session_for(files), files.urls[0])
    assert (seen.status, seen.digest) == (200, files.digests[name])
    assert files.trace.subjects("depart") == {name: 1}


def test_a_path_of_nothing_is_404(files: Any) -> None:
    files.add("a.bin", 10)
    assert ask(session_for(files), files.urls[0] + ".part").status == 404
    assert [event.value for event in files.trace.of("depart")] == [404]


def test_addresses_of_other_sites_are_gone(real: FileServer) -> None:
    real.add("a.bin", 10)
    address = urlsplit(real.urls[0])
    for path in ("/", "/a.bin", "/../a.bin", "/%FF%FE", "//" + address.path):
        assert requests.get(f"http://{address.netloc}{path}", timeout=5).status_code == 410
    assert len(real.trace) == 0


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused(files: Any, method: str) -> None:
    files.add("a.bin", 10)
    seen = ask(session_for(files), files.urls[0], method=method)
    assert (seen.status, seen.headers["Allow"]) == (405, "GET, HEAD")
    assert [event.value for event in files.trace.of("depart")] == [405]


# Bad clients


GARBAGE = [
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET / HTTP/9.9\r\n\r\n",
    b"hello\r\n\r\n",
    b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    b"\x00" * 10_000 + b"\r\n\r\n",
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_refused_and_harms_nobody(real: FileServer, garbage: bytes) -> None:
    real.add("a.bin", 10)
    with connected(real) as connection:
        connection.sendall(garbage)
        connection.shutdown(socket.SHUT_WR)
        try:
            answer = until_closed(connection)
        except ConnectionResetError:
            answer = b""
    assert answer == b"" or b" 400 " in answer.split(b"\r\n")[0]
    assert requests.get(real.urls[0], timeout=5).content == content("a.bin", 10)
    assert real.trace.count("arrive") == 1


def test_a_flood_of_garbage_does_not_choke_the_server(real: FileServer) -> None:
    """What the server says about each fills no pipe that nobody reads."""
    real.add("a.bin", 10)
    for number in range(400):
        with connected(real) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nno colon %d\r\n\r\n" % number)
            assert b" 400 " in until_closed(connection)
    assert requests.get(real.urls[0], timeout=5).status_code == 200


def test_a_client_that_leaves_before_it_is_answered_departs(real: FileServer) -> None:
    real.latency(30.0)
    real.add("a.bin", 10)
    assert ask(requests.Session(), real.urls[0], timeout=0.1).error == "ReadTimeout"
    assert eventually(lambda: real.trace.count("disconnect") == 1)
    one = "connection 1"
    assert story(real.trace) == [
        ("connect", one, 0),
        ("arrive", one, 0),
        ("depart", one, 499),
        ("disconnect", one, 0),
    ]
    assert real.trace.peak() == 1


def test_a_client_that_leaves_in_the_middle_departs(real: FileServer) -> None:
    size = 50_000_000
    real.add("a.bin", size)
    with connected(real) as connection:
        connection.sendall(request_line(real))
        assert connection.recv(1_000)
    assert eventually(lambda: real.trace.count("disconnect") == 1)
    assert [event.value for event in real.trace.of("depart")] == [499]
    assert 0 < sent(real.trace)["a.bin"] < size, "The server waited for the client."


def test_a_client_that_does_not_read_holds_up_nobody(real: FileServer) -> None:
    real.add("big.bin", 50_000_000)
    real.add("a.bin", 10)
    with connected(real) as connection:
        connection.sendall(request_line(real))
        assert eventually(lambda: real.trace.count("bytes") > 0)
        assert requests.get(real.urls[1], timeout=5).content == content("a.bin", 10)
        assert real.trace.count("depart", "big.bin") == 0


def test_requests_sent_in_one_go_are_answered_in_order(real: FileServer) -> None:
    for name in ("a.bin", "b.bin"):
        real.add(name, 10)
    with connected(real) as connection:
        connection.sendall(request_line(real, index=0) + request_line(real, index=1))
        connection.settimeout(5)
        found = b""
        while not found.endswith(content("b.bin", 10)):
            found += connection.recv(65536)
    assert found.index(content("a.bin", 10)) < found.index(content("b.bin", 10))
    assert [event.subject for event in real.trace.of("arrive", "depart")] == ["a.bin", "a.bin", "b.bin", "b.bin"]


# The handle and its process


def test_orders_may_come_from_many_threads(real: FileServer) -> None:
    def order(number: int) -> int:
        real.add(f"{number}.bin", 10)
        return len(real.trace)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(order, range(200))) == 0
    assert ask(requests.Session(), real.urls[-1]).status == 200


def process_of(files: FileServer) -> psutil.Process:
    """The server's process: it is our newest child."""
    assert len(files.trace) == 0
    return max(psutil.Process().children(), key=lambda child: child.create_time())


def test_closing_ends_the_process() -> None:
    with open_world() as files:
        process = process_of(files)
        assert "weft.worlds.file_service" in process.cmdline()
    assert not process.is_running()


def test_a_dead_server_is_the_worlds_fault() -> None:
    with open_world() as files:
        files.add("a.bin", 10)
        children = psutil.Process().children()
        max(children, key=lambda child: child.create_time()).kill()
        for _ in range(2):
            with pytest.raises(WorldError, match="has died"):
                len(files.trace)


def test_a_closed_server_says_so() -> None:
    with open_world() as files:
        assert len(files.trace) == 0
    with pytest.raises(WorldError, match="closed"):
        files.add("a.bin", 10)


def test_our_own_mistake_while_serving_is_not_the_clients() -> None:
    """A drip of nothing a second makes no sense; the check that asked for it is broken, with the reason."""
    with open_world() as files:
        files.add("a.bin", 10_000, [drip(0)])
        assert ask(requests.Session(), files.urls[0]).error
        with pytest.raises(WorldError, match="ZeroDivisionError"):
            len(files.trace)


INTERRUPTED = """
import os, signal, time
from weft.worlds.file_server import open_world
signal.signal(signal.SIGINT, lambda *_: None)
with open_world() as files:
    os.killpg(0, signal.SIGINT)
    for name in ("a.bin", "b.bin"):
        files.add(name, 10)
        os.killpg(0, signal.SIGINT)
    print(len(files.items))
"""


def test_an_interrupt_is_not_for_the_server() -> None:
    """Not even while it starts: a keyboard's interrupt goes to the whole process group."""
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, process_group=0)
    assert (done.stdout, done.stderr) == ("2\n", "")


OWNER = """
import os, sys, time
from weft.worlds.file_server import FileServer
files = FileServer()
files.add("a.bin", 10)
if sys.argv[1] == "forks" and os.fork() == 0:
    time.sleep(60)
print(files.urls[0], flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("owner", ["plain", "forks"])
def test_no_server_outlives_an_owner_that_is_killed(owner: str) -> None:
    """Not even if a fork of the owner still holds the pipe's other end."""
    process = subprocess.Popen([sys.executable, "-c", OWNER, owner], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    children = psutil.Process(process.pid).children()
    server = next(child for child in children if "weft.worlds.file_service" in child.cmdline())
    try:
        assert requests.get(address, timeout=5).status_code == 200
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert eventually(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE, 5.0)
    finally:
        for child in children:
            if child.is_running():
                child.kill()
        process.stdout.close()
