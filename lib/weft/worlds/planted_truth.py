"""What a profiler should have found, from what the planted pieces noted in the very run that it measured."""

from __future__ import annotations

from dataclasses import replace

from weft.trace import Trace
from weft.worlds.notes import processes_at_once


def repetitions(trace: Trace, count: int, number: int) -> list[Trace]:
    """The last ``number`` runs of ``count`` pieces each, without those that warmed up.

    Raises ValueError if there were fewer calls.
    """
    enters, leaves = list(trace.of("enter")), list(trace.of("leave"))
    if min(len(enters), len(leaves)) < count * number:
        raise ValueError(f"{len(leaves)} pieces of {count * number} came to their end")
    enters, leaves = enters[-count * number :], leaves[-count * number :]
    return [Trace(enters[i : i + count] + leaves[i : i + count]) for i in range(0, count * number, count)]


def seconds(trace: Trace, count: int, number: int) -> list[float]:
    """How long each of these runs took, from the first piece's beginning to the last one's end."""
    return [run.span() for run in repetitions(trace, count, number)]


def cpu_seconds(trace: Trace, count: int, number: int) -> list[float]:
    """The CPU time of the pieces of each of these runs."""
    return [sum(event.value for event in run) for run in repetitions(trace, count, number)]


def at_once(trace: Trace) -> dict[str, int]:
    """The most pieces, threads and processes that were at work at the same moment."""
    by_process = Trace(replace(event, actor=event.subject) for event in trace)
    return {
        "pieces": trace.peak("enter", "leave"),
        "threads": processes_at_once(trace),
        "processes": processes_at_once(by_process),
    }
