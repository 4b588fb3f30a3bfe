"""An event loop whose clock jumps to the next timer when nothing else can happen."""

from __future__ import annotations

import asyncio
import selectors
import socket
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from weft.probes.virtual_clock import idling
from weft.probes.virtual_clock.clock import START, Clock, real_monotonic
from weft.probes.virtual_clock.orders import Order
from weft.probes.virtual_clock.outcome import DEADLOCK, LIVELOCK, TOO_LONG
from weft.probes.virtual_clock.sockets import closed_world

real_select = selectors.DefaultSelector.select

#: Real seconds without any event after which a socket's, a thread's or a child's answer is given up.
PATIENCE, CHILD_PATIENCE = 1.0, 30.0
#: A pool's job gets this many times the grace: looking up a name takes longer than a loopback does.
JOB_GRACE = 10
#: Sockets that lead nowhere else deliver at once: they need a part of the grace; a deadlock needs more.
CLOSED_GRACE, LAST_GRACE = 0.05, 5
#: While another thread computes the clock stands still, for so many real seconds of a run at most.
COMPUTING = 20.0
#: So many times the steps of a standstill are the most of a run.
IN_ALL = 10


class Halt(BaseException):
    """Ends a run from outside all tasks: no answer can catch it."""

    def __init__(self, kind: str, message: str, sure: bool = True) -> None:
        super().__init__(message)
        self.kind, self.message, self.sure = kind, message, sure


class VirtualSelector(selectors.DefaultSelector):
    """Asks the loop what to do where a real one would wait."""

    idle: Callable[[float | None], list[Any]]

    def select(self, timeout: float | None = None) -> list[Any]:
        events = real_select(self, 0)
        if events or timeout == 0:
            return events
        return self.idle(timeout)


class VirtualLoop(asyncio.SelectorEventLoop):
    """``limit`` is in virtual seconds; ``max_steps`` turns may pass while the clock stands still."""

    def __init__(self, clock: Clock, order: Order | None, grace: float, limit: float, max_steps: int) -> None:
        self.clock, self.order, self.grace, self.limit, self.max_steps = clock, order, grace, limit, max_steps
        self.steps, self.made = 0, -1
        self.still_since, self.still_at = 0, clock.now
        self.patience, self.computing, self.state = PATIENCE, COMPUTING, idling.BLOCKED
        self.numbers: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self.jobs: weakref.WeakSet[Any] = weakref.WeakSet()
        self.children: list[Any] = []
        selector = VirtualSelector()
        selector.idle = self._idle
        super().__init__(selector)

    def time(self) -> float:
        return self.clock.now

    def create_task(self, coro: Any, **options: Any) -> Any:
        """Names count from 1 in every run, after the scenario's own task: the same seed gives the same names."""
        self.made += 1
        task = super().create_task(coro, **options)
        self.numbers[task] = self.made
        if options.get("name") is None:
            task.set_name(f"Task-{self.made}")
        return task

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        future = super().run_in_executor(executor, func, *args)
        self.jobs.add(future)
        return future

    async def _make_subprocess_transport(self, *args: Any, **options: Any) -> Any:
        self.clock.note("The clock kept real time while a child process ran.")
        transport = await super()._make_subprocess_transport(*args, **options)  # type: ignore[misc]
        self.children.append(transport)
        return transport

    def _run_once(self) -> None:
        self.steps += 1
        if self.clock.now != self.still_at:
            self.still_at, self.still_since = self.clock.now, self.steps
        elif self.steps - self.still_since > self.max_steps:
            raise Halt(LIVELOCK, f"{self.max_steps:,} turns of the loop passed while the clock stood still")
        if self.steps > self.max_steps * IN_ALL:
            raise Halt(TOO_LONG, f"The run took more than {self.max_steps * IN_ALL:,} turns of the loop")
        if self.order is not None:
            self.order.mix(self._ready, self.numbers)
        super()._run_once()  # type: ignore[misc]

    _ready: deque[Any]
    _scheduled: list[Any]
    _selector: VirtualSelector
    _ssock: socket.socket
    _default_executor: Any

    def _idle(self, timeout: float | None) -> list[Any]:
        """Nothing is ready: let real things happen, then move the clock, or give up."""
        clock = self.clock
        clock.wake_due()
        if any(child.get_returncode() is None for child in self.children):
            return self._real_pace(timeout)
        events = self._settle(timeout)
        if events:
            return events
        target = self._target()
        if target is None:
            return self._nothing_left()
        self._move_to(target)
        return []

    def _target(self) -> float | None:
        times = [self._scheduled[0]._when] if self._scheduled else []
        sleeper = self.clock.next_wake()
        return min([*times, sleeper] if sleeper is not None else times, default=None)

    def _move_to(self, target: float) -> None:
        if target - START > self.limit:
            raise Halt(TOO_LONG, f"The run would take more than {self.limit:g} virtual seconds")
        self.clock.now = max(self.clock.now, target)
        self.clock.wake_due()

    def _settle(self, timeout: float | None) -> list[Any]:
        """Wait in real time for as long as somebody else may still do something."""
        quiet_since, pause = real_monotonic(), 0.0005
        while True:
            state = idling.busiest(self.clock)
            wait = self._wait_for(state, timeout)
            events = real_select(self._selector, 0 if not wait else min(pause, wait))
            if events:
                return events
            if wait and idling.someone_computes() and self.computing > 0:
                self.computing -= real_monotonic() - quiet_since
                quiet_since = real_monotonic()
            elif real_monotonic() - quiet_since >= wait:
                if idling.busiest(self.clock) <= state:
                    self.state = state
                    return []
                quiet_since = real_monotonic()  # somebody woke while we looked
            pause = min(pause * 2, 0.01)

    def _wait_for(self, state: int, timeout: float | None) -> float:
        """How many real seconds to wait: for nobody 0, for sockets and threads the grace, or patience at the end."""
        sockets = len(self._selector.get_map()) > 1
        if not sockets and state == idling.BLOCKED:
            return 0.0
        last = timeout is None and self.clock.next_wake() is None
        if state == idling.BLOCKED and self._closed_world():
            return self.grace * (LAST_GRACE if last else CLOSED_GRACE)
        if last:
            return self.patience
        return self.grace * (JOB_GRACE if state == idling.JOB else 1)

    def _closed_world(self) -> bool:
        loops = [self, *(one.loop for one in list(self.clock.sleepers.values()) if one.loop)]
        try:
            return closed_world([one._selector for one in loops], {one._ssock.fileno() for one in loops})
        except (AttributeError, RuntimeError):
            return False  # a thread changes its loop just now

    def _real_pace(self, timeout: float | None) -> list[Any]:
        target, start = self._target(), real_monotonic()
        wait = CHILD_PATIENCE if target is None else max(0.0, min(target - self.clock.now, 0.05))
        events = real_select(self._selector, wait)
        self.clock.now += real_monotonic() - start
        if target is None and not events:
            raise Halt(DEADLOCK, f"Every task waits, and a child process said nothing for {wait:g} real seconds", False)
        if target is not None and self.clock.now > target:
            self._move_to(target)
        return events

    def _nothing_left(self) -> list[Any]:
        blocked = self.state == idling.BLOCKED
        if blocked and (len(self._selector.get_map()) <= 1 or self._closed_world()):
            raise Halt(DEADLOCK, "Every task waits, and nothing is left that could wake one")
        message = f"Every task waits, and nothing came from outside for {self.patience:g} real seconds"
        raise Halt(DEADLOCK, message, False)
