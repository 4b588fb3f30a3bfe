"""What leaks, and what does not. They need the standard library only: other interpreters run this file too."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import multiprocessing
import os
import queue
import socket
import subprocess
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import shared_memory
from pathlib import Path
from typing import Any

from weft.probes.leaks import ledger

#: What undoes a leak when it has been looked at.
Cleanup = list[Callable[[], Any]]


def hold_a_thread(later: Cleanup) -> None:
    gate: queue.SimpleQueue[None] = queue.SimpleQueue()

    def feed() -> None:
        gate.get()

    thread = threading.Thread(target=feed, name="feeder", daemon=True)
    thread.start()
    later += [thread.join, lambda: gate.put(None)]


def start_below_threading(later: Cleanup) -> None:
    import _thread

    over, begun = _thread.allocate_lock(), threading.Event()
    over.acquire()

    def wait() -> None:
        begun.set()
        over.acquire()

    _thread.start_new_thread(wait, ())
    begun.wait()
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
    (hold_a_thread, "thread", "feeder (daemon) at leak_cases.py:"),
    (start_below_threading, "thread", "started without threading at leak_cases.py:"),
    (leave_a_process, "process", "still runs sleep 60"),
    (forget_to_wait, "process", "ended, and nobody waited"),
    (listen, "socket", "127.0.0.1:"),
    (open_a_file, "descriptor", "open for reading"),
    (keep_shared_memory, "shared memory", "/"),
    (keep_shared_memory_of_a_child, "shared memory", "/"),
    (leave_a_spill_file, "temporary file", "spill.bin, 10 bytes"),
]


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


def wrong() -> dict[str, list[str]]:
    """By case what the ledger said, where that is not what is true."""
    found: dict[str, list[str]] = {}
    for leak, kind, said in LEAKS:
        later: Cleanup = []
        with ledger(settle=0.05) as book:
            leak(later)
        for call in reversed(later):
            call()
        if {one.kind for one in book.left} != {kind} or said not in " ".join(book.sentences()):
            found[leak.__name__] = book.sentences() or ["nothing"]
    for work in CLEAN:
        with ledger(settle=10) as book:
            work()
        if not book.clean:
            found[work.__name__] = book.sentences()
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as own:
        os.environ["TMPDIR"] = tempfile.tempdir = own
        print(json.dumps({"cases": len(LEAKS) + len(CLEAN), "wrong": wrong()}))
