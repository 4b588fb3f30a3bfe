"""Threads of our own around a queue, and one message per task; processes come from a pool that is made when needed."""

import asyncio
import inspect
import pickle
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from metrics import Metrics
from policy import Policy

MODELS = ("serial", "threads", "processes")
NEVER = 1e9  # what a task costs in a model that cannot do it, in seconds


@dataclass(frozen=True)
class Slice:
    """One slice that has ended."""

    time: float
    kind: str
    model: str
    tasks: int
    seconds: float
    margin: float


@dataclass
class Statistics:
    """How it stands."""

    kind: str = ""
    model: str = ""
    done: int = 0
    throughput: float = 0.0
    switches: int = 0
    margin: float = 1.0


class WorkerDied(Exception):
    """A process died with its task."""


class Threads:
    """So many threads that take calls from one queue."""

    def __init__(self, count: int) -> None:
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[Any], Any], Any] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable[[Any], Any], item: Any) -> "Future[Any]":
        """As an executor's."""
        future: Future[Any] = Future()
        self._calls.put((future, function, item))
        return future

    def _work(self) -> None:
        while call := self._calls.get():
            future, function, item = call
            try:
                future.set_result(function(item))
            except Exception as error:
                future.set_exception(error)

    def end(self) -> None:
        """After what is in the queue."""
        for _ in self._threads:
            self._calls.put(None)
        for thread in self._threads:
            thread.join()


class Switcher:
    """One lock for what is known, one counter of runs under way."""

    def __init__(self, workers: int = 4, *, models: Sequence[str] = MODELS, policy: Policy | None = None) -> None:
        if workers < 1 or not models or not set(models) <= set(MODELS):
            raise ValueError(f"{workers} workers and the models {', '.join(models)} cannot be had")
        self.workers, self.models = workers, tuple(models)
        self.policy = policy or Policy(self.models)
        self.metrics = Metrics()
        self.slices: list[Slice] = []
        self._lock = threading.RLock()
        self._idle = threading.Condition(self._lock)
        self._under_way = 0
        self._closing = False
        self._preferred: str | None = None
        self._now = Statistics()
        self._processes: ProcessPoolExecutor | None = None
        if "processes" in self.models:
            self._pool()
        self._threads = Threads(workers)

    def _pool(self) -> ProcessPoolExecutor:
        if self._processes is None:
            self._processes = ProcessPoolExecutor(self.workers)
            self._processes.submit(abs, 1).result()
        return self._processes

    def run(self, function: Callable[[Any], Any], items: Iterable[Any], kind: str = "") -> list[Any]:
        """Every task once, in order; the first error is raised at the end."""
        with self._lock:
            if self._closing:
                raise RuntimeError("closed")
            self._under_way += 1
        try:
            futures = self._futures(function, list(items), kind or function.__qualname__)
        finally:
            with self._lock:
                self._under_way -= 1
                self._idle.notify_all()
        return [future.result() for future in futures]

    def _futures(self, function: Callable[[Any], Any], todo: list[Any], kind: str) -> "list[Future[Any]]":
        done: list[Future[Any]] = []
        while len(done) < len(todo):
            with self._lock:
                model, size = self._next(function, kind, todo[0])
            part = todo[len(done) : len(done) + size]
            started = time.perf_counter()
            slice_ = self._do(model, function, part)
            self._learn(kind, model, len(part), time.perf_counter() - started)
            done += slice_
        return done

    def _next(self, function: Callable[[Any], Any], kind: str, example: Any) -> tuple[str, int]:
        if inspect.iscoroutinefunction(function):
            return "asyncio", 1 << 30
        model = self._preferred or self.policy.choose(kind)
        if model == "processes" and not picklable(function, example):
            self.policy.learn(kind, model, NEVER)
            model = self.policy.choose(kind)
        cost = self.policy.kinds[kind].costs.get(model) if kind in self.policy.kinds else None
        if cost is None:
            return model, self.workers if model != "serial" else 1
        return model, max(self.workers, round(0.25 / (cost + 1e-7)))

    def _do(self, model: str, function: Callable[[Any], Any], part: list[Any]) -> "list[Future[Any]]":
        """Futures of the tasks, all done."""
        if model == "asyncio":
            return self._loop(function, part)
        if model == "serial":
            return [called(function, item) for item in part]
        if model == "threads":
            futures = [self._threads.submit(function, item) for item in part]
        else:
            futures = [self._pool().submit(function, item) for item in part]
        errors = [future.exception() for future in futures]
        if any(isinstance(error, BrokenExecutor) for error in errors):
            with self._lock:
                self._processes = None
            raise WorkerDied("a process died; the next run gets new ones")
        return futures

    def _loop(self, function: Callable[[Any], Any], part: list[Any]) -> "list[Future[Any]]":
        async def one(item: Any) -> "Future[Any]":
            future: Future[Any] = Future()
            try:
                future.set_result(await function(item))
            except Exception as error:
                future.set_exception(error)
            return future

        async def everything() -> "list[Future[Any]]":
            return list(await asyncio.gather(*map(one, part)))

        found: list[Future[Any]] = []
        thread = threading.Thread(target=lambda: found.extend(asyncio.run(everything())))
        thread.start()
        thread.join()
        return found

    def _learn(self, kind: str, model: str, tasks: int, seconds: float) -> None:
        with self._lock:
            known = self.policy.kinds.get(kind)
            if (known and known.in_force) or not self._now.model:
                self._now.switches += self._now.model not in ("", model)
                self._now.kind, self._now.model = kind, model
            if model != "asyncio":
                self.policy.learn(kind, model, seconds / tasks)
            self.metrics.record(tasks, seconds)
            self.slices.append(Slice(time.monotonic(), kind, model, tasks, seconds, self.policy.margin(kind)))

    def prefer(self, model: str | None) -> None:
        """The model of the next slices; None leaves it to the policy."""
        if model and model not in self.models:
            raise ValueError(f"no such model: {model}")
        with self._lock:
            self._preferred = model

    def statistics(self) -> Statistics:
        """How it stands."""
        with self._lock:
            rates, now = self.metrics.rates(), self._now
            margin = self.policy.margin(now.kind)
            return Statistics(now.kind, now.model, rates.done, rates.throughput, now.switches, margin)

    def close(self) -> None:
        """Refuse new runs, wait for those under way, end everything."""
        with self._idle:
            self._closing = True
            self._idle.wait_for(lambda: not self._under_way)
        self._threads.end()
        if self._processes is not None:
            self._processes.shutdown()

    def __enter__(self) -> "Switcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def called(function: Callable[[Any], Any], item: Any) -> "Future[Any]":
    """A future that is done."""
    future: Future[Any] = Future()
    try:
        future.set_result(function(item))
    except Exception as error:
        future.set_exception(error)
    return future


def picklable(function: Callable[[Any], Any], item: Any) -> bool:
    """Whether a call can be pickled."""
    try:
        pickle.dumps(function), pickle.dumps(item)
    except Exception:
        return False
    return True
