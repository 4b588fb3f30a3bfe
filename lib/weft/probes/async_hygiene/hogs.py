"""Steps of the event loop that compute for too long, and the line of the answer that does."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from weft.probes.async_hygiene.findings import HOG, Ledger
from weft.probes.places import Own, Spot, frames

#: Its ``_run`` is what the loop calls for each step.
_HANDLE: Any = asyncio.Handle

# Kept from the start: a virtual clock may replace the module's functions.
_cpu, _real = time.thread_time, time.monotonic

#: Real seconds between two looks at the running step.
EVERY = 0.004


class _Sampler:
    """Looks from a thread of its own at where the loop's thread is, while it runs a step."""

    def __init__(self, own: Own) -> None:
        self.own = own
        self.loop_thread = threading.get_ident()
        self.clock = _clock_of(self.loop_thread)
        self.started: float | None = None
        self.spent: dict[Spot | None, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="weft-sampler", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        before = self.clock()
        while not self._over.wait(EVERY):
            now, started = self.clock(), self.started
            if started is not None:
                where = self._where(sys._current_frames().get(self.loop_thread))
                since = before if self.clock is _real else max(before, started)
                self.spent[where] = self.spent.get(where, 0.0) + now - since
            before = now

    def _where(self, frame: FrameType | None) -> Spot | None:
        """The answer's line, ``NOWHERE``, or None while something is imported: that happens once."""
        if any(above.f_code.co_filename.startswith("<frozen importlib") for above in frames(frame)):
            return None
        return self.own.of_frame(frame)


def _clock_of(thread: int) -> Callable[[], float]:
    """CPU seconds of another thread; macOS cannot tell them, and there real seconds stand for them."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return _real
    clock = time.pthread_getcpuclockid(thread)
    return lambda: time.clock_gettime(clock)


@contextmanager
def noted(own: Own, ledger: Ledger, limit: float) -> Iterator[None]:
    """Meanwhile, steps of this thread's loop that take ``limit`` seconds of its CPU or more are written to ``ledger``.

    CPU seconds of the thread: neither other load on the machine nor a virtual clock changes them. Time spent importing
    is left out.
    """
    sampler, original = _Sampler(own), _HANDLE._run

    def run(handle: Any) -> None:
        if threading.get_ident() != sampler.loop_thread:
            return original(handle)
        sampler.spent.clear()
        sampler.started = before = _cpu()
        try:
            return original(handle)
        finally:
            used, sampler.started = _cpu() - before, None
            if used >= limit:
                _note(ledger, limit, used, sampler.spent.copy(), getattr(handle._callback, "__self__", None))

    _HANDLE._run = run
    try:
        yield
    finally:
        _HANDLE._run = original
        sampler.close()


def _note(ledger: Ledger, limit: float, used: float, spent: dict[Spot | None, float], task: object) -> None:
    own = {spot: seconds for spot, seconds in spent.items() if spot}
    if own and used - spent.get(None, 0.0) >= limit:
        spot = max(own, key=lambda spot: own[spot])
        name = task.get_name() if isinstance(task, asyncio.Task) else ""
        ledger.add(
            HOG, f"it computes for {limit:g} s or more in one step, and no other task runs meanwhile", spot, name
        )
