"""What is replaced in the standard library while a run goes on, and put back after it."""

from __future__ import annotations

import _thread
import concurrent.futures.thread as pools
import contextlib
import gc
import io
import itertools
import logging
import os
import queue
import random
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from weft.probes.explorer import locks, selecting, sockets
from weft.probes.explorer.deadlocks import notified
from weft.probes.explorer.scheduler import Scheduler
from weft.probes.explorer.strands import BY_IDENT, Stop, me, real_sleep
from weft.probes.explorer.threads import Threads

_real_notify = threading.Condition.notify
#: A clock that starts at 0 would let "if self.last:" mistake the first moment for none.
_START = 1000.0
_DATE = time.time()
_KEPT_OUTPUT = 20_000

Replacement = tuple[Any, str, Any]


class Output(io.StringIO):
    """Standard output of a run: kept up to a limit, for every schedule prints it again."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, _KEPT_OUTPUT - self.tell())])
        return len(text)


@contextlib.contextmanager
def patched(scheduler: Scheduler, threads: Threads, scenario: Callable[..., Any]) -> Iterator[Output]:
    """Put the controlled versions in place; yields where standard output goes."""
    output = Output()
    table = [
        *_locks(),
        *_clock(),
        *_pools(),
        *threads.replacements(),
        *sockets.replacements(),
        *selecting.replacements(),
        *_switches(scheduler),
        (threading.Condition, "notify", _notify),
        (sys, "stdout", output),
        (sys, "unraisablehook", _unraisable(sys.unraisablehook)),
    ]
    state, collecting = random.getstate(), gc.isenabled()
    undo = _put(table)
    undo += _names_in(scenario, undo)
    random.seed(0)  # the same schedule must meet the same dice
    gc.disable()  # a finalizer must not run at a moment that no schedule says
    _QUIET.addFilter(_no_stop)
    try:
        yield output
    finally:
        _QUIET.removeFilter(_no_stop)
        _take_back(undo)
        random.setstate(state)
        if collecting:
            gc.enable()


def _locks() -> list[Replacement]:
    return [
        (threading, "Lock", locks.Lock),
        (threading, "_allocate_lock", locks.Lock),
        (threading, "RLock", locks.RLock),
        (_thread, "allocate_lock", locks.allocate_lock),
        (_thread, "allocate", locks.allocate_lock),
        (queue, "SimpleQueue", queue._PySimpleQueue),  # type: ignore[attr-defined]
    ]


def _clock() -> list[Replacement]:
    table: list[Replacement] = [(time, "sleep", _sleep)]
    for name, offset in (("monotonic", _START), ("perf_counter", _START), ("time", _DATE)):
        for owner, attribute, unit in ((time, name, 1), (time, f"{name}_ns", 10**9)):
            table.append((owner, attribute, _reader(getattr(time, attribute), offset, unit)))
    monotonic = table[1][2]
    return [*table, (threading, "_time", monotonic), (queue, "time", monotonic)]


def _sleep(seconds: float) -> None:
    strand = me()
    if strand is None:
        real_sleep(seconds)
        return
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    strand.scheduler.block(strand, lambda: False, ("sleep", seconds), seconds)


def _reader(real: Callable[[], float], offset: float, unit: int) -> Callable[[], float]:
    def read() -> float:
        strand = me()
        if strand is None:
            return real()
        now = offset + strand.scheduler.read_clock(strand)
        return now if unit == 1 else round(now * unit)

    return read


def _pools() -> list[Replacement]:
    """A pool's module has a lock and a register of its own; a run must neither use nor leave anything in them.

    The counters are those that unnamed threads and pools get their names from: a schedule names threads.
    """
    table: list[Replacement] = [
        (pools, "_threads_queues", weakref.WeakKeyDictionary()),
        (pools, "_shutdown", False),
        (pools.ThreadPoolExecutor, "_counter", itertools.count().__next__),
    ]
    if hasattr(threading, "_counter"):
        table.append((threading, "_counter", itertools.count(1).__next__))
    return table


def _switches(scheduler: Scheduler) -> list[Replacement]:
    """What an answer could switch the explorer off with. It is told that it worked."""

    def ignore(name: str) -> Callable[..., None]:
        def call(*args: object, **kwargs: object) -> None:
            scheduler.note(f"The answer calls {name}: ignored while schedules are explored.")

        return call

    table = [(sys, "settrace", ignore("sys.settrace")), (threading, "settrace", ignore("threading.settrace"))]
    if sys.version_info >= (3, 12):
        names = ("use_tool_id", "free_tool_id", "register_callback", "set_events", "set_local_events")
        table += [(sys.monitoring, name, ignore(f"sys.monitoring.{name}")) for name in names]
    return table


def _notify(condition: Any, n: int = 1) -> None:
    strand = me()
    if strand is not None:
        notified(strand, condition)
    _real_notify(condition, n)


def _unraisable(before: Callable[[Any], Any]) -> Callable[[Any], None]:
    def hook(report: Any) -> None:
        if report.exc_type is not Stop:
            before(report)

    return hook


def _no_stop(record: logging.LogRecord) -> bool:
    return not (record.exc_info and record.exc_info[0] is Stop)


_QUIET = logging.getLogger("concurrent.futures")


def _names_in(scenario: Callable[..., Any], undo: list[Replacement]) -> list[Replacement]:
    """The scenario's module was imported before: what it took from-imports of is replaced there too."""
    space = getattr(scenario, "__globals__", {})
    by_id = {id(value): getattr(owner, name) for owner, name, value in undo if value is not None and owner is not sys}
    found = [(space, name, by_id[id(value)]) for name, value in list(space.items()) if id(value) in by_id]
    return _put([(_Space(space), name, value) for space, name, value in found])


class _Space:
    """A module's dictionary, as an object whose attributes can be set."""

    def __init__(self, space: dict[str, Any]) -> None:
        self.__dict__ = space


def _put(table: list[Replacement]) -> list[Replacement]:
    undo = []
    for owner, name, value in table:
        inherited = isinstance(owner, type) and name not in vars(owner)
        undo.append(
            (
                owner,
                name,
                _ABSENT if inherited else vars(owner)[name] if isinstance(owner, type) else getattr(owner, name),
            )
        )
        setattr(owner, name, value)
    return undo


_ABSENT = object()


def _take_back(undo: list[Replacement]) -> None:
    for owner, name, value in reversed(undo):
        if value is _ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, value)


def _in_child() -> None:
    """After a fork only one thread is left, and nobody to hand a baton to."""
    BY_IDENT.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
