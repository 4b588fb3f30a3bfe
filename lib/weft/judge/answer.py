"""The ``answer`` of a check: drives the answer in its process, and turns whatever goes wrong there into evidence."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weft.answer.drive import Host
from weft.answer.messages import Limits, Report, Request
from weft.judge.travel import travelling_source
from weft.judge.verdicts import Evidence

#: Seconds that all drives of one judging may take together. An answer that hangs in every check is judged, not waited
#: for.
TIME = float(os.environ.get("WEFT_ANSWER_TIME", "150"))


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
        self.called = first_line(function)
        if self._left <= 0:
            raise AnswerFailure(
                Evidence(message=f"Not called: the answer has used up its {self._time:g} s in earlier checks.")
            )
        limits = Limits(deadline=min(deadline, self._left + 1), memory=memory, processes=processes)
        text = travelling_source(function)
        report = self._host.drive(Request(text, function.__name__, list(args), kwargs, limits))
        self.driven = True
        self._left -= report.seconds
        self.usage = Usage(report.seconds, report.cpu_seconds, report.peak_rss)
        if report.ended != "returned":
            raise AnswerFailure(evidence_of(report, self.called, limits))
        self.facts = report.facts
        return report.facts


def first_line(function: Callable[..., Any]) -> str:
    """The first line of a function's docstring, or nothing."""
    return (inspect.getdoc(function) or "").partition("\n")[0]


def evidence_of(report: Report, called: str, limits: Limits) -> Evidence:
    """Why a drive gave no facts, as a learner can read it."""
    return Evidence(
        called=called,
        came_back=_came_back(report, limits),
        look_at=report.frames,
        stacks=report.stacks,
        output=report.output.strip(),
    )


def _came_back(report: Report, limits: Limits) -> str:
    error = f"{report.error}: {report.message}" if report.message else report.error
    return {
        "raised": error,
        "hung": f"nothing: it was still running after {limits.deadline:g} s",
        "died": f"nothing: {report.message}",
        "flooded": f"nothing: it printed more than {limits.output >> 10} KiB and was stopped",
        "memory": f"nothing: it used more than {limits.memory >> 20} MiB of memory",
        "processes": f"nothing: it had more than {limits.processes} processes and was stopped",
        "too long": "more than 1 MiB of facts",
    }[report.ended]
