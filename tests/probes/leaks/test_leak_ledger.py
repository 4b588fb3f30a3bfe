"""The leak ledger: each kind of leak is told, each clean idiom is not, and what is seen travels as JSON."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import multiprocessing
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import shared_memory
from pathlib import Path
from typing import Any

import pytest

from weft.probes.leaks import KINDS, ledger

Cleanup = list[Callable[[], Any]]


@pytest.fixture
def later() -> Iterator[Cleanup]:
    """What the test undoes when it has looked."""
    calls: Cleanup = []
    yield calls
    for call in reversed(calls):
        call()


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def hold_a_thread(later: Cleanup) -> None:
    gate: queue.SimpleQueue[None] = queue.SimpleQueue()

    def feed() -> None:
        gate.get()

    thread = threading.Thread(target=feed, name="feeder", daemon=True)
    thread.start()
    later += [thread.join, lambda: gate.put(None)]


def start_below_threading(later: Cleanup) -> None:
    import _thread

    over = _thread.allocate_lock()
    over.acquire()

    def wait() -> None:
        over.acquire()

    _thread.start_new_thread(wait, ())
    later.append(over.release)


def leave_a_process(later: Cleanup) -> None:
    process = subprocess.Popen(["sleep", "60"])
    later += [process.wait, process.kill]


def forget_to_wait(later: Cleanup) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    later.append(lambda: os.waitpid(child, 0))


def listen(later: Cleanup) -> None:
    later.append(socket.create_server(("127.0.0.1", 0)).close)


def open_a_file(later: Cleanup) -> None:
    later.append(open(os.devnull, "rb").close)  # noqa: SIM115


def keep_shared_memory(later: Cleanup) -> None:
    block = shared_memory.SharedMemory(create=True, size=100)
    block.close()
    later.append(block.unlink)


def keep_shared_memory_of_a_child(later: Cleanup) -> None:
    pipe, end = multiprocessing.Pipe()

    def make() -> None:
        block = shared_memory.SharedMemory(create=True, size=100)
        block.close()
        end.send(block.name)

    child = multiprocessing.get_context("fork").Process(target=make)
    child.start()
    name = pipe.recv()
    child.join()
    pipe.close()
    end.close()
    later.append(lambda: shared_memory.SharedMemory(name).unlink())


def leave_a_spill_file(later: Cleanup) -> None:
    folder = tempfile.mkdtemp()
    Path(folder, "spill.bin").write_bytes(b"x" * 10)


LEAKS: list[tuple[Callable[[Cleanup], None], str, str]] = [
    (hold_a_thread, "thread", "feeder (daemon) at test_leak_ledger.py:"),
    (start_below_threading, "thread", "started without threading at test_leak_ledger.py:"),
    (leave_a_process, "process", "still runs sleep 60"),
    (forget_to_wait, "process", "ended, and nobody waited"),
    (listen, "socket", "127.0.0.1:"),
    (open_a_file, "descriptor", "open for reading"),
    (keep_shared_memory, "shared memory", "/"),
    (keep_shared_memory_of_a_child, "shared memory", "/"),
    (leave_a_spill_file, "temporary file", "spill.bin, 10 bytes"),
]


@pytest.mark.parametrize(("leak", "kind", "said"), LEAKS, ids=[row[0].__name__ for row in LEAKS])
def test_a_leak_is_told_and_named(leak: Callable[[Cleanup], None], kind: str, said: str, later: Cleanup) -> None:
    with ledger(settle=0.05) as book:
        leak(later)
    assert {one.kind for one in book.left} == {kind}, book.sentences()
    assert any(said in sentence for sentence in book.sentences()), book.sentences()


def run_pools() -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(str, range(8)))
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as workers:
        list(workers.map(str, range(4)))


def run_spawned_processes() -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as workers:
        list(workers.map(str, range(4)))


def run_the_fork_server() -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")) as workers:
        list(workers.map(str, range(4)))


def run_a_loop() -> None:
    async def main() -> None:
        await asyncio.to_thread(time.sleep, 0.01)
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        server.close()
        await server.wait_closed()

    asyncio.run(main())


def use_shared_ctypes() -> None:
    number = multiprocessing.Value(ctypes.c_long, 7)
    with number.get_lock():
        number.value += 1


def give_shared_memory_back() -> None:
    block = shared_memory.SharedMemory(create=True, size=100)
    block.close()
    block.unlink()


def use_temporary_files() -> None:
    with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(b"x")


def leave_a_cycle_to_the_collector() -> None:
    class Reader:
        def __init__(self) -> None:
            self.file = open(os.devnull, "rb")  # noqa: SIM115
            self.me = self

    with contextlib.suppress(ResourceWarning):
        Reader()


def end_a_little_later() -> None:
    threading.Timer(0.1, int).start()


def run_a_manager() -> None:
    with multiprocessing.Manager() as manager:
        manager.list([1, 2])


CLEAN = [
    run_pools,
    run_spawned_processes,
    run_the_fork_server,
    run_a_loop,
    use_shared_ctypes,
    give_shared_memory_back,
    use_temporary_files,
    leave_a_cycle_to_the_collector,
    end_a_little_later,
    run_a_manager,
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("work", CLEAN, ids=[work.__name__ for work in CLEAN])
def test_what_is_given_back_is_no_leak(work: Callable[[], None]) -> None:
    with ledger(settle=10) as book:
        work()
    assert book.sentences() == []


def test_what_was_there_before_is_nobodys_leak(later: Cleanup) -> None:
    for leak, _, _ in LEAKS:
        if leak not in (keep_shared_memory_of_a_child, forget_to_wait):
            leak(later)
    with ledger(settle=0) as book:
        pass
    assert book.clean


def test_a_clean_block_is_not_waited_for() -> None:
    start = time.monotonic()
    with ledger(settle=30):
        pass
    assert time.monotonic() - start < 10


def test_it_is_filled_in_when_the_block_raises(later: Cleanup) -> None:
    with contextlib.suppress(KeyError), ledger(settle=0.05) as book:
        listen(later)
        raise KeyError
    assert [one.kind for one in book.left] == ["socket"]


def test_it_travels_as_json(later: Cleanup) -> None:
    with ledger(settle=0.05) as book:
        hold_a_thread(later)
        listen(later)
    row = json.loads(json.dumps(book.to_json()))
    assert list(row["counts"]) == list(KINDS) and sum(row["counts"].values()) == 2
    assert [left["kind"] for left in row["left"]] == ["thread", "socket"]
    assert row["left"][1]["detail"].endswith(", listens")


def test_only_the_given_folders_are_looked_at(tmp_path: Path) -> None:
    spill = tmp_path / "spill"
    spill.mkdir()
    with ledger(settle=0, folders=[str(spill)]) as book:
        (tmp_path / "elsewhere").write_text("x")
        (spill / "a").write_text("x")
    assert [one.name for one in book.left] == [str(spill / "a")]


def test_it_says_what_it_does_not_see() -> None:
    with ledger() as book:
        pass
    said = " ".join(book.notes)
    assert "whose parent has ended" in said and "not forked from this process" in said


def test_the_c_module_of_shared_memory_is_put_back() -> None:
    real = shared_memory.__dict__["_posixshmem"]
    with contextlib.suppress(KeyError), ledger():
        raise KeyError
    assert shared_memory.__dict__["_posixshmem"] is real


def test_a_killed_worker_that_is_waited_for_leaves_nothing() -> None:
    with ledger(settle=10) as book:
        process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
        process.start()
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        process.close()
    assert book.sentences() == []


def test_another_users_and_programs_processes_do_not_count() -> None:
    with ledger(settle=0) as book:
        subprocess.run([sys.executable, "-c", "import os; os.fork() or os.execlp('sleep', 'sleep', '0.5')"], check=True)
    assert book.of("process") == []
