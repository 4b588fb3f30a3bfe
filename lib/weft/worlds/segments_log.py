"""Lines that many processes add to one file: who entered and left which segment, and who was killed when."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

from weft.trace import Event, Trace


def note(log: str, kind: str, subject: str) -> None:
    """Add a line: the time, what happened, this process, to which segment.

    One write to a file opened for appending: lines of several processes do not mix, and a kill does not lose one.
    """
    line = f"{time.monotonic()!r}\t{kind}\t{os.getpid()}\t{subject}\n"
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def read_log(log: str | Path) -> Trace:
    """The events so far: the segment's start is the subject, ``"process 123"`` the actor."""
    try:
        rows = [line.split("\t") for line in Path(log).read_text().splitlines()]
    except FileNotFoundError:
        return Trace()
    return Trace(Event(float(when), kind, subject, f"process {pid}") for when, kind, pid, subject in rows)


def processes_at_once(trace: Trace) -> int:
    """The largest number of different processes that were inside a segment at the same moment.

    A killed process is inside no more. Threads of one process count as one. The trace may begin in the middle of a
    segment: a ``leave`` without its ``enter`` says nothing.
    """
    inside: Counter[str] = Counter()
    most = 0
    for event in trace.of("enter", "leave", "kill"):
        if event.kind == "kill":
            inside[event.actor] = 0
        else:
            inside[event.actor] = max(0, inside[event.actor] + (1 if event.kind == "enter" else -1))
        most = max(most, sum(count > 0 for count in inside.values()))
    return most


def makespan(trace: Trace) -> float:
    """Seconds from the first ``enter`` to the last ``leave``."""
    return trace.of("enter", "leave").span()


def work_done(trace: Trace) -> float:
    """Seconds inside segments, of all processes together, as it was measured there; killed ones do not count."""
    entered: dict[tuple[str, str], float] = {}
    total = 0.0
    for event in trace.of("enter", "leave"):
        key = event.actor, event.subject
        if event.kind == "enter":
            entered[key] = event.time
        else:
            total += event.time - entered.pop(key)
    return total
