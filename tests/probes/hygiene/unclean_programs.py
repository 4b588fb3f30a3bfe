"""One planted fault each; the line that must be named ends in ``# here``."""

# ruff: noqa: RUF006, SIM105
from __future__ import annotations

import asyncio
import queue
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import aiohttp


async def work(seconds: float = 0.01) -> int:
    await asyncio.sleep(seconds)
    return 1


async def fails() -> None:
    await asyncio.sleep(0)
    raise ValueError("lost")  # here: lost_in_a_task


async def numbers() -> AsyncIterator[int]:
    for number in range(5):
        yield number


async def sleeps() -> None:
    time.sleep(0.01)  # here: sleeps


async def sleeps_by_name() -> None:
    sleep(0.01)  # here: sleeps_by_name


async def sleeps_in_a_task() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(helper(), name="helper")


async def helper() -> None:
    await asyncio.sleep(0)
    deeper()


def deeper() -> None:
    time.sleep(0.01)  # here: sleeps_in_a_task


async def swallows_the_alarm() -> None:
    try:
        time.sleep(0.01)  # here: swallows_the_alarm
    except Exception:
        pass


async def reads_a_url() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        answer = threading.Thread(target=_serve_once, args=(server,))
        answer.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with urllib.request.urlopen(url) as response:  # here: reads_a_url
            response.read()  # also
        await asyncio.to_thread(answer.join)


def _serve_once(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")


async def waits_for_a_future() -> None:
    with ThreadPoolExecutor() as pool:
        future = pool.submit(time.sleep, 0.3)
        future.result()  # here: waits_for_a_future


async def waits_for_a_queue() -> None:
    items: queue.Queue[int] = queue.Queue()
    threading.Timer(0.3, items.put, [1]).start()
    items.get()  # here: waits_for_a_queue


async def joins_a_thread() -> None:
    thread = threading.Thread(target=time.sleep, args=[0.3])
    thread.start()
    thread.join()  # here: joins_a_thread


async def runs_a_program() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)  # here: runs_a_program


async def computes() -> None:
    await asyncio.sleep(0)
    total = 0
    for number in range(4_000_000):
        total += number  # here: computes


async def sorts() -> None:
    await asyncio.sleep(0)
    numbers = [number * 7919 % 1_000_003 for number in range(10_000)] * 30
    await asyncio.sleep(0)
    sorted(numbers, key=str)  # here: sorts
    await asyncio.sleep(0)


async def leaves_a_task() -> None:
    asyncio.create_task(work(60), name="refresher")  # here: leaves_a_task
    await asyncio.sleep(0)


async def leaves_a_short_task() -> None:
    asyncio.create_task(work())  # here: leaves_a_short_task
    await asyncio.sleep(0)


async def leaves_a_stubborn_task() -> None:
    asyncio.create_task(stubborn())  # here: leaves_a_stubborn_task
    await asyncio.sleep(0)


async def stubborn() -> None:
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass


async def never_awaits() -> None:
    work()  # here: never_awaits


async def never_awaits_a_sleep() -> None:
    asyncio.sleep(1)  # here: never_awaits_a_sleep


async def lost_in_a_task() -> None:
    asyncio.create_task(fails())
    await asyncio.sleep(0.01)


async def lost_in_a_callback() -> None:
    asyncio.get_running_loop().call_soon(_divides)
    await asyncio.sleep(0.01)


def _divides() -> None:
    1 / 0  # here: lost_in_a_callback  # noqa: B018


async def leaves_a_generator() -> None:
    async for number in numbers():  # here: leaves_a_generator
        if number == 2:
            break


async def keeps_a_generator() -> AsyncIterator[int]:
    kept = numbers()
    await anext(kept)  # here: keeps_a_generator
    return kept


async def leaves_a_connection_open() -> None:
    server = await asyncio.start_server(_closes, "127.0.0.1", 0)
    async with server:
        await asyncio.open_connection(*server.sockets[0].getsockname())  # here: leaves_a_connection_open
        await asyncio.sleep(0.01)


async def _closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def leaves_a_session_open() -> None:
    session = aiohttp.ClientSession()  # here: leaves_a_session_open
    assert not session.closed


async def leaves_a_file_open() -> None:
    open(Path(__file__))  # here: leaves_a_file_open  # noqa: SIM115
