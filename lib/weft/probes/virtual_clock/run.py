"""One scenario, once, on the virtual clock; and the same under many orders of its tasks."""

from __future__ import annotations

import asyncio
import inspect
import threading
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from weft.probes.virtual_clock.clock import Clock
from weft.probes.virtual_clock.ending import end
from weft.probes.virtual_clock.holders import Holders
from weft.probes.virtual_clock.loop import Halt, VirtualLoop
from weft.probes.virtual_clock.orders import Order
from weft.probes.virtual_clock.outcome import (
    DEADLOCK,
    EXCEPTION,
    INVARIANT,
    Shuffled,
    VirtualFailure,
    VirtualRun,
)
from weft.probes.virtual_clock.patches import patched
from weft.probes.virtual_clock.places import is_own
from weft.probes.virtual_clock.waiting import Report

Main = Callable[[], Any]
_ONE_AT_A_TIME = threading.Lock()


def run_virtual(
    main: Main, *, seed: int | None = None, grace: float = 0.02, limit: float = 3600.0, max_steps: int = 100_000
) -> VirtualRun:
    """Run ``main()`` on a loop of its own whose clock jumps to the next timer whenever nothing else can happen.

    ``seed`` shuffles the order in which ready tasks take their turns; the same seed gives the same order. ``grace`` is
    how many real seconds a socket or a thread whose other side is out of sight gets before the clock jumps. ``limit``
    is in virtual seconds. ``max_steps`` turns of the loop may pass while the clock stands still, ten times as many in
    all. Threads that the scenario starts share the clock, also their sleeps and their own event loops; lock timeouts
    in them are real. ``datetime.now()`` stays real.

    Raises nothing that the scenario raises, but for KeyboardInterrupt; RuntimeError if another run goes on.
    """
    return _run(main, Order(seed) if seed is not None else None, seed, grace, limit, max_steps)


def shuffled(main: Main, seeds: Iterable[int] = range(50), **options: Any) -> Shuffled:
    """Run ``main`` in asyncio's own order, then under every seed, until one run fails.

    ``options`` are those of :func:`run_virtual`. A run that is inconclusive makes the whole so, and ends it.
    """
    signatures: set[int] = set()
    notes: list[str] = []
    runs = 0
    for seed in (None, *seeds):
        order = Order(seed)
        run = _run(main, order, seed, **{**_DEFAULTS, **options})
        runs += 1
        signatures.add(order.signature)
        notes += [note for note in run.notes if note not in notes]
        if not run.holds:
            failure = run.failure
            return Shuffled(run.outcome, runs, len(signatures), failure, seed, run, run.reason, tuple(notes))
    return Shuffled("holds", runs, len(signatures), notes=tuple(notes))


_DEFAULTS: dict[str, Any] = {"grace": 0.02, "limit": 3600.0, "max_steps": 100_000}


def _run(main: Main, order: Order | None, seed: int | None, grace: float, limit: float, max_steps: int) -> VirtualRun:
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise RuntimeError("another virtual run goes on in this process: the clocks can be replaced only once")
    outer = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        clock, holders = Clock(), Holders()
        with patched(clock, holders, main):
            return _Run(main, VirtualLoop(clock, order, grace, limit, max_steps), holders, seed).go()
    finally:
        asyncio._set_running_loop(outer)
        _ONE_AT_A_TIME.release()


class _Run:
    def __init__(self, main: Main, loop: VirtualLoop, holders: Holders, seed: int | None) -> None:
        self.main, self.loop, self.holders, self.seed = main, loop, holders, seed
        self.result: Any = None
        self.failure: VirtualFailure | None = None
        self.reason = ""
        loop.set_exception_handler(self._unhandled)

    def go(self) -> VirtualRun:
        elapsed, steps, ended = 0.0, 0, False
        try:
            ended = self._attempt()
        finally:
            elapsed, steps = self.loop.clock.elapsed, self.loop.steps
            end(self.loop, ended)
        outcome = "inconclusive" if self.reason else "fails" if self.failure else "holds"
        notes = tuple(self.loop.clock.notes)
        return VirtualRun(outcome, self.result, elapsed, steps, self.failure, notes, self.reason, self.seed)

    def _attempt(self) -> bool:
        """Whether the scenario came to its end, well or not."""
        main = self.main

        async def scenario() -> Any:
            made = main()
            return await made if inspect.isawaitable(made) else made

        try:
            self.result = self.loop.run_until_complete(self.loop.create_task(scenario(), name="main"))
        except Halt as halt:
            self._halted(halt)
            return False
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.failure = _raised(error)
        return True

    def _halted(self, halt: Halt) -> None:
        tasks = Report(self.loop, self.holders).waiting()
        message = " ".join([f"{halt.message}.", *(task.sentence() for task in tasks)])
        self.failure = VirtualFailure(halt.kind, message, tasks)
        if not halt.sure and halt.kind == DEADLOCK:
            self.reason = f"{halt.message}."

    def _unhandled(self, loop: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, asyncio.CancelledError):
            return  # streams of 3.11 and 3.12 report the end of their own callback
        what = f"{context.get('message', 'asyncio reports')}"
        self.loop.clock.note(f"{what}: {type(error).__name__}: {error}" if error else what)


def _raised(error: BaseException) -> VirtualFailure:
    leaves = _leaves(error)
    broken = next((leaf for leaf in leaves if isinstance(leaf, AssertionError)), None)
    shown = broken or leaves[0]
    text = f"{type(shown).__name__}: {shown}" if str(shown) else type(shown).__name__
    lines = [
        line
        for entry in traceback.extract_tb(shown.__traceback__)
        if is_own(entry.filename)
        for line in traceback.format_list([entry])
    ]
    return VirtualFailure(INVARIANT if broken else EXCEPTION, text, (), type(shown).__name__, tuple(lines))


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for part in error.exceptions for leaf in _leaves(part)]
    return [error]
