"""Which tasks have not ended, where they stand, and what each waits for."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable
from types import FrameType
from typing import Any

from weft.probes.virtual_clock.clock import START
from weft.probes.virtual_clock.holders import Holders
from weft.probes.virtual_clock.names import Names
from weft.probes.virtual_clock.outcome import READY, Held, WaitingTask
from weft.probes.virtual_clock.places import is_own, line_of

_ASYNCIO = os.path.dirname(asyncio.__file__)
#: A report names so many tasks; ten thousand that wait for the same would say no more.
MOST_TASKS = 50


def frames_of(task: Any) -> list[FrameType]:
    """The frames of a task's coroutines, outermost first."""
    frames, seen, current = [], set(), task.get_coro()
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frame = next((found for name in ("cr", "ag", "gi") if (found := getattr(current, f"{name}_frame", None))), None)
        if frame is not None:
            frames.append(frame)
        current = _awaited(current)
    return frames


def _awaited(coroutine: Any) -> Any:
    for name in ("cr_await", "ag_await", "gi_yieldfrom"):
        if (found := getattr(coroutine, name, None)) is not None:
            return found
    if type(coroutine).__name__ in ("async_generator_asend", "async_generator_athrow", "coroutine_wrapper"):
        return next(
            (one for one in gc.get_referents(coroutine) if hasattr(one, "ag_await") or hasattr(one, "cr_await")), None
        )
    return None


class Report:
    """Describes the tasks of ``loop`` that have not ended, in the order in which they were made."""

    def __init__(self, loop: Any, holders: Holders) -> None:
        self.loop, self.holders = loop, holders
        tasks = [task for task in asyncio.all_tasks(loop) if not task.done()]
        self.tasks = sorted(tasks, key=lambda task: loop.numbers.get(task, 0))[:MOST_TASKS]
        self.frames = {task: frames_of(task) for task in self.tasks}
        everything = [frame for frames in self.frames.values() for frame in frames]
        self.names = Names(frame for frame in everything if is_own(frame.f_code.co_filename))

    def waiting(self) -> tuple[WaitingTask, ...]:
        return tuple(self._one(task) for task in self.tasks)

    def _one(self, task: Any) -> WaitingTask:
        frames = self.frames[task]
        own = [frame for frame in frames if is_own(frame.f_code.co_filename)]
        holds = tuple(Held(self.name(lock), hold.since) for lock, hold in self.holders.held_by(task))
        what, holders = self._what(task, frames)
        return WaitingTask(task.get_name(), tuple(line_of(frame) for frame in own), what, holds, holders)

    def name(self, thing: Any) -> str:
        return self.names.of(thing, type(thing).__name__)

    def titled(self, thing: Any) -> str:
        """Its kind and its name: "Event done"."""
        kind, name = type(thing).__name__, self.name(thing)
        return name if name.startswith(kind) else f"{kind} {name}"

    def _what(self, task: Any, frames: list[FrameType]) -> tuple[str, tuple[str, ...]]:
        future = getattr(task, "_fut_waiter", None)
        if future is None or future.done():
            return READY, ()
        theirs = [frame for frame in reversed(frames) if frame.f_code.co_filename.startswith(_ASYNCIO)]
        known = [frame for frame in theirs if frame.f_code.co_qualname in _KNOWN]
        if not known:
            return self._future(future)
        through = [frame for frame in known if frame.f_code.co_qualname in _MADE_OF_OTHERS]
        frame = (through or known)[0]
        return _KNOWN[frame.f_code.co_qualname](self, dict(frame.f_locals))

    def _future(self, future: Any) -> tuple[str, tuple[str, ...]]:
        if isinstance(future, asyncio.Task):
            return f"task {future.get_name()} to end", (future.get_name(),)
        children = getattr(future, "_children", None)
        if children is not None:
            return self.ends("gather", children)
        if future in self.loop.jobs:
            return "work in an executor", ()
        name = self.names.of(future, "")
        return (f"Future {name}, never set" if name else "a Future that nobody has set"), ()

    def ends(self, through: str, futures: Any) -> tuple[str, tuple[str, ...]]:
        names = [one.get_name() if hasattr(one, "get_name") else "a Future" for one in futures if not one.done()]
        names.sort(key=lambda name: (len(name), name))
        return f"{', '.join(names[:8])}{' …' if len(names) > 8 else ''} to end ({through})", tuple(names[:8])

    def held(self, lock: Any) -> tuple[str, tuple[str, ...]]:
        holds = self.holders.of(lock)
        names = tuple(hold.task.get_name() if hold.task else "no task" for hold in holds)
        by = ", ".join(
            f"{'' if name == 'main' else 'task '}{name}{f' (acquired at {hold.since})' if hold.since else ''}"
            + (", which has ended" if hold.task and hold.task.done() else "")
            for name, hold in zip(names, holds, strict=True)
        )
        return f"{self.titled(lock)}, {f'held by {by}' if by else 'which nobody here holds'}", names


Local = dict[str, Any]
Describe = Callable[[Report, Local], tuple[str, tuple[str, ...]]]


def _said(text: Callable[[Report, Local], str]) -> Describe:
    return lambda report, local: (text(report, local), ())


def _sleeps(report: Report, local: Local) -> str:
    timer = local.get("h")
    until = f" until second {timer.when() - START:g}" if timer is not None else ""
    return f"sleep({local.get('delay', 0):g}){until}"


def _condition(report: Report, local: Local) -> str:
    return f"{report.titled(local['self'])}, which nobody notifies"


def _queue_get(report: Report, local: Local) -> str:
    return f"Queue.get on {report.name(local['self'])} (empty)"


_KNOWN: dict[str, Describe] = {
    "Lock.acquire": lambda report, local: report.held(local["self"]),
    "Semaphore.acquire": lambda report, local: report.held(local["self"]),
    "Event.wait": _said(lambda report, local: f"{report.titled(local['self'])}, never set"),
    "Condition.wait": _said(_condition),
    "Condition.wait_for": _said(_condition),
    "Barrier._wait": _said(lambda report, local: _barrier(report, local["self"])),
    "Barrier._block": _said(lambda report, local: _barrier(report, local["self"])),
    "Queue.get": _said(_queue_get),
    "Queue.put": _said(lambda report, local: f"Queue.put on {report.name(local['self'])} (full)"),
    "Queue.join": _said(lambda report, local: _join(report, local["self"])),
    "sleep": _said(_sleeps),
    "TaskGroup.__aexit__": lambda report, local: report.ends("TaskGroup", local["self"]._tasks),
    "_wait": lambda report, local: report.ends("wait", local["fs"]),
    "wait_for": lambda report, local: report.ends("wait_for", [local["fut"]]),
    "StreamReader._wait_for_data": _said(lambda report, local: f"data on a socket ({local['func_name']})"),
    "StreamReaderProtocol._drain_helper": _said(lambda report, local: "a socket to take more data (drain)"),
    "FlowControlMixin._drain_helper": _said(lambda report, local: "a socket to take more data (drain)"),
    "Process.wait": _said(lambda report, local: "a child process to end"),
    "Server.serve_forever": _said(lambda report, local: "the end of its server (serve_forever)"),
    "BaseSelectorEventLoop.sock_recv": _said(lambda report, local: "data on a socket (sock_recv)"),
    "BaseSelectorEventLoop.sock_accept": _said(lambda report, local: "a connection on a socket (sock_accept)"),
    "BaseSelectorEventLoop.sock_connect": _said(lambda report, local: "a socket to connect"),
    "BaseSelectorEventLoop.sock_sendall": _said(lambda report, local: "a socket to take more data (sock_sendall)"),
}


#: These wait for an Event or a Condition of their own; the answer knows nothing of it.
_MADE_OF_OTHERS = {"Queue.join", "Barrier._wait", "Barrier._block"}


def _barrier(report: Report, barrier: Any) -> str:
    return f"{report.titled(barrier)}: {barrier.n_waiting} of {barrier.parties} are there"


def _join(report: Report, queue: Any) -> str:
    return f"Queue.join on {report.name(queue)} ({queue._unfinished_tasks} without task_done)"
