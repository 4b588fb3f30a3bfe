"""Why a drive gave no facts, or gave them and left a mess, as a learner can read it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from weft.answer.messages import Limits, Report
from weft.judge.verdicts import Evidence
from weft.probes.explorer.outcome import Exploration, Failure

#: A kind of failure, in the words of a verdict.
SAID = {
    "invariant": "The threads can take turns in a way that breaks it.",
    "exception": "The threads can take turns in a way that raises.",
    "deadlock": "The threads can take turns in a way that stops them all.",
    "livelock": "The threads can take turns in a way that keeps them busy for ever.",
    "lost wake-up": "The threads can take turns in a way that one sleeps through its wake-up call.",
}

#: A kind of finding on a loop, in the words of a verdict.
ON_LOOP = {
    "blocking call": "While it waits, nothing else on the loop can run.",
    "cpu hog": "While it computes, nothing else on the loop can run.",
    "leaked task": "Nobody waits for it any more, and nobody ends it.",
    "never awaited": "A coroutine that is not awaited does nothing.",
    "lost exception": "An error that nobody asks for is an error that nobody sees.",
    "cancellation swallowed": "Who cancels it must be able to rely on it.",
    "cancellation replaced": "Who cancels it must be able to rely on it.",
    "cancellation ignored": "Who cancels it must be able to rely on it.",
}


def of_exploration(exploration: Exploration, called: str) -> Evidence:
    """The schedule that fails, and what no lock protects."""
    assert exploration.failure is not None
    evidence = of_failure(exploration.failure, called)
    if exploration.unprotected:
        names = ", ".join(f"`{name}`" for name in exploration.unprotected)
        evidence.message += f" Several threads use {names}, and no lock is common to all of them."
    return evidence


def of_failure(failure: Failure, called: str) -> Evidence:
    """One schedule that fails."""
    return Evidence(
        called=called,
        came_back=failure.message.partition("\n")[0][:300],
        message=SAID.get(failure.kind, "One way in which the threads can take turns goes wrong."),
        schedule=failure.to_json(),
    )


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


def of_loop(facts: dict[str, Any], called: str) -> Evidence | None:
    """What a watched or swept loop showed: an error or the first finding. None if all is clean. KeyError, TypeError."""
    if error := facts["error"]:
        told = f"{error['type']}: {error['message']}" if error["message"] else error["type"]
        return Evidence(called=called, came_back=told, look_at=_places([error]))
    faults = [{**fault["finding"], "cancelled": fault} for fault in facts.get("faults", ())]
    findings = [*(facts.get("findings") or facts.get("undisturbed") or ()), *faults]
    if not findings:
        return None
    first = findings[0]
    return Evidence(
        called=called,
        came_back=f"{_when(first)}{first['kind']}: {first['message']}"[:300],
        message=ON_LOOP.get(first["kind"], ""),
        look_at=_places([first.get("cancelled"), *findings])[:6],
    )


def _when(finding: dict[str, Any]) -> str:
    cancelled = finding.get("cancelled")
    return f"cancelled at {cancelled['at']} {cancelled['source']}, " if cancelled else ""


def _places(rows: list[dict[str, Any] | None]) -> list[str]:
    """Places in the learner's code, each once, in the order in which they come."""
    places = [(row.get("place") or row.get("at") or "", row["source"]) for row in rows if row]
    return list(dict.fromkeys(f"{place} {source}".strip() for place, source in places if place))
