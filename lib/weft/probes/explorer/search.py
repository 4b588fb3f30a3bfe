"""Many schedules of one scenario: looks for one that fails, shrinks it, and says how much it has seen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from weft.probes.explorer.execute import Execution, Scenario, Settings
from weft.probes.explorer.modules import Modules, Program
from weft.probes.explorer.outcome import Coverage, Exploration, Failure, Returned, Run, Schedule
from weft.probes.explorer.shrink import shrink
from weft.probes.explorer.strands import real_time
from weft.probes.explorer.strategies import Decision, Replay, strategy_for
from weft.probes.explorer.tracing import Tracing

#: So many different returned values are kept.
_MOST_VALUES = 20


def explore(
    modules: Modules,
    scenario: Scenario,
    *,
    schedules: int = 200,
    seed: int = 0,
    max_steps: int = 50_000,
    budget: float = 60.0,
    patience: float = 3.0,
) -> Exploration:
    """Run ``scenario`` under up to ``schedules`` different schedules, until one fails.

    ``modules`` is a folder of answer modules, or a mapping of their names to their text (or text and file name). They
    are made afresh for each schedule. ``scenario`` is called without arguments, or with an object that has the modules
    as attributes; it imports answer modules inside its body, and asserts what must hold afterwards. Its own lines are
    not interrupted, except where they take a lock, wait or sleep.

    ``max_steps`` bounds a run, ``patience`` is for how many real seconds a thread may stay in one call, and ``budget``
    how many real seconds everything together may take; what is exceeded makes the outcome "inconclusive". Raises
    nothing that the answer raises. A call into C that never lets go of the interpreter cannot be ended from here.
    """
    return _Explorer(Program(modules), scenario, seed, Settings(max_steps, patience)).explore(schedules, budget)


def replay(modules: Modules, scenario: Scenario, schedule: Schedule, *, max_steps: int = 50_000) -> Run:
    """Run ``scenario`` under ``schedule`` (see :mod:`weft.probes.explorer.outcome`) and record its events."""
    program = Program(modules)
    with Tracing(program.all_codes, program.tables) as tracing:
        strategy = Replay(schedule.get("decisions", ()))
        execution = Execution(program, tracing, scenario, strategy, set(), Settings(max_steps))
        run = execution.go(record=True)
    if run.failure:
        run.failure.events = run.events
        run.failure.switches = len(run.schedule["decisions"])
    return run


def run_virtual(modules: Modules, scenario: Scenario, *, max_steps: int = 200_000) -> Run:
    """Run ``scenario`` once, calmly, on the virtual clock: ``elapsed`` and ``result`` are exact and repeatable."""
    program = Program(modules)
    with Tracing((), {}) as tracing:
        return Execution(program, tracing, scenario, Replay(), set(), Settings(max_steps)).go()


class _Explorer:
    def __init__(self, program: Program, scenario: Scenario, seed: int, settings: Settings) -> None:
        self.program, self.scenario, self.seed, self.settings = program, scenario, seed, settings
        self.hot: set[str] = set()
        self.unprotected: set[str] = set()
        self.length = 1
        self.coverage = Coverage()
        self.seen: set[Any] = set()
        self.interrupted: set[Any] = set()
        self.returned: dict[str, Returned] = {}
        self.notes: list[str] = []

    def explore(self, schedules: int, budget: float) -> Exploration:
        start = real_time()
        failure, reason, number = None, "", 0
        with Tracing(self.program.all_codes, self.program.tables) as self.tracing:
            while number < schedules and not reason and failure is None:
                if real_time() - start > budget:
                    reason = f"{number} of {schedules} schedules held in {budget:g} s of real time; then time was up."
                    break
                run = self._one(number)
                number += 1
                reason = run.reason if run.outcome == "inconclusive" else ""
                if run.failure:
                    failure = self._shown(run, number, start + budget, self.strand_steps)
        self.coverage.seconds = round(real_time() - start, 4)
        return self._exploration(failure, reason, number)

    def _one(self, number: int) -> Run:
        execution = self._execution(strategy_for(self.seed, number, self.length))
        run = execution.go()
        scheduler = execution.scheduler
        self.length = scheduler.hot_steps or self.length
        self.hot |= scheduler.races.shared
        self.unprotected |= scheduler.races.unprotected
        self.seen.add(scheduler.signature)
        self.interrupted |= scheduler.switched_at
        self.coverage.threads = max(self.coverage.threads, len(scheduler.strands))
        self.coverage.steps += scheduler.steps
        self.strand_steps = {strand.name: strand.steps for strand in scheduler.strands[1:]}
        self._keep(run)
        self.notes += [note for note in run.notes if note not in self.notes]
        return run

    def _execution(self, strategy: Any) -> Execution:
        return Execution(self.program, self.tracing, self.scenario, strategy, self.hot, self.settings)

    def _keep(self, run: Run) -> None:
        if run.outcome != "holds" or run.result is None:
            return
        try:
            key = json.dumps(run.result, sort_keys=True)
        except (TypeError, ValueError):
            run.result = key = repr(run.result)[:200]
        if key in self.returned:
            self.returned[key].times += 1
        elif len(self.returned) < _MOST_VALUES:
            self.returned[key] = Returned(json.loads(key) if key[:1] != "<" else key, 1, run.schedule)

    def _shown(self, run: Run, number: int, end: float, steps: dict[str, int]) -> Failure:
        """The failure of ``run`` with as few switches as can be, and with its events."""
        found = run.failure
        assert found is not None

        def attempt(decisions: Sequence[Decision]) -> list[Decision] | None:
            again = self._execution(Replay(decisions)).go()
            same = again.failure is not None and again.failure.same_as(found)
            return [tuple(one) for one in again.schedule["decisions"]] if same else None

        decisions = [tuple(one) for one in run.schedule["decisions"]]
        seconds = max(0.0, min(4.0, end - real_time()))
        small = shrink(decisions, attempt, steps, seconds=seconds)
        for candidate in (small, decisions):
            shown = self._execution(Replay(candidate)).go(record=True)
            if shown.failure and shown.failure.same_as(found):
                found = shown.failure
                found.events = shown.events
                break
        else:
            found.repeats = False
        found.found_in, found.switches = number, len(found.schedule["decisions"])
        return found

    def _exploration(self, failure: Failure | None, reason: str, number: int) -> Exploration:
        self.coverage.interleavings = len(self.seen)
        self.coverage.switch_points = len(self.interrupted)
        self.coverage.shared = sorted(self.hot)
        return Exploration(
            "fails" if failure else "inconclusive" if reason else "holds",
            number,
            reason,
            failure,
            sorted(self.unprotected),
            self.coverage,
            list(self.returned.values()),
            self.program.cannot_see(),
            self.notes,
            self.seed,
        )
