"""Correct programs, in which nothing may be found."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path

import aiohttp
from aiohttp import web


async def work(seconds: float = 0.01) -> int:
    await asyncio.sleep(seconds)
    return 1


async def numbers() -> AsyncIterator[int]:
    for number in range(5):
        await asyncio.sleep(0)
        yield number


async def sleeps_in_a_thread() -> None:
    await asyncio.to_thread(time.sleep, 0.15)


async def uses_an_executor() -> None:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(2) as pool:
        await asyncio.gather(*(loop.run_in_executor(pool, time.sleep, 0.02) for _ in range(4)))


async def uses_processes() -> int:
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1) as pool:
        total: int = await loop.run_in_executor(pool, sum, range(10))
    return total


async def computes_elsewhere() -> None:
    await asyncio.to_thread(sorted, [number * 7919 % 1_000_003 for number in range(10_000)] * 30, key=str)


async def computes_in_slices() -> None:
    for _ in range(40):
        sum(range(100_000))
        await asyncio.sleep(0)


async def groups_tasks() -> int:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work()) for _ in range(5)]
    return sum(task.result() for task in tasks)


async def gathers() -> list[int]:
    return await asyncio.gather(work(), asyncio.wait_for(work(), 1), asyncio.shield(work()))


async def cancels_and_awaits() -> None:
    task = asyncio.create_task(work(60))
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def times_out() -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()


async def uses_locks_and_queues() -> None:
    queue: asyncio.Queue[int | None] = asyncio.Queue(1)
    guard, free = threading.Lock(), asyncio.Semaphore(1)

    async def take() -> None:
        while await queue.get() is not None:
            async with free:
                with guard:
                    await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        group.create_task(take())
        for item in (1, 2, None):
            await queue.put(item)
    assert guard.acquire()
    guard.release()


async def looks_at_exceptions() -> None:
    async def fails() -> None:
        raise ValueError("seen")

    task = asyncio.create_task(fails())
    await asyncio.wait([task])
    assert isinstance(task.exception(), ValueError)


async def closes_generators() -> None:
    async for _ in numbers():
        pass
    async with aclosing(numbers()) as some:
        async for number in some:
            if number:
                break


async def prints_and_logs() -> None:
    print("printed")
    print("printed", file=sys.stderr, flush=True)
    logging.getLogger("clean").warning("logged")


async def reads_a_small_file() -> str:
    path = Path(__file__)
    assert path.exists() and path.stat().st_size
    with open(path, "rb") as file:
        file.read(10)
    return path.read_text(encoding="utf-8")[:3]


async def imports() -> None:
    # Afresh, for several of those that take long.
    for name in [name for name in sys.modules if name.partition(".")[0] in ("sqlite3", "xml", "email", "wsgiref")]:
        del sys.modules[name]
    import email.mime.multipart
    import sqlite3
    import wsgiref.simple_server
    import xml.dom.minidom

    assert email and sqlite3 and wsgiref and xml


async def looks_up_localhost() -> None:
    await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 80)
    await asyncio.get_running_loop().getaddrinfo("localhost", 80)


async def speaks_over_streams() -> bytes:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        await writer.drain()
        line = await reader.readline()
        writer.close()
        await writer.wait_closed()
    return line


async def runs_a_program() -> bytes:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(1)", stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return out


async def serves_and_fetches() -> list[dict[str, str]]:
    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(0.01)
        return web.json_response({"path": request.path})

    app = web.Application()
    app.router.add_get("/{page}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    try:
        async with aiohttp.ClientSession() as session:
            return await asyncio.gather(*(_fetch(session, f"http://{host}:{port}/{page}") for page in range(5)))
    finally:
        await runner.cleanup()


async def _fetch(session: aiohttp.ClientSession, url: str) -> dict[str, str]:
    async with session.get(url) as response:
        found: dict[str, str] = json.loads(await response.text())
        return found
