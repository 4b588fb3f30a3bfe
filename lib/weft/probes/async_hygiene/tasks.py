"""Tasks that outlive the function that started them, and exceptions that nobody looked at."""

from __future__ import annotations

import asyncio
import sys
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from weft.probes.async_hygiene.findings import LEAKED, LOST, Ledger
from weft.probes.places import NOWHERE, Own, Spot, frames

#: Steps in which cancelled tasks may end, and seconds of the loop's clock for tasks that a library made.
TICKS, GRACE = 5, 0.1
_ASYNCIO = asyncio.__file__.rpartition("__init__")[0]


class Birth(NamedTuple):
    """Where the answer was when a task was made; ``direct`` if no other library than asyncio stood between."""

    spot: Spot
    direct: bool


class Births:
    """A loop's task factory that remembers where each task was made."""

    def __init__(self, own: Own, wrap: Callable[[Any], Any] | None = None) -> None:
        self.own = own
        self.wrap = wrap
        self.of: weakref.WeakKeyDictionary[asyncio.Future[Any], Birth] = weakref.WeakKeyDictionary()

    def install(self) -> None:
        """Stand before the factory that the running loop has."""
        loop = asyncio.get_running_loop()
        inner: Any = loop.get_task_factory() or _plain_task

        def make(loop: asyncio.AbstractEventLoop, coro: Any, **more: Any) -> asyncio.Future[Any]:
            birth = self._birth()
            task: asyncio.Future[Any] = inner(loop, self.wrap(coro) if self.wrap else coro, **more)
            self.of[task] = birth
            return task

        loop.set_task_factory(make)

    def _birth(self) -> Birth:
        direct = True
        for frame in frames(sys._getframe(2)):
            file = frame.f_code.co_filename
            if self.own.has(file):
                return Birth(Spot(file, frame.f_lineno), direct)
            direct = direct and file.startswith(_ASYNCIO)
        return Birth(NOWHERE, False)

    def spot(self, task: asyncio.Future[Any] | None) -> Spot:
        """Where the answer was when it made ``task``."""
        birth = self.of.get(task) if task is not None else None
        return birth.spot if birth else NOWHERE


def _plain_task(loop: asyncio.AbstractEventLoop, coro: Any, **more: Any) -> asyncio.Task[Any]:
    return asyncio.Task(coro, loop=loop, **more)


async def settle(births: Births, extra: float = 0.0) -> set[asyncio.Task[Any]]:
    """The tasks that are left, after those that are ending have had the time to end.

    The answer's own have a few steps, and ``extra`` seconds: a task that merely has little left to do is leaked. Those
    that a library made for it have ``GRACE`` seconds.
    """
    loop, me = asyncio.get_running_loop(), asyncio.current_task()
    for _ in range(TICKS):
        await asyncio.sleep(0)
    if extra:
        await asyncio.sleep(extra)
    until = loop.time() + GRACE
    mine = {task for task in asyncio.all_tasks() if births.of.get(task, Birth(NOWHERE, False)).direct} - {me}
    while asyncio.all_tasks() - mine - {me} and loop.time() < until:
        await asyncio.sleep(GRACE / 20)
    return {task for task in asyncio.all_tasks() | {task for task in mine if not task.done()} if task is not me}


def note_leaks(left: set[asyncio.Task[Any]], births: Births, ledger: Ledger) -> None:
    """Write down those tasks that the answer made or whose code is the answer's."""
    for task in sorted(left, key=lambda task: task.get_name()):
        made, at = births.spot(task), births.own.of_suspended(task.get_coro())
        if made or at:
            name = getattr(task.get_coro(), "__qualname__", "a coroutine")
            where = f", waiting at {at} {at.source}" if at else ""
            ledger.add(LEAKED, f"{name} was still running when main had ended{where}", made or at, task.get_name())


def listen(loop: asyncio.AbstractEventLoop, births: Births, ledger: Ledger) -> None:
    """Write down what the loop would only log: exceptions in tasks, futures and callbacks that nobody retrieved."""

    def heard(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error, future = context.get("exception"), context.get("future") or context.get("task")
        if error is None or isinstance(error, asyncio.CancelledError):
            return  # streams of 3.11 and 3.12 report that their callback was cancelled
        spot = births.own.of_error(error)
        if not spot:
            spot = births.spot(future)
        if spot or future is not None:
            name = future.get_name() if isinstance(future, asyncio.Task) else ""
            ledger.add(LOST, f"{type(error).__name__}: {error}, and nobody looked at it", spot, name)

    loop.set_exception_handler(heard)
