"""The virtual clock, the threads that share it, and those of them that sleep on it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from weft.probes.virtual_clock.places import here

#: A clock that starts at 0 would let "if self.last:" mistake the first moment for none.
START = 1000.0

real_monotonic, real_sleep = time.monotonic, time.sleep


@dataclass(eq=False)
class Sleeper:
    """A thread that sleeps until ``deadline``: then ``wake`` is called.

    A thread with a ``loop`` of its own sleeps in that loop's selector; ``ready`` says whether an event is there for it.
    """

    thread: int
    deadline: float
    wake: Callable[[], None]
    ready: Callable[[], bool] = lambda: False
    loop: Any = None


@dataclass
class Clock:
    """Virtual seconds. Only the thread that runs the loop moves it; ``threads``, which the scenario started, share it.

    ``jobs`` are pairs of a pool's queue and the future of what was given to it.
    """

    now: float = START
    over: bool = False
    owner: int = field(default_factory=threading.get_ident)
    sleepers: dict[int, Sleeper] = field(default_factory=dict)
    threads: set[threading.Thread] = field(default_factory=set)
    jobs: list[tuple[Any, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    mutex: threading.Lock = field(default_factory=threading.Lock)

    @property
    def elapsed(self) -> float:
        return round(self.now - START, 9)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def shared_here(self) -> bool:
        """Whether the calling thread lives in virtual time."""
        ident = threading.get_ident()
        if ident == self.owner:
            return True
        return not self.over and bool(self.threads) and threading._active.get(ident) in self.threads  # type: ignore[attr-defined]

    def sleep(self, seconds: float) -> None:
        """``time.sleep`` in a thread of the run."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        if threading.get_ident() == self.owner:
            self.now += seconds
            if seconds and asyncio._get_running_loop() is not None:
                self.note(f"time.sleep({seconds:g}) blocked the loop for {seconds:g} virtual seconds at {here()}.")
            return
        gate = threading.Event()
        self.park(Sleeper(threading.get_ident(), self.now + seconds, gate.set))
        gate.wait()

    def park(self, sleeper: Sleeper) -> None:
        with self.mutex:
            if not self.over:
                self.sleepers[sleeper.thread] = sleeper
                return
        sleeper.wake()

    def unpark(self, sleeper: Sleeper) -> None:
        with self.mutex:
            if self.sleepers.get(sleeper.thread) is sleeper:
                del self.sleepers[sleeper.thread]

    def next_wake(self) -> float | None:
        with self.mutex:
            times = [one.deadline for one in self.sleepers.values()]
        soonest = min(times, default=float("inf"))
        return None if soonest == float("inf") else soonest

    def wake_due(self) -> None:
        with self.mutex:
            due = [one for one in self.sleepers.values() if self.over or one.deadline <= self.now]
            for one in due:
                del self.sleepers[one.thread]
        for one in sorted(due, key=lambda one: one.deadline):
            one.wake()

    def end(self) -> None:
        """Nobody moves the clock any more: who sleeps goes on, and threads that are left read the real one."""
        with self.mutex:
            self.over = True
        self.wake_due()
