"""The cancellation sweep: a scenario is run again and again, and cancelled at each of its awaits in turn.

>>> async def scenario():                                           # doctest: +SKIP
...     await free.acquire()
...     await work()
...     free.release()
>>> found = sweep(scenario, leftover=lambda: "a permit is not returned" if free.locked() else None)  # doctest: +SKIP
>>> print(found.faults[0])                                          # doctest: +SKIP
cancelled at answer.py:3  await work(): left over: a permit is not returned

A cancellation comes when a task has just suspended: the scenario's own, or one that it started, while the scenario
waits somewhere else. It is always the scenario's own task that is cancelled, as its caller would do it.

Not tried, unless asked for: awaits in a ``finally`` block or an ``__aexit__`` of the answer's, where what is left is
rarely meant to outlast a cancellation of its own. Never tried: a cancellation in the moment in which the awaited thing
is done and the task has not yet gone on; what the standard library does then differs from version to version.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Collection, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from weft.probes.async_hygiene import warned
from weft.probes.async_hygiene.findings import UNCLOSED, Failed, Finding, Ledger
from weft.probes.async_hygiene.run import LoopFactory, outcome, refuse_inside_a_loop
from weft.probes.async_hygiene.suspensions import Meter, Point
from weft.probes.async_hygiene.tasks import note_leaks
from weft.probes.async_hygiene.tasks import settle as settled
from weft.probes.places import Own, Spot

SWALLOWED = "cancellation swallowed"
REPLACED = "cancellation replaced"
IGNORED = "cancellation ignored"
LEFT = "left over"
FAILED = "run failed"

Make = Callable[[], Coroutine[Any, Any, Any]]


@dataclass(frozen=True, slots=True)
class Fault:
    """What was left by a cancellation at the await ``at`` ("file:line", with its ``source``) of ``task``.

    ``point`` counts the suspensions of the run from 0, of all tasks together.
    """

    point: int
    at: str
    source: str
    task: str
    finding: Finding

    def __str__(self) -> str:
        return f"cancelled at {self.at}  {self.source}: {self.finding}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much was tried.

    ``awaits`` suspensions of an undisturbed run, ``own`` of them of the scenario's own task, in ``lines`` lines and
    ``cleanup`` while the answer cleaned up; ``tried`` runs, of which ``cancelled`` were cancelled at the chosen await.
    In the others it did not come up again, or the scenario's own task was just about to go on.
    """

    awaits: int = 0
    own: int = 0
    lines: int = 0
    cleanup: int = 0
    tried: int = 0
    cancelled: int = 0


@dataclass(frozen=True, slots=True)
class Sweep:
    """``error`` and ``undisturbed`` are of the run without cancellation; with an error, nothing else is tried."""

    coverage: Coverage
    faults: list[Fault] = field(default_factory=list)
    undisturbed: list[Finding] = field(default_factory=list)
    error: Failed | None = None

    @property
    def clean(self) -> bool:
        """Whether all runs, the undisturbed one too, left nothing behind."""
        return not (self.faults or self.undisturbed or self.error)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists."""
        return asdict(self)


def sweep(
    make: Make,
    *,
    limit: int = 200,
    settle: float = 0.0,
    patience: float = 5.0,
    loop_factory: LoopFactory | None = None,
    leftover: Callable[[], str | None] | None = None,
    files: Collection[str] | None = None,
    cleanup: bool = False,
) -> Sweep:
    """Run the async function ``make`` without disturbance, then once for each of its awaits, cancelled there.

    Each run has a loop of its own and must build all that it needs afresh. ``limit`` is the largest number of
    cancelled runs: with more awaits than that, every line has one, and the rest are spread evenly. ``leftover`` is
    called at the end of each run and names what was not given back, or returns None. ``settle`` and ``patience`` are
    seconds of the loop's clock: what tasks may take to end after the run, and the run to end after its cancellation.
    ``files`` as for ``watched``. With ``cleanup``, the awaits of the answer's own cleaning up are tried too.
    """
    refuse_inside_a_loop()
    runner = _Runner(make, settle, patience, loop_factory, leftover, Own(files))
    with _old_objects_left_alone():
        meter, undisturbed, error = runner.run(None)
        if error:
            return Sweep(_coverage(meter, [], 0), undisturbed=undisturbed, error=error)
        chosen = _choose(meter.points, limit, cleanup)
        faults: dict[tuple[str, Finding], Fault] = {}
        cancelled = 0
        for index in chosen:
            again, findings, _ = runner.run(index)
            if again.cancelled_at is None:
                continue
            cancelled += 1
            for finding in findings:
                if finding not in undisturbed and not _in_the_making(finding, again.cancelled_at):
                    fault = _fault(index, again.cancelled_at, finding)
                    faults.setdefault((fault.at, finding), fault)
    return Sweep(_coverage(meter, chosen, cancelled), list(faults.values()), undisturbed)


def _coverage(meter: Meter, chosen: list[int], cancelled: int) -> Coverage:
    points = meter.points
    lines = {point.spot for point in points}
    own, cleanup = sum(point.main for point in points), sum(point.cleanup for point in points)
    return Coverage(len(points), own, len(lines), cleanup, len(chosen), cancelled)


def _choose(points: list[Point], limit: int, cleanup: bool) -> list[int]:
    """At most ``limit`` indices: the first of each line and kind of task, then evenly spread."""
    wanted = [index for index, point in enumerate(points) if cleanup or not point.cleanup]
    firsts: dict[tuple[bool, Spot], int] = {}
    for index in wanted:
        firsts.setdefault((points[index].main, points[index].spot), index)
    chosen = set(list(firsts.values())[:limit])
    rest = [index for index in wanted if index not in chosen]
    room = min(limit - len(chosen), len(rest))
    return sorted(chosen | {rest[number * len(rest) // room] for number in range(room)})


@contextmanager
def _old_objects_left_alone() -> Iterator[None]:
    """Each run ends with a collection, which need not look at what was there before the sweep."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@dataclass(frozen=True, slots=True)
class _Runner:
    """Runs the scenario, cancelled at one suspension or not at all, and judges what is left."""

    make: Make
    settle: float
    patience: float
    loop_factory: LoopFactory | None
    leftover: Callable[[], str | None] | None
    own: Own

    def run(self, cancel_at: int | None) -> tuple[Meter, list[Finding], Failed | None]:
        meter, ledger = Meter(self.own, cancel_at, self.patience), Ledger()

        async def once() -> None:
            main = await meter.run(self.make)
            if cancel_at is not None:
                self._judge(main, ledger)
            left = await settled(meter.births, self.settle)
            if main.done():  # otherwise whatever is left is left because main is
                note_leaks(left, meter.births, ledger)
                self._ask(ledger)
            if cancel_at is None:
                main.result()

        with warned.noted(self.own, ledger):
            _, error = outcome(once, meter.births, ledger, self.loop_factory)
            meter.let_go()
        if error and cancel_at is not None:
            ledger.add(FAILED, f"{error.type}: {error.message}")
        return meter, ledger.findings(), error

    def _judge(self, main: asyncio.Task[Any], ledger: Ledger) -> None:
        if not main.done():
            where = self.own.of_suspended(main.get_coro())
            ledger.add(IGNORED, f"main still ran {self.patience:g} s or many steps after it was cancelled", where)
        elif not main.cancelled():
            error = main.exception()
            if error is None:
                ledger.add(SWALLOWED, "main went on and returned, as if it had not been cancelled")
            else:
                told = f"its caller gets {type(error).__name__}: {error}, and not CancelledError"
                ledger.add(REPLACED, told, self.own.of_error(error))

    def _ask(self, ledger: Ledger) -> None:
        text = self.leftover() if self.leftover else None
        if text:
            ledger.add(LEFT, text)


def _in_the_making(finding: Finding, point: Point) -> bool:
    """Whether the library was making the thing at the very await that was cancelled: the answer never had it."""
    return finding.kind == UNCLOSED and finding.place == str(point.spot)


def _fault(index: int, point: Point, finding: Finding) -> Fault:
    return Fault(index, str(point.spot), point.spot.source, point.task, finding)
