"""Where tasks suspend: counted, and one of them chosen to cancel the main task at."""

from __future__ import annotations

import asyncio
import inspect
import sys
import weakref
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from weft.probes.async_hygiene.cleanup import Cleanups
from weft.probes.async_hygiene.tasks import Births
from weft.probes.places import Own, Spot, chain

#: So many steps of its tasks after the cancellation are taken for a run that ignores it.
STEPS = 20_000


@dataclass(frozen=True, slots=True)
class Point:
    """One suspension of the task named ``task``, at ``spot``.

    ``main`` if it is the main task's, ``cleanup`` if this task or main is in a ``finally`` block or an ``__aexit__``.
    """

    task: str
    main: bool
    spot: Spot
    cleanup: bool


class _Counted(Coroutine[Any, Any, Any]):
    """A coroutine that tells a meter when it has suspended, and on what."""

    def __init__(self, inner: Any, meter: Meter) -> None:
        self._inner, self._meter, self._begun = inner, meter, False

    def send(self, value: Any) -> Any:
        self._begun = True
        waits_for = self._inner.send(value)
        self._meter.suspended(self._inner, waits_for)
        return waits_for

    def throw(self, *error: Any) -> Any:
        if not self._begun:
            _forget_arguments(self._inner)
        waits_for = self._inner.throw(*error)
        self._meter.suspended(self._inner, waits_for)
        return waits_for

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Any:
        return (yield from self._inner.__await__())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _forget_arguments(coroutine: Any) -> None:
    """Close coroutines given to one that is cancelled before it began, as ``wait_for(work(), 1)`` in a task may be.

    Nobody can await them then, and Python would complain of it.
    """
    frame = getattr(coroutine, "cr_frame", None)
    for value in list(frame.f_locals.values()) if frame else ():
        if inspect.iscoroutine(value) and inspect.getcoroutinestate(value) == inspect.CORO_CREATED:
            value.close()


class Meter:
    """Counts the suspensions of main and of the tasks that the answer made, and cancels main at the one ``cancel_at``.

    ``patience`` is in seconds of the loop's clock.
    """

    def __init__(self, own: Own, cancel_at: int | None, patience: float) -> None:
        self.births = Births(own, lambda coro: _Counted(coro, self))
        self.points: list[Point] = []  # of the run without cancellation; in the others they are only counted
        self.count = 0
        self.cancelled_at: Point | None = None
        self._cancel_at, self._patience, self._steps = cancel_at, patience, 0
        self._known: weakref.WeakKeyDictionary[asyncio.Task[Any], bool] = weakref.WeakKeyDictionary()
        self._cleanups = Cleanups()
        self._inner: Any = None
        self._waits_for: Any = None

    async def run(self, make: Callable[[], Coroutine[Any, Any, Any]]) -> asyncio.Task[Any]:
        """The main task: done, unless it ignored its cancellation."""
        loop = asyncio.get_running_loop()
        self.births.install()
        self.given_up = loop.create_future()
        self.main = loop.create_task(make(), name="main")
        await asyncio.wait({self.main, self.given_up}, return_when=asyncio.FIRST_COMPLETED)
        return self.main

    def suspended(self, inner: Any, waits_for: Any) -> None:
        """To be called in the task's step, after it: what is cancelled now gets its CancelledError at this await."""
        task = asyncio.current_task()
        if task is None or self.main.done():
            return None
        if task is self.main:
            self._inner, self._waits_for = inner, waits_for
        if self.cancelled_at:
            return self._patiently()
        if self._counts(task, inner):
            self.count += 1
            if self._cancel_at is None:
                self.points.append(self._point(task, inner))
            elif self.count - 1 == self._cancel_at and (task is self.main or not self._going_on()):
                self.cancelled_at = self._point(task, inner)
                self.main.cancel()
                asyncio.get_running_loop().call_later(self._patience, self._give_up)
        return None

    def _counts(self, task: asyncio.Task[Any], inner: Any) -> bool:
        """Whether ``task`` is main, or the answer made it, or its code is the answer's; as it first suspended."""
        known = self._known.get(task)
        if known is None:
            mine = task is self.main or self.births.spot(task) or self.births.own.of_suspended(inner)
            known = self._known[task] = bool(mine)
        return known

    def _point(self, task: asyncio.Task[Any], inner: Any) -> Point:
        spot = self.births.own.of_suspended(inner) or self.births.own.of_suspended(self._inner)
        return Point(task.get_name(), task is self.main, spot, self._cleans(inner))

    def _cleans(self, inner: Any) -> bool:
        frames = [*chain(inner), *(chain(self._inner) if self._inner is not None else ())]
        return self._cleanups.within(frame for frame in frames if self.births.own.has(frame.f_code.co_filename))

    def let_go(self) -> None:
        """Keep no task: its error keeps frames alive, and they what is to be found lost."""
        del self.main, self.given_up
        self._inner = self._waits_for = None

    def _going_on(self) -> bool:
        """Whether main has not begun, or what it waits for is done already."""
        if self._inner is None:
            return True
        waits_for = [self._waits_for]
        if sys.version_info < (3, 12):  # wait_for loses a cancellation after its inner task is done: mended in 3.12
            waits_for += [f.f_locals.get("fut") for f in chain(self._inner) if f.f_code.co_name == "wait_for"]
        return any(isinstance(future, asyncio.Future) and future.done() for future in waits_for)

    def _patiently(self) -> None:
        self._steps += 1
        if self._steps > STEPS:
            self._give_up()

    def _give_up(self) -> None:
        if not self.given_up.done():
            self.given_up.set_result(None)
