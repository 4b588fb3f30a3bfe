"""What is replaced while a run goes on, and put back after it."""

from __future__ import annotations

import asyncio
import contextlib
import random
import selectors
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

from weft.probes.virtual_clock.clock import START, Clock, Sleeper, real_sleep
from weft.probes.virtual_clock.holders import Holders
from weft.probes.virtual_clock.places import is_own

real_select, real_start = selectors.DefaultSelector.select, threading.Thread.start
real_submit = ThreadPoolExecutor.submit
_DATE = time.time()


@contextlib.contextmanager
def patched(clock: Clock, holders: Holders, main: Callable[..., Any]) -> Iterator[None]:
    """Put the virtual versions in place. Module-level ``random`` starts anew: jitter is the same in every run."""
    table = [
        *_clocks(clock),
        *holders.replacements(),
        (threading.Thread, "start", _start(clock)),
        (ThreadPoolExecutor, "submit", _submit(clock)),
        (selectors.DefaultSelector, "select", _select(clock)),
    ]
    undo, dice = [], random.getstate()
    random.seed(0)
    try:
        for owner, name, value in [*table, *_from_imports(table, main)]:
            undo.append((owner, name, getattr(owner, name)))
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in reversed(undo):
            setattr(owner, name, value)
        random.setstate(dice)


def _clocks(clock: Clock) -> list[tuple[Any, str, Any]]:
    table: list[tuple[Any, str, Any]] = [(time, "sleep", _sleep(clock))]
    for name, offset in (("monotonic", 0.0), ("perf_counter", 0.0), ("time", _DATE - START)):
        table.append((time, name, _seconds(clock, getattr(time, name), offset)))
        table.append((time, f"{name}_ns", _nanoseconds(clock, getattr(time, f"{name}_ns"), offset)))
    return table


def _sleep(clock: Clock) -> Callable[[float], None]:
    def sleep(seconds: float) -> None:
        if clock.shared_here():
            clock.sleep(seconds)
        else:
            real_sleep(seconds)

    return sleep


def _seconds(clock: Clock, real: Callable[[], float], offset: float) -> Callable[[], float]:
    def read() -> float:
        return clock.now + offset if clock.shared_here() else real()

    return read


def _nanoseconds(clock: Clock, real: Callable[[], int], offset: float) -> Callable[[], int]:
    def read() -> int:
        return round((clock.now + offset) * 1e9) if clock.shared_here() else real()

    return read


def _start(clock: Clock) -> Callable[[threading.Thread], None]:
    def start(self: threading.Thread) -> None:
        """A thread that the run starts shares its clock."""
        if clock.shared_here():
            clock.threads.add(self)
        real_start(self)

    return start


def _submit(clock: Clock) -> Callable[..., Any]:
    def submit(self: ThreadPoolExecutor, fn: Any, /, *args: Any, **options: Any) -> Any:
        """The workers of a pool that an earlier run started share this one's clock."""
        if not clock.shared_here():
            return real_submit(self, fn, *args, **options)
        clock.threads.update(self._threads)
        future = real_submit(self, fn, *args, **options)
        clock.jobs.append((self._work_queue, future))
        return future

    return submit


def _select(clock: Clock) -> Callable[..., Any]:
    def select(self: Any, timeout: float | None = None) -> Any:
        """Another event loop, in a thread of the run, waits in virtual time too."""
        loop: Any = asyncio._get_running_loop()
        mine = loop is not None and getattr(loop, "_selector", None) is self
        if not mine or (timeout is not None and timeout <= 0) or not clock.shared_here():
            return real_select(self, timeout)
        deadline = float("inf") if timeout is None else clock.now + timeout

        def ready() -> bool:
            try:
                return bool(real_select(self, 0))
            except (OSError, ValueError):
                return True  # its thread has just closed it: it goes on

        sleeper = Sleeper(threading.get_ident(), deadline, loop._write_to_self, ready, loop)
        clock.park(sleeper)
        try:
            return real_select(self, None)
        finally:
            clock.unpark(sleeper)

    return select


def _from_imports(table: list[tuple[Any, str, Any]], main: Any) -> list[tuple[Any, str, Any]]:
    """Names like ``from time import monotonic`` in modules of the answer and in the scenario's own module."""
    by_id = {id(getattr(owner, name)): value for owner, name, value in table if isinstance(owner, ModuleType)}
    spaces = {id(vars(module)): module for module in list(sys.modules.values()) if _is_answers(module)}
    owners: list[Any] = list(spaces.values())
    space = getattr(main, "__globals__", None)
    if space is not None and id(space) not in spaces:
        owners.append(_Space(space))
    return [
        (owner, name, by_id[id(value)])
        for owner in owners
        for name, value in list(vars(owner).items())
        if id(value) in by_id
    ]


def _is_answers(module: Any) -> bool:
    path = getattr(module, "__file__", None)
    return isinstance(module, ModuleType) and isinstance(path, str) and is_own(path)


class _Space:
    """A module's dictionary, as an object whose attributes can be set."""

    def __init__(self, space: dict[str, Any]) -> None:
        self.__dict__ = space
