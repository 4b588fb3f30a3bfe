"""Scenarios for the cancellation sweep: with a planted fault each, and the same mended."""

# ruff: noqa: RUF006, SIM105
from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web


class Shop:
    """A permit, and who holds it; made afresh by each run."""

    def __init__(self) -> None:
        self.free = asyncio.Semaphore(1)
        self.open: list[str] = []


shop = Shop()


def renewed(run: Any) -> Any:
    """The scenario, on a shop of its own."""

    async def scenario() -> Any:
        global shop
        shop = Shop()
        return await run()

    scenario.__name__ = run.__name__
    return scenario


def leftover() -> str | None:
    if shop.free.locked():
        return "a permit is not returned"
    return f"{shop.open[0]} is not closed" if shop.open else None


async def work(seconds: float = 0.002) -> int:
    await asyncio.sleep(seconds)
    return 1


@renewed
async def keeps_the_permit() -> None:
    await shop.free.acquire()
    await work()  # here: keeps_the_permit
    shop.free.release()


@renewed
async def returns_the_permit() -> None:
    async with shop.free:
        await work()


@renewed
async def opens_without_finally() -> None:
    shop.open.append("a file")
    await work()  # here: opens_without_finally
    await asyncio.sleep(0)  # here: opens_without_finally
    shop.open.remove("a file")


@renewed
async def cleans_up_in_finally() -> None:
    shop.open.append("a file")
    try:
        await work()
    finally:
        await asyncio.sleep(0.001)
        shop.open.remove("a file")


@renewed
async def cleans_up_shielded() -> None:
    async def close() -> None:
        await asyncio.sleep(0.001)
        shop.open.remove("a file")

    shop.open.append("a file")
    try:
        await work()
    finally:
        closing = asyncio.ensure_future(close())
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await closing
            raise


@renewed
async def leaves_its_worker() -> None:
    worker = asyncio.create_task(work(0.05), name="worker")  # here: leaves_its_worker
    await work()
    await worker


@renewed
async def forgets_its_worker() -> None:
    worker = asyncio.create_task(work(0.05), name="worker")
    await work()  # here: forgets_its_worker
    worker.cancel()
    await asyncio.wait([worker])  # here: forgets_its_worker


@renewed
async def groups_its_workers() -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(work())
        await work()


@renewed
async def gathers_its_workers() -> None:
    await asyncio.gather(*(asyncio.wait_for(work(), 1) for _ in range(3)))


@renewed
async def swallows() -> None:
    try:
        await work()  # here: swallows
    except BaseException:
        pass
    await work()


@renewed
async def turns_it_into_another() -> None:
    try:
        await work()  # here: turns_it_into_another
    except asyncio.CancelledError:
        raise RuntimeError("interrupted") from None  # raised


@renewed
async def never_ends() -> None:
    for _ in range(2):
        try:
            await work()  # here: never_ends
            return
        except asyncio.CancelledError:
            await asyncio.Event().wait()


@renewed
async def spins() -> None:
    try:
        await work()  # here: spins
    except asyncio.CancelledError:
        while True:
            await asyncio.sleep(0)


@renewed
async def never_starts_its_second() -> None:
    second = work()  # made
    await work()  # here: never_starts_its_second
    await second


@renewed
async def worker_fails_unseen() -> None:
    async def fails_when_cancelled() -> None:
        try:
            await asyncio.sleep(0.05)  # here: worker_fails_unseen
        except asyncio.CancelledError:
            raise ValueError("spoilt") from None  # raised

    worker = asyncio.create_task(fails_when_cancelled())
    try:
        await work()  # here: worker_fails_unseen
    except asyncio.CancelledError:
        worker.cancel()
        raise
    worker.cancel()
    await asyncio.wait([worker])  # here: worker_fails_unseen
    worker.exception()


@renewed
async def leaves_a_connection() -> None:
    async with await asyncio.start_server(_closes, "127.0.0.1", 0) as server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())  # made: leaves_a_connection
        await work()  # here: leaves_a_connection
        writer.close()
        await writer.wait_closed()


@renewed
async def closes_its_connection() -> None:
    async with await asyncio.start_server(_closes, "127.0.0.1", 0) as server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            await work()
        finally:
            writer.close()
            await writer.wait_closed()


async def _closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@asynccontextmanager
async def a_site() -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(0.002)
        return web.Response(text=request.path)

    app = web.Application()
    app.router.add_get("/{page}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield "http://{}:{}".format(*runner.addresses[0])
    finally:
        await runner.cleanup()


@renewed
async def crawls() -> list[str]:
    async with a_site() as site, aiohttp.ClientSession() as session:

        async def fetch(page: int) -> str:
            async with shop.free, session.get(f"{site}/{page}") as response:
                return await response.text()

        async with asyncio.TaskGroup() as group:
            pages = [group.create_task(fetch(page)) for page in range(4)]
    return [page.result() for page in pages]


@renewed
async def crawls_and_leaves_its_session() -> str:
    async with a_site() as site:
        session = aiohttp.ClientSession()  # made: crawls
        response = await session.get(f"{site}/1")
        text = await response.text()
        await session.close()
    return text


@renewed
async def child_keeps_the_permit() -> None:
    async def child() -> None:
        await shop.free.acquire()
        await asyncio.sleep(0.001)  # here: child_keeps_the_permit
        shop.free.release()

    async with asyncio.TaskGroup() as group:  # here: child_keeps_the_permit
        group.create_task(child(), name="child")


@renewed
async def stops_at_a_timeout() -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.002):
            await work(1)
    await work()


@renewed
async def produces_and_consumes() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue(2)

    async def consume() -> None:
        while True:
            await queue.get()
            await asyncio.sleep(0)
            queue.task_done()

    consumers = [asyncio.create_task(consume()) for _ in range(2)]
    try:
        for item in range(6):
            await queue.put(item)
        await queue.join()
    finally:
        for consumer in consumers:
            consumer.cancel()
        await asyncio.gather(*consumers, return_exceptions=True)


@renewed
async def loops_over_a_generator() -> int:
    async def numbers() -> AsyncIterator[int]:
        for number in range(3):
            await asyncio.sleep(0)
            yield number

    total = 0
    async for number in numbers():
        total += number
    return total


@renewed
async def leaks_anyway() -> None:
    asyncio.create_task(work(60))
    await work()
