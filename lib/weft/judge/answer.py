"""The ``answer`` of a check: drives the answer in its process, and turns whatever goes wrong there into evidence."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from weft.answer.drive import Host
from weft.answer.messages import Limits, Request
from weft.judge.evidence import evidence_of, first_line, of_exploration, of_failure, of_loop
from weft.judge.tasks import TaskRun
from weft.judge.travel import travelling_source
from weft.judge.verdicts import Broken, Evidence
from weft.probes.explorer.outcome import SWITCHED_OFF, Exploration, Run

#: Seconds that all drives of one judging may take together. An answer that hangs in every check is judged, not waited
#: for.
TIME = float(os.environ.get("WEFT_ANSWER_TIME", "150"))


Found = TypeVar("Found", Exploration, Run, TaskRun)


class AnswerFailure(AssertionError):
    """The answer raised, hung, died or passed a limit while it was driven. ``evidence`` says which, for the learner."""

    def __init__(self, evidence: Evidence) -> None:
        super().__init__(evidence.came_back or evidence.message)
        self.evidence = evidence


@dataclass(slots=True)
class Usage:
    """What the last drive used.

    Wall and CPU seconds (children included that it waited for), bytes of the largest process.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_rss: int = 0


class Answer:
    """The answer, as a check sees it. ``time`` is in seconds, for all its drives together."""

    def __init__(self, host: Host, modules: Path, time: float = TIME) -> None:
        self._left = self._time = time
        self._host = host
        self.modules = modules
        self.usage = Usage()
        self.called = ""
        self.driven = False
        self.facts: Any = None

    def begin(self) -> None:
        """Forget the check before."""
        self.usage, self.called, self.driven, self.facts = Usage(), "", False, None

    def drive(
        self,
        function: Callable[..., Any],
        *args: Any,
        deadline: float = 10.0,
        memory: int = 1 << 30,
        processes: int = 64,
        **kwargs: Any,
    ) -> Any:
        """Call ``function(*args, **kwargs)`` in the answer's process and return its facts, as JSON holds them.

        ``function`` is a plain function of the check cell or of the drives; it may import the answer's modules in its
        body. Arguments are JSON. ``deadline`` is in seconds, ``memory`` in bytes for all its processes together. The
        first line of its docstring tells the learner what was called. Raises AnswerFailure (an AssertionError) if the
        answer does not return.
        """
        limits = Limits(deadline=deadline, memory=memory, processes=processes)
        return self._ask(function, args, kwargs, limits, None)

    def explore(
        self,
        scenario: Callable[..., Any],
        *args: Any,
        schedules: int = 200,
        seed: int = 0,
        deadline: float = 20.0,
        **kwargs: Any,
    ) -> Exploration:
        """Run ``scenario(*args, **kwargs)``, a drive that asserts what must hold, under many schedules of its threads.

        Raises AnswerFailure, with the schedule that shows it, if one of them fails, and Broken if the explorer could
        not follow the answer. ``deadline`` is in seconds, for all schedules together.
        """
        found = self.exploration(scenario, *args, schedules=schedules, seed=seed, deadline=deadline, **kwargs)
        if found.failure is not None:
            raise AnswerFailure(of_exploration(found, self.called))
        if not found.holds:
            raise self._not_followed(found.reason)
        return found

    def exploration(
        self, scenario: Callable[..., Any], *args: Any, schedules: int, seed: int, deadline: float, **kwargs: Any
    ) -> Exploration:
        """As :meth:`explore`, but what is found is returned, whatever it is."""
        options = {"schedules": schedules, "seed": seed, "budget": 0.8 * deadline}
        return self._read(Exploration, self._ask(scenario, args, kwargs, Limits(deadline=deadline), options))

    def replay(self, scenario: Callable[..., Any], schedule: dict[str, Any], *args: Any, **kwargs: Any) -> Run:
        """Run ``scenario(*args, **kwargs)`` once more under a schedule that :meth:`exploration` found."""
        return self._read(Run, self._ask(scenario, args, kwargs, Limits(), {"replay": schedule}))

    def virtually(
        self, function: Callable[..., Any], *args: Any, deadline: float = 20.0, **kwargs: Any
    ) -> Run | TaskRun:
        """Call ``function(*args, **kwargs)`` once on a virtual clock: the explorer's, or asyncio's for an async drive.

        The run's ``elapsed`` is in virtual seconds, exact and repeatable; its ``result`` are the facts. ``deadline`` is
        in real seconds. Raises AnswerFailure if it raises, cannot go on, or cannot be followed.
        """
        if inspect.iscoroutinefunction(function):
            return self.shuffle(function, *args, orders=0, deadline=deadline, **kwargs)
        run = self._read(Run, self._ask(function, args, kwargs, Limits(deadline=deadline), {"virtual": True}))
        if run.failure is not None:
            raise AnswerFailure(of_failure(run.failure, self.called))
        if not run.holds:
            raise self._not_followed(run.reason)
        self.facts = run.result
        return run

    def shuffle(
        self, function: Callable[..., Any], *args: Any, orders: int = 30, deadline: float = 20.0, **kwargs: Any
    ) -> TaskRun:
        """Call an async drive on asyncio's virtual clock, in its own order of tasks and in so many others.

        Returns the last run. Raises AnswerFailure for the first that raises or cannot go on, with the tasks that wait.
        """
        asked = self._ask(function, args, kwargs, Limits(deadline=deadline), {"tasks": {"orders": orders}})
        run = self._read(TaskRun, asked)
        if run.failure:
            raise AnswerFailure(run.evidence(self.called))
        if run.outcome != "holds":
            raise Broken(f"The tasks could not be followed to their end. {run.reason}")
        self.facts = run.result
        return run

    def watch(
        self,
        function: Callable[..., Any],
        *args: Any,
        cpu_limit: float | None = None,
        deadline: float = 20.0,
        **kwargs: Any,
    ) -> Any:
        """Call an async drive once on a loop of real time, and return its facts if it leaves the loop clean.

        Raises AnswerFailure, with the answer's line, for a call that blocks the loop, a task left running, a coroutine
        never awaited, an exception nobody asked for; with ``cpu_limit``, in CPU seconds, for a step that takes longer.
        """
        options = {"sweep": False, "cpu_limit": cpu_limit}
        self.facts = self._on_loop(function, args, kwargs, deadline, options)["result"]
        return self.facts

    def sweep(
        self, function: Callable[..., Any], *args: Any, limit: int = 60, deadline: float = 20.0, **kwargs: Any
    ) -> dict[str, int]:
        """Call an async drive again and again, cancelled at each await of the answer in turn, ``limit`` times at most.

        Returns how much was tried: the fields of :class:`weft.probes.cancellation.Coverage`. Raises AnswerFailure,
        with the await, if a cancelled run does not end as cancelled or leaves something behind.
        """
        coverage: dict[str, int] = self._on_loop(function, args, kwargs, deadline, {"sweep": True, "limit": limit})[
            "coverage"
        ]
        return coverage

    def _on_loop(
        self, function: Callable[..., Any], args: Any, kwargs: Any, deadline: float, options: dict[str, Any]
    ) -> dict[str, Any]:
        facts = self._ask(function, args, kwargs, Limits(deadline=deadline), {"loop": options})
        try:
            evidence = of_loop(facts, self.called)
        except (TypeError, KeyError, AttributeError):
            evidence = Evidence(called=self.called, message="The report on its event loop did not arrive.")
        if evidence:
            raise AnswerFailure(evidence)
        found: dict[str, Any] = facts
        return found

    def _ask(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        limits: Limits,
        explore: dict[str, Any] | None,
    ) -> Any:
        self.called = first_line(function)
        if self._left <= 0:
            raise AnswerFailure(
                Evidence(message=f"Not called: the answer has used up its {self._time:g} s in earlier checks.")
            )
        limits = replace(limits, deadline=min(limits.deadline, self._left + 1))
        text = travelling_source(function)
        report = self._host.drive(Request(text, function.__name__, list(args), kwargs, explore, limits))
        self.driven = True
        self._left -= report.seconds
        self.usage = Usage(report.seconds, report.cpu_seconds, report.peak_rss)
        if report.ended != "returned":
            raise AnswerFailure(evidence_of(report, self.called, limits))
        self.facts = report.facts
        return report.facts

    def _not_followed(self, reason: str) -> Exception:
        """What the explorer cannot follow may be right: a person has to look. Who switches it off has failed."""
        if reason == SWITCHED_OFF:
            return AnswerFailure(Evidence(called=self.called, message=reason))
        return Broken(f"The explorer could not follow the threads to their end. {reason}")

    def _read(self, kind: type[Found], facts: Any) -> Found:
        """What the explorer found, from the answer's process: an answer may have tampered with it."""
        try:
            return kind.from_json(facts)
        except (TypeError, KeyError, AttributeError, ValueError):
            raise AnswerFailure(Evidence(called=self.called, message="The explorer's report did not arrive.")) from None
