"""Scenarios with what they must show. They need the standard library only: other interpreters run this file too."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from weft.probes.virtual_clock import VirtualRun, run_virtual, shuffled

Check = Callable[[VirtualRun], bool]
CASES: dict[str, tuple[Callable[[], Any], Check]] = {}


def case(check: Check) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    def add(main: Callable[[], Any]) -> Callable[[], Any]:
        CASES[main.__name__] = (main, check)
        return main

    return add


def lasts(seconds: float) -> Check:
    return lambda run: run.holds and abs(run.elapsed - seconds) < 1e-6


def fails(kind: str, *words: str) -> Check:
    return lambda run: (
        run.outcome == "fails"
        and run.failure is not None
        and run.failure.kind == kind
        and all(word in run.failure.message for word in words)
    )


class Bucket:
    """Two a second, at most two at once."""

    def __init__(self, rate: float) -> None:
        self.rate, self.tokens, self.last, self.lock = rate, 2.0, time.monotonic(), asyncio.Lock()

    async def take(self) -> None:
        async with self.lock:
            self._refill()
            if self.tokens < 1 - 1e-9:
                await asyncio.sleep((1 - self.tokens) / self.rate)
                self._refill()
            self.tokens -= 1

    def _refill(self) -> None:
        now = time.monotonic()
        self.tokens, self.last = min(2.0, self.tokens + (now - self.last) * self.rate), now


@case(lasts(60))
async def a_bucket_of_two_a_second_lasts_sixty_seconds_for_122() -> None:
    bucket = Bucket(2)
    await asyncio.gather(*(bucket.take() for _ in range(122)))


@case(lasts(3.5))
async def a_pool_of_five_needs_exactly_three_and_a_half_seconds() -> None:
    limit = asyncio.Semaphore(5)

    async def fetch(number: int) -> None:
        async with limit:
            await asyncio.sleep(0.5 if number % 2 else 1.0)

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(fetch(number))


@case(lasts(1.5))
async def timeouts_end_exactly_on_time() -> None:
    async def endless() -> None:
        await asyncio.Event().wait()

    try:
        async with asyncio.timeout(0.5):
            await endless()
    except TimeoutError:
        pass
    try:
        await asyncio.wait_for(endless(), 1.0)
    except TimeoutError:
        return
    raise AssertionError("no timeout")


@case(lasts(7))
async def a_queue_and_a_condition_keep_time() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue(1)
    condition = asyncio.Condition()
    got: list[int] = []

    async def producer() -> None:
        for number in range(3):
            await asyncio.sleep(1)
            await queue.put(number)

    async def consumer() -> None:
        for _ in range(3):
            got.append(await queue.get())
            await asyncio.sleep(2)
        async with condition:
            condition.notify_all()

    async with asyncio.TaskGroup() as group:
        group.create_task(producer())
        group.create_task(consumer())
        async with condition:
            await condition.wait_for(lambda: len(got) == 3)


@case(lasts(2))
async def every_clock_agrees() -> None:
    loop = asyncio.get_running_loop()
    clocks = (loop.time, time.monotonic, time.perf_counter, time.time)
    before = [clock() for clock in clocks]
    whole = (time.monotonic_ns(), time.perf_counter_ns(), time.time_ns())
    assert loop.time() == time.monotonic()
    await asyncio.sleep(2)
    assert all(abs(clock() - was - 2) < 1e-6 for clock, was in zip(clocks, before, strict=True))
    after = (time.monotonic_ns(), time.perf_counter_ns(), time.time_ns())
    assert all(abs(now - was - 2 * 10**9) < 1000 for now, was in zip(after, whole, strict=True))


@case(
    lambda run: lasts(5)(run) and any("time.sleep(5) blocked the loop" in note and ".py:" in note for note in run.notes)
)
async def a_blocking_sleep_is_noted() -> None:
    time.sleep(5)


@case(lambda run: lasts(5)(run) and not run.notes)
async def an_awaited_sleep_is_not_noted() -> None:
    await asyncio.sleep(5)


async def two_transfers(first: tuple[str, str], second: tuple[str, str]) -> None:
    locks = {"a": asyncio.Lock(), "b": asyncio.Lock()}

    async def transfer(names: tuple[str, str]) -> None:
        source, target = locks[names[0]], locks[names[1]]
        async with source:
            await asyncio.sleep(0.01)
            async with target:
                pass

    async with asyncio.TaskGroup() as group:
        group.create_task(transfer(first), name="A")
        group.create_task(transfer(second), name="B")


def two_names(run: VirtualRun) -> bool:
    assert run.failure
    a, b = (next(task for task in run.failure.tasks if task.name == name) for name in "AB")
    lines = [task.coroutine[-1].source for task in (a, b)] == ["async with target:"] * 2
    return lines and a.held_by == ("B",) and b.held_by == ("A",) and bool(a.holds[0].since) and a.coroutine[-1].line > 0


@case(lambda run: fails("deadlock", "held by task B (acquired at virtual_cases.py:")(run) and two_names(run))
async def locks_in_opposite_order() -> None:
    await two_transfers(("a", "b"), ("b", "a"))


@case(lasts(0.02))
async def locks_in_one_order() -> None:
    await two_transfers(("a", "b"), ("a", "b"))


@case(fails("deadlock", "main waits at virtual_cases.py:", "Event done, never set"))
async def an_event_that_is_never_set() -> None:
    done = asyncio.Event()
    await done.wait()


@case(lasts(1))
async def an_event_that_is_set_late() -> None:
    done = asyncio.Event()
    asyncio.get_running_loop().call_later(1, done.set)
    await done.wait()


@case(fails("deadlock", "Queue.get on jobs (empty)", "Queue.join on jobs"))
async def a_worker_that_forgets_task_done() -> None:
    jobs: asyncio.Queue[int] = asyncio.Queue()

    async def worker() -> None:
        while True:
            await jobs.get()

    task = asyncio.create_task(worker(), name="worker")
    jobs.put_nowait(1)
    await jobs.join()
    task.cancel()


@case(fails("deadlock", "Condition ready, which nobody notifies"))
async def a_condition_that_nobody_notifies() -> None:
    ready = asyncio.Condition()
    async with ready:
        await ready.wait()


@case(fails("deadlock", "Future answer, never set"))
async def a_future_that_nobody_sets() -> None:
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    await answer


@case(fails("deadlock", "Task-1 to end (gather)", "Semaphore"))
async def a_semaphore_that_is_never_released() -> None:
    limit = asyncio.Semaphore(1)

    async def enter() -> None:
        await limit.acquire()

    await enter()
    await asyncio.gather(enter())


@case(fails("livelock", "main is ready to run at virtual_cases.py:"))
async def spins_for_ever() -> None:
    while True:
        await asyncio.sleep(0)


@case(lasts(0))
async def takes_many_turns() -> None:
    for _ in range(5000):
        await asyncio.sleep(0)


@case(fails("too long", "3600 virtual seconds", "sleep(1e+09)"))
async def sleeps_too_long() -> None:
    await asyncio.sleep(1e9)


@case(fails("invariant", "AssertionError: 1 is not 2"))
async def asserts_in_vain() -> None:
    raise AssertionError("1 is not 2")


@case(fails("exception", "ValueError: of a task"))
async def fails_in_a_group() -> None:
    async def bad() -> None:
        raise ValueError("of a task")

    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(10))
        group.create_task(bad())


@case(fails("exception", "SystemExit: 3"))
async def leaves_the_program() -> None:
    sys.exit(3)


@case(lambda run: run.holds and any("swallowed its cancellation" in note for note in run.notes))
async def swallows_cancellation() -> None:
    async def stubborn() -> None:
        while True:
            with contextlib.suppress(BaseException):
                await asyncio.sleep(1)

    task = asyncio.create_task(stubborn(), name="stubborn")
    await asyncio.sleep(2)
    task.cancel()


@case(lambda run: run.holds and any("1 task still ran" in note and "ticker" in note for note in run.notes))
async def leaves_a_task() -> None:
    async def tick() -> None:
        while True:
            await asyncio.sleep(1)

    task = asyncio.create_task(tick(), name="ticker")
    await asyncio.sleep(3)
    assert not task.done()


@case(lambda run: lasts(4)(run) and run.result == 4.0)
async def sleeps_in_threads_share_the_clock() -> float:
    start = time.monotonic()
    await asyncio.gather(*(asyncio.to_thread(time.sleep, seconds) for seconds in (1, 4, 2)), asyncio.sleep(3))
    return round(time.monotonic() - start, 6)


def compute(until: float) -> int:
    """Uses ``until`` seconds of this thread's CPU."""
    start, count = time.thread_time(), 0
    while time.thread_time() - start < until:
        count += 1
    return count


@case(lambda run: lasts(0)(run) and run.result > 0)
async def a_computing_thread_is_waited_for() -> int:
    return await asyncio.wait_for(asyncio.to_thread(compute, 0.5), 10)


@case(lambda run: lasts(30)(run) and run.result == 10)
async def a_thread_that_calls_the_loop_back() -> int:
    loop = asyncio.get_running_loop()

    def work() -> int:
        return sum(asyncio.run_coroutine_threadsafe(asyncio.sleep(3, 1), loop).result() for _ in range(10))

    return await asyncio.to_thread(work)


@case(
    lambda run: (
        run.failure is not None and run.failure.kind == "deadlock" and "work in an executor" in run.failure.message
    )
)
async def waits_for_a_thread_that_waits() -> None:
    gate = threading.Event()
    try:
        await asyncio.to_thread(gate.wait)
    finally:
        gate.set()


async def over_streams(latency: float, stops: bool = True) -> float:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            await asyncio.sleep(latency)
            if not stops:
                await asyncio.Event().wait()
            writer.write(line)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    start = time.monotonic()
    for _ in range(10):
        writer.write(b"hello\n")
        assert await asyncio.wait_for(reader.readline(), latency + 1 if stops else None) == b"hello\n"
    writer.close()
    server.close()
    return round(time.monotonic() - start, 6)


@case(lambda run: lasts(30)(run) and run.result == 30)
async def streams_in_one_loop() -> float:
    return await over_streams(3)


@case(fails("deadlock", "data on a socket", "Event"))
async def a_server_that_never_answers() -> None:
    await over_streams(1, stops=False)


@case(lambda run: run.holds and run.result == 20)
async def a_server_with_a_loop_in_another_thread() -> float:
    ready, address, over = threading.Event(), [], []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            await asyncio.sleep(2)
            writer.write(line)
        writer.close()
        over[0].set()

    async def main() -> None:
        over.append(asyncio.Event())
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        address.extend(server.sockets[0].getsockname())
        ready.set()
        await over[0].wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    await asyncio.to_thread(ready.wait)
    reader, writer = await asyncio.open_connection(*address)
    start = time.monotonic()
    for _ in range(10):
        writer.write(b"hello\n")
        await asyncio.wait_for(reader.readline(), 100)
    took = round(time.monotonic() - start, 6)
    writer.close()
    await asyncio.to_thread(thread.join)
    return took


@case(lambda run: run.holds and run.result == "done" and any("real time" in note for note in run.notes))
async def a_child_process_has_real_time() -> str:
    program = (sys.executable, "-c", "import time; time.sleep(0.3); print('done')")
    child = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(child.communicate(), 20)
    return out.decode().strip()


class Shop:
    def __init__(self, locked: bool) -> None:
        self.stock, self.sold, self.locked, self.lock = 1, 0, locked, asyncio.Lock()

    async def buy(self) -> None:
        if self.locked:
            async with self.lock:
                await self._buy()
        else:
            await self._buy()

    async def _buy(self) -> None:
        if self.stock > 0:
            await asyncio.sleep(0)
            self.stock -= 1
            self.sold += 1


async def restock_then_buy(locked: bool) -> None:
    """In asyncio's own order the first buyer is through before the second looks: only another order shows the race."""
    shop = Shop(locked)

    async def late() -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        await shop.buy()

    await asyncio.gather(shop.buy(), late())
    if shop.sold != 1:
        raise AssertionError(f"{shop.sold} bought the last one")


async def checks_then_awaits() -> None:
    await restock_then_buy(locked=False)


async def checks_under_a_lock() -> None:
    await restock_then_buy(locked=True)


def table() -> dict[str, str]:
    """What is wrong, by case; "" if nothing is."""
    wrong = {}
    for name, (main, check) in CASES.items():
        run = run_virtual(main)
        wrong[name] = "" if check(run) else repr(run)
    found = shuffled(checks_then_awaits, range(50))
    again = run_virtual(checks_then_awaits, seed=found.seed)
    wrong["a race is found"] = "" if found.seed is not None and again == found.run else repr(found)
    held = shuffled(checks_under_a_lock, range(50))
    wrong["the locked version holds"] = "" if held.holds and held.distinct > 5 else repr(held)
    return wrong


if __name__ == "__main__":
    print(json.dumps(table()))
