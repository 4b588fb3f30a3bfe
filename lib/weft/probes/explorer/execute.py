"""One run under one schedule: the scenario in a thread of its own, watched in real time, cleared up after."""

from __future__ import annotations

import concurrent.futures.thread as pools
import contextlib
import ctypes
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from weft.probes.explorer import locks
from weft.probes.explorer.idle import detach
from weft.probes.explorer.modules import Program
from weft.probes.explorer.outcome import SWITCHED_OFF, Run
from weft.probes.explorer.patches import Output, patched
from weft.probes.explorer.places import place_of
from weft.probes.explorer.recorder import Recorder
from weft.probes.explorer.scheduler import Scheduler
from weft.probes.explorer.strands import Stop, Strand, real_time
from weft.probes.explorer.strategies import Strategy
from weft.probes.explorer.threads import Threads, fail_with, real_start
from weft.probes.explorer.tracing import Tracing

Scenario = Callable[..., Any]

#: How often the watchdog looks, and after how long without a step it lets other threads go on; real seconds.
LOOK, STUCK = 0.05, 0.2


@dataclass
class Settings:
    """Of one exploration. ``patience``: real seconds without a step before a run is given up."""

    max_steps: int = 50_000
    patience: float = 3.0


class Execution:
    """One run. ``scheduler`` keeps what it saw, ``run`` is what came out."""

    def __init__(
        self,
        program: Program,
        tracing: Tracing,
        scenario: Scenario,
        strategy: Strategy,
        hot: set[str],
        settings: Settings,
    ) -> None:
        self.program, self.tracing, self.scenario, self.settings = program, tracing, scenario, settings
        own = getattr(getattr(scenario, "__code__", None), "co_filename", None)
        files = program.files | {own} if own else program.files
        self.scheduler = Scheduler(strategy, hot, settings.max_steps, files, program.files)
        self.result: Any = None
        self.elapsed = 0.0
        self.leftovers: list[Strand] = []

    def go(self, *, record: bool = False) -> Run:
        """Run it. With ``record``, events are kept."""
        scheduler = self.scheduler
        if record:
            scheduler.recorder = Recorder(scheduler, self.program.names)
        threads = Threads(scheduler, self.tracing)
        with self.program.fresh(), patched(scheduler, threads, self.scenario) as output:
            main = _MainThread(lambda: threads.work(scheduler.strands[0], self._main))
            threads.main = scheduler.strands[0].thread = main
            scheduler.strands[0].gate.release()
            try:
                with _main_thread_is(main):
                    main.start_for_real()
                    self._watch()
            finally:
                scheduler.stop("interrupted")
                self.leftovers = _clear(scheduler)
        return self._outcome(output)

    def _main(self) -> None:
        strand = self.scheduler.strands[0]
        pools._global_shutdown_lock = locks.Lock()  # type: ignore[assignment]  # put back with the rest
        try:
            self.result = self._call()
            self.elapsed = self.scheduler.now
            self._exit(strand)
        except Stop:
            raise
        except BaseException as error:
            self.elapsed = self.scheduler.now
            fail_with(self.scheduler, strand, error)
        self.scheduler.stop("ended")

    def _call(self) -> Any:
        if not _wants_modules(self.scenario):
            return self.scenario()
        modules = {}
        for name in self.program.sources:
            __import__(name)
            modules[name] = sys.modules[name]
        return self.scenario(SimpleNamespace(**modules))

    def _exit(self, main: Strand) -> None:
        """As at the end of a program: pools that were left open are closed, threads that are no daemons waited for."""
        pools._shutdown = True
        for work in list(pools._threads_queues.values()):
            work.put(None)
        strands = self.scheduler.strands
        self.scheduler.block(
            main, lambda: all(one.done or one.daemon or one is main for one in strands), ("exit", None)
        )

    def _watch(self) -> None:
        """Until the run is over. A thread that makes no step is stuck where we cannot see it."""
        scheduler = self.scheduler
        steps, since, detached = -1, real_time(), -1
        while not scheduler.finished.acquire(timeout=LOOK):
            quiet = real_time() - since
            if scheduler.steps != steps:
                steps, since = scheduler.steps, real_time()
            elif quiet > self.settings.patience:
                scheduler.give_up(self._stuck_where(quiet))
            elif quiet > STUCK and detached != steps:
                detached = steps
                detach(scheduler, steps)

    def _stuck_where(self, seconds: float) -> str:
        frames = sys._current_frames()
        stuck = [one for one in self.scheduler.strands if one.outside and not one.done] or [self.scheduler.current]
        place = place_of(frames.get(stuck[0].ident), self.scheduler.files)
        where = f", in {place}: {place.source}" if place else ""
        return f"{stuck[0].name} has not come back from a call for {seconds:.0f} s of real time{where}."

    def _outcome(self, output: Output) -> Run:
        scheduler = self.scheduler
        for strand in self.leftovers:
            scheduler.note(f"{strand.name} could not be ended: it is still blocked in C.")
        outcome = "fails" if scheduler.failure else "holds" if scheduler.over == "ended" else "inconclusive"
        reason = scheduler.reason
        if not self.tracing.intact():
            outcome, reason = "inconclusive", SWITCHED_OFF
        schedule = {"decisions": [list(decision) for decision in scheduler.decisions]}
        if scheduler.failure:
            scheduler.failure.schedule = schedule
        return Run(
            outcome,
            reason,
            self.result,
            round(self.elapsed, 9),
            scheduler.steps,
            schedule,
            scheduler.failure,
            scheduler.recorder.events() if scheduler.recorder else [],
            output.getvalue(),
            list(scheduler.notes),
        )


class _MainThread(threading.Thread):
    """The scenario's thread. It is a daemon, for it may get stuck; but what it starts shall not inherit that."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(name="MainThread", daemon=True)
        self.work = work

    def start_for_real(self) -> None:
        real_start(self)

    def run(self) -> None:
        self._daemonic = False
        self.work()


@contextlib.contextmanager
def _main_thread_is(thread: threading.Thread) -> Iterator[None]:
    before = pools._global_shutdown_lock, threading._main_thread  # type: ignore[attr-defined]
    threading._main_thread = thread  # type: ignore[attr-defined]
    try:
        yield
    finally:
        pools._global_shutdown_lock, threading._main_thread = before  # type: ignore[attr-defined]


def _wants_modules(scenario: Scenario) -> bool:
    try:
        return len(inspect.signature(scenario).parameters) == 1
    except (TypeError, ValueError):
        return False


def _clear(scheduler: Scheduler) -> list[Strand]:
    """Wait for all threads of a run that is over; those that do not end are returned."""
    slow = [strand for strand in scheduler.strands if not strand.gone.acquire(timeout=0.2)]
    end = real_time() + 0.5
    while slow and real_time() < end:
        for strand in slow:  # one that swallows Stop in a loop without points
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(strand.ident), ctypes.py_object(Stop))
        slow = [strand for strand in slow if not strand.gone.acquire(timeout=0.02)]
    return slow
