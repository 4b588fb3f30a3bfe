"""One event loop in a thread of its own conducts everything: pools are asked through it, and a slice is a coroutine."""

import asyncio
import inspect
import math
import pickle
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from metrics import Metrics
from policy import Policy

MODELS = ("serial", "threads", "processes")
Outcome = tuple[bool, Any]


@dataclass(frozen=True)
class Slice:
    """One slice that has ended."""

    time: float
    kind: str
    model: str
    tasks: int
    seconds: float
    margin: float


@dataclass(frozen=True)
class Statistics:
    """How it stands."""

    kind: str
    model: str
    done: int
    throughput: float
    switches: int
    margin: float


class WorkerDied(Exception):
    """A process died with its task."""


def attempt(function: Callable[[Any], Any], item: Any) -> Outcome:
    """Call the function, and keep what it raises as well as what it returns."""
    try:
        return True, function(item)
    except Exception as error:
        return False, error


def attempt_all(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Outcome]:
    """Several of them, one after the other."""
    return [attempt(function, item) for item in items]


class Switcher:
    """The face of the loop: what it knows is changed in the loop's thread alone."""

    def __init__(self, workers: int = 4, *, models: Sequence[str] = MODELS, policy: Policy | None = None) -> None:
        if workers < 1:
            raise ValueError("there must be at least one worker")
        if not models or any(model not in MODELS for model in models):
            raise ValueError(f"models must be some of {', '.join(MODELS)}")
        self.workers, self.models = workers, tuple(models)
        self.policy = policy or Policy(self.models)
        self.metrics = Metrics()
        self.slices: list[Slice] = []
        self._preferred: str | None = None
        self._last, self._switches = ("", ""), 0
        self._processes = self._fork() if "processes" in self.models else None
        self._threads = ThreadPoolExecutor(workers)
        self._gate = threading.Lock()
        self._pending = 0
        self._open = True
        self._quiet = threading.Event()
        self._quiet.set()
        self._loop = asyncio.new_event_loop()
        self._conductor = threading.Thread(target=self._loop.run_forever, name="conductor")
        self._conductor.start()

    def _fork(self) -> ProcessPoolExecutor:
        pool = ProcessPoolExecutor(self.workers)
        list(pool.map(abs, range(self.workers)))
        return pool

    def run(self, function: Callable[[Any], Any], items: Iterable[Any], kind: str = "") -> list[Any]:
        """Every task once, in order; the first error is raised at the end."""
        with self._gate:
            if not self._open:
                raise RuntimeError("the switcher is closed")
            self._pending += 1
            self._quiet.clear()
        outcomes: list[Outcome] = []
        todo, name = list(items), kind or function.__qualname__
        try:
            while todo[len(outcomes) :]:
                outcomes += self._slice(function, name, todo[len(outcomes) :])
        finally:
            with self._gate:
                self._pending -= 1
                if not self._pending:
                    self._quiet.set()
        errors = [value for good, value in outcomes if not good]
        if errors:
            raise errors[0]
        return [value for _, value in outcomes]

    def _slice(self, function: Callable[[Any], Any], kind: str, rest: Sequence[Any]) -> list[Outcome]:
        model, size = self._in_loop(self._plan(function, kind, rest))
        part, started = rest[:size], time.perf_counter()
        if model == "serial":  # in the caller's own thread
            outcomes = attempt_all(function, part)
        else:
            outcomes = self._in_loop(self._spread(model, function, part))
        self._in_loop(self._note(kind, model, len(part), time.perf_counter() - started))
        return outcomes

    def _in_loop(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _plan(self, function: Callable[[Any], Any], kind: str, rest: Sequence[Any]) -> tuple[str, int]:
        if inspect.iscoroutinefunction(function):
            return "asyncio", len(rest)
        model = self._preferred or self.policy.choose(kind)
        if model == "processes" and not can_travel(function, rest[0]):
            self.policy.learn(kind, model, math.inf)
            model = self.policy.choose(kind)
        costs = self.policy.kinds[kind].costs if kind in self.policy.kinds else {}
        if model not in costs:
            return model, 1 if model == "serial" else self.workers
        return model, max(self.workers, int(0.2 / max(costs[model], 1e-7)))

    async def _spread(self, model: str, function: Callable[[Any], Any], part: Sequence[Any]) -> list[Outcome]:
        if model == "asyncio":
            found = await asyncio.gather(*(function(item) for item in part), return_exceptions=True)
            return [(not isinstance(each, BaseException), each) for each in found]
        pool: Executor | None = self._threads if model == "threads" else self._processes
        size = max(1, len(part) // (8 * self.workers))
        pieces = [part[start : start + size] for start in range(0, len(part), size)]
        calls = [self._loop.run_in_executor(pool, attempt_all, function, piece) for piece in pieces]
        found = await asyncio.gather(*calls, return_exceptions=True)
        for each in found:
            if isinstance(each, BrokenExecutor):
                if self._processes is pool:
                    self._processes = self._fork()
                raise WorkerDied("a process died while it had a task") from each
            if isinstance(each, BaseException):
                raise each
        return [outcome for piece in found if not isinstance(piece, BaseException) for outcome in piece]

    async def _note(self, kind: str, model: str, tasks: int, seconds: float) -> None:
        known = self.policy.kinds.get(kind)
        settled = bool(known and known.in_force)
        if settled and self._last[1] not in ("", model):
            self._switches += 1
        if settled or not self._last[1]:
            self._last = kind, model
        if model != "asyncio":
            self.policy.learn(kind, model, seconds / tasks)
        self.metrics.record(tasks, seconds)
        self.slices.append(Slice(time.monotonic(), kind, model, tasks, seconds, self.policy.margin(kind)))

    def prefer(self, model: str | None) -> None:
        """The model of the next slices; None leaves it to the policy."""
        if model not in (None, *self.models):
            raise ValueError(f"there is no model {model}")
        self._preferred = model

    def statistics(self) -> Statistics:
        """How it stands."""
        rates = self.metrics.rates()
        kind, model = self._last
        return Statistics(kind, model, rates.done, rates.throughput, self._switches, self.policy.margin(kind))

    def close(self) -> None:
        """Refuse new runs, wait for those under way, end everything."""
        with self._gate:
            self._open = False
        self._quiet.wait()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._conductor.join()
        self._loop.close()
        self._threads.shutdown()
        if self._processes is not None:
            self._processes.shutdown()

    def __enter__(self) -> "Switcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def can_travel(function: Callable[[Any], Any], item: Any) -> bool:
    """Whether a call can be pickled."""
    try:
        return bool(pickle.dumps((function, item)))
    except Exception:
        return False
