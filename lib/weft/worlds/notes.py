"""Lines that many processes add to one file: what happened when, where, to what. Read again, they are a trace."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

from weft.trace import Event, Trace


def note(log: str, kind: str, subject: str, actor: str = "") -> None:
    """Add a line: the time, what happened, who did it (``"process 123"``, this one, unless said), and to what.

    One write to a file opened for appending: lines of several processes do not mix, and a kill does not lose one.
    """
    line = f"{time.monotonic()!r}\t{kind}\t{actor or f'process {os.getpid()}'}\t{subject}\n"
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def read_notes(log: str | Path) -> Trace:
    """The events so far; none if nobody noted anything."""
    try:
        rows = [line.split("\t", 3) for line in Path(log).read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:
        return Trace()
    return Trace(Event(float(when), kind, subject, actor) for when, kind, actor, subject in rows)


def processes_at_once(trace: Trace) -> int:
    """The largest number of different processes that were inside a piece of work at the same moment.

    A killed process is inside no more. Threads of one process count as one. The trace may begin in the middle of a
    piece: a ``leave`` without its ``enter`` says nothing.
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
