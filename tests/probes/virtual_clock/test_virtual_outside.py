"""What is not the loop's own: aiohttp, servers in other threads, a running loop around; and that all is put back."""

from __future__ import annotations

import asyncio
import json
import signal
import socketserver
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from virtual_cases import CASES, over_streams

from weft.probes.virtual_clock import run_virtual, shuffled

NAMES = ("monotonic", "perf_counter", "time", "sleep", "monotonic_ns", "perf_counter_ns", "time_ns")


def replaced() -> list[object]:
    return [*(getattr(time, name) for name in NAMES), threading.Thread.start, asyncio.Lock.acquire]


@pytest.mark.parametrize("name", ["streams_in_one_loop", "locks_in_opposite_order", "asserts_in_vain", "leaves_a_task"])
def test_everything_is_put_back(name: str) -> None:
    before, threads = replaced(), threading.active_count()
    run_virtual(CASES[name][0])
    assert replaced() == before
    assert threading.active_count() == threads
    assert abs(time.time() - time.clock_gettime(time.CLOCK_REALTIME)) < 1


def test_no_descriptor_is_left() -> None:
    import os

    async def leaves_a_connection() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        await asyncio.open_connection(*server.sockets[0].getsockname())

    run_virtual(leaves_a_connection)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        run_virtual(leaves_a_connection)
    assert len(os.listdir("/proc/self/fd")) == before


def test_aiohttp_over_loopback_keeps_virtual_time() -> None:
    aiohttp = pytest.importorskip("aiohttp", reason="needs aiohttp")
    from aiohttp import web

    async def main() -> float:
        async def slow(request: web.Request) -> web.Response:
            await asyncio.sleep(3)
            return web.Response(text="there")

        app = web.Application()
        app.router.add_get("/", slow)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        start = time.monotonic()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            for _ in range(10):
                async with session.get(url) as response:
                    assert await response.text() == "there"
        took = time.monotonic() - start
        await runner.cleanup()
        return took

    start = time.perf_counter()
    run = run_virtual(main)
    assert run.holds, run
    assert run.result == pytest.approx(30)
    assert time.perf_counter() - start < 3


class Echo(socketserver.StreamRequestHandler):
    latency = 0.0

    def handle(self) -> None:
        while line := self.rfile.readline():
            time.sleep(self.latency)
            self.wfile.write(line)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


async def three_lines(address: tuple[str, int]) -> float:
    reader, writer = await asyncio.open_connection(*address)
    start = time.monotonic()
    for _ in range(3):
        writer.write(b"hello\n")
        line = await asyncio.wait_for(reader.readline(), 100)
        assert line == b"hello\n"
        await asyncio.sleep(1)
    writer.close()
    return round(time.monotonic() - start, 3)


def test_a_server_in_a_thread_from_before_has_the_grace() -> None:
    with Server(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        run = run_virtual(lambda: three_lines(server.server_address), grace=0.15)
        server.shutdown()
        thread.join()
    assert run.holds, run
    assert run.result == 3


def test_a_server_in_a_thread_of_the_run_sleeps_virtually() -> None:
    class Slow(Echo):
        latency = 10.0

    async def main() -> float:
        with Server(("127.0.0.1", 0), Slow) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            took = await three_lines(server.server_address)
            await asyncio.to_thread(server.shutdown)
            thread.join()
            return took

    run = run_virtual(main, grace=0.15)
    assert run.holds, run
    assert run.result == 33


def test_silence_from_outside_is_inconclusive_and_named() -> None:
    with Server(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server:

        async def main() -> None:
            reader, _ = await asyncio.open_connection(*server.server_address)
            await reader.read(1)

        run = run_virtual(main)
    assert run.outcome == "inconclusive"
    assert run.failure and run.failure.kind == "deadlock"
    assert "data on a socket" in run.failure.message and run.failure.tasks[0].name == "main"


def test_runs_inside_a_running_loop_and_leaves_it_alone() -> None:
    async def outer() -> tuple[bool, bool]:
        loop = asyncio.get_running_loop()
        inner = run_virtual(lambda: over_streams(2))
        await asyncio.sleep(0)
        return inner.holds, asyncio.get_running_loop() is loop

    assert asyncio.run(outer()) == (True, True)


def test_only_one_run_at_a_time() -> None:
    async def main() -> None:
        run_virtual(main)

    run = run_virtual(main)
    assert run.failure and "another virtual run" in run.failure.message


def test_an_interrupt_from_the_keyboard_passes() -> None:
    before = replaced()

    async def main() -> None:
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)
        await asyncio.sleep(1)

    with pytest.raises(KeyboardInterrupt):
        run_virtual(main)
    assert replaced() == before


def test_other_threads_keep_the_real_clock() -> None:
    seen: list[float] = []
    go, over = threading.Event(), threading.Event()

    def watch() -> None:
        go.wait()
        start = time.monotonic()
        time.sleep(0.01)
        seen.append(time.monotonic() - start)
        over.set()

    thread = threading.Thread(target=watch)
    thread.start()

    async def main() -> None:
        go.set()
        await asyncio.to_thread(over.wait)
        await asyncio.sleep(1000)

    assert run_virtual(main).elapsed == 1000
    thread.join()
    assert 0.009 < seen[0] < 5


def test_a_pool_of_an_earlier_run_shares_the_clock_of_the_next() -> None:
    with ThreadPoolExecutor(2) as pool:

        async def main() -> None:
            await asyncio.get_running_loop().run_in_executor(pool, time.sleep, 100)

        assert [run_virtual(main).elapsed for _ in range(3)] == [100] * 3


def test_travels_as_json() -> None:
    run = run_virtual(CASES["locks_in_opposite_order"][0])
    data = run.to_json()
    assert json.loads(json.dumps(data)) == data
    assert data["failure"]["tasks"][1]["coroutine"][0]["source"] == "async with target:"
    found = shuffled(CASES["asserts_in_vain"][0])
    assert json.loads(json.dumps(found.to_json())) == found.to_json()
    assert found.seed is None and found.orders == 1

    async def unspeakable() -> object:
        return object()

    assert "object object" in run_virtual(unspeakable).to_json()["result"]


def test_random_numbers_repeat() -> None:
    import random

    async def dice() -> float:
        return random.random()

    assert run_virtual(dice).result == run_virtual(dice).result
