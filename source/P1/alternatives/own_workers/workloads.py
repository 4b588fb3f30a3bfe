"""What is measured, and four ways to run it: our own threads, a multiprocessing pool, a few tasks."""

import asyncio
import hashlib
import multiprocessing
import os
import queue
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from box import forks

MODELS = ("serial", "threads", "processes", "asyncio")


@dataclass(frozen=True)
class Workload:
    """``count`` calls of ``task()``; ``awaitable()``, if any, does the same without blocking."""

    name: str
    task: Callable[[], object]
    count: int = 8
    awaitable: Callable[[], Awaitable[object]] | None = None


class Forked(Exception):
    """A task forked."""


def digest(rounds: int, seconds: float = 0.0) -> None:
    """Hash for a while, then perhaps wait."""
    text = b"weft"
    for _ in range(rounds):
        text = hashlib.sha256(text).digest()
    if seconds:
        time.sleep(seconds)


def standard_workloads() -> list[Workload]:
    """CPU, I/O and mixed."""
    return [
        Workload("CPU", partial(digest, 30_000)),
        Workload("I/O", partial(time.sleep, 0.03), awaitable=partial(asyncio.sleep, 0.03)),
        Workload("mixed", partial(digest, 30_000, 0.02)),
    ]


def once(task: Callable[[], object]) -> float:
    """Call ``task()`` and return the CPU seconds of this process."""
    home, known = os.getpid(), forks()
    used = -time.process_time()
    task()
    used += time.process_time()
    if os.getpid() == home and forks() == known:
        return used
    if os.getpid() != home:
        os._exit(0)
    raise Forked("this task starts processes by fork")


class Crew:
    """Threads that take pieces from a queue, for as long as it is open."""

    def __init__(self, workers: int) -> None:
        self.pieces: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self.results: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self.threads = [threading.Thread(target=self.work) for _ in range(workers)]
        for thread in self.threads:
            thread.start()

    def work(self) -> None:
        """One thread's life."""
        while (piece := self.pieces.get()) is not None:
            try:
                once(piece)
                self.results.put(None)
            except BaseException as error:
                self.results.put(error)

    def run(self, workload: Workload) -> float:
        """All pieces of a workload."""
        for _ in range(workload.count):
            self.pieces.put(workload.task)
        ends = [self.results.get() for _ in range(workload.count)]
        for error in filter(None, ends):
            raise error
        return 0.0

    def close(self) -> None:
        """Send everybody home."""
        for _ in self.threads:
            self.pieces.put(None)
        for thread in self.threads:
            thread.join()


async def shared(workload: Workload, workers: int) -> float:
    """So many tasks that take the next piece when they are done with one."""
    left = iter(range(workload.count))

    async def worker() -> None:
        for _ in left:
            await (workload.awaitable() if workload.awaitable else asyncio.to_thread(once, workload.task))

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(worker())
    return 0.0


def on_loop(workload: Workload, workers: int) -> float:
    """A new loop for each run; a piece's own error comes out, not the group's."""
    try:
        return asyncio.run(shared(workload, workers))
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


@contextmanager
def open_model(model: str, workers: int) -> Iterator[Callable[[Workload], float]]:
    """Open what a model needs, and yield ``run``."""
    if workers < 1:
        raise ValueError("at least one worker is needed")
    if model == "serial":
        yield lambda workload: 0.0 * sum(once(workload.task) for _ in range(workload.count))
    elif model == "threads":
        crew = Crew(workers)
        try:
            yield crew.run
        finally:
            crew.close()
    elif model == "processes":
        with multiprocessing.Pool(workers) as pool:
            yield lambda workload: sum(pool.map(once, [workload.task] * workload.count, chunksize=1))
    elif model == "asyncio":
        yield lambda workload: on_loop(workload, workers)
    else:
        raise ValueError(f"no such model: {model}")
