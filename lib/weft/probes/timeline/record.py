"""The recorder: threads and processes from outside, tasks from inside, and one trace of both."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from weft.probes.family import LINUX
from weft.probes.outside import Helper
from weft.probes.timeline import names as naming
from weft.probes.timeline import steps as stepping
from weft.probes.timeline.sampling import COARSE
from weft.trace import Event, Trace

# Kept from the start: a virtual clock may replace the module's functions.
_now = time.monotonic

HERE = (
    "From the kernel's account of each thread's CPU time: a slice's place is exact to about one look, a thread that "
    "lived for less than that may be missing, and whether a thread waits for the GIL or for anything else is not told."
)
NOT_HERE = "This system does not tell when other threads run: there are tasks only."
ROUGH = " The machine was busy and kept the sampler waiting for up to {worst:.0f} ms: there, slices are drawn pale."


@dataclass
class Timeline:
    """``trace`` holds, with seconds from the start of the block, for each lane (``actor``):

    ``alive`` from ``time`` for ``value`` seconds; ``run``, a slice on a core, and ``partly``, a stretch in which it
    ran some of the time; ``step`` of a task (``subject``), the loop's turn that it had; and ``used`` and ``queued``,
    the CPU seconds of all slices, and the seconds in which it was ready and had no core.
    """

    trace: Trace = field(default_factory=Trace)
    seconds: float = 0.0
    note: str = ""

    @property
    def cpu(self) -> dict[str, float]:
        """CPU seconds of each thread and process."""
        return {event.actor: event.value for event in self.trace.of("used")}

    def to_json(self) -> dict[str, Any]:
        """For the facts of a drive: ``Trace.from_json(row["trace"])`` is what the chart takes."""
        return {"trace": self.trace.to_json(), "seconds": self.seconds, "cpu": self.cpu, "note": self.note}


@contextlib.contextmanager
def timeline(every: float = 0.001) -> Iterator[Timeline]:
    """Record as long as it lasts; read the Timeline when it has ended. A look ``every`` so many seconds, or less often.

    The sampler is a process of its own and no child of this one; steps of tasks cost a microsecond or two each. OSError
    if it cannot be started.
    """
    found, told = Timeline(), {}
    helper = Helper("weft.probes.timeline.sampling", {"every": every}) if LINUX else None
    with naming.noted() as names, stepping.noted() as steps:
        started = _now()
        try:
            yield found
        finally:
            found.seconds = _now() - started
            told = helper.stop() if helper else {}
            events = [*_events_of(told, names), *_steps(steps)]
            found.trace = Trace(_since(event, started) for event in events)
            found.note = _note(told, steps)


def _events_of(told: dict[str, Any], names: naming.Names) -> list[Event]:
    lanes = sorted(told.get("lanes", ()), key=lambda lane: (lane["pid"] != os.getpid(), lane["first"]))
    called = naming.twins_apart([names.of(lane["pid"], lane["thread"], os.getpid()) for lane in lanes])
    return [event for name, lane in zip(called, lanes, strict=True) for event in _events(name, lane)]


def _events(name: str, lane: dict[str, Any]) -> Iterator[Event]:
    process = str(lane["pid"])
    yield Event(lane["first"], "alive", process, name, lane["last"] - lane["first"])
    for start, end, exact in lane["slices"]:
        yield Event(start, "run" if exact else "partly", process, name, end - start)
    yield Event(lane["last"], "used", process, name, lane["cpu"])
    yield Event(lane["last"], "queued", process, name, lane["queued"])


def _steps(steps: stepping.Steps) -> Iterator[Event]:
    return (Event(start, "step", name, f"task {name}", end - start) for name, start, end in steps.rows)


def _since(event: Event, started: float) -> Event:
    """The sampler begins a moment before the block does."""
    start, value = event.time - started, event.value
    if start < 0:
        value = value if event.kind in ("used", "queued") else max(0.0, value + start)
    return Event(round(max(0.0, start), 6), event.kind, event.subject, event.actor, round(value, 6))


def _note(told: dict[str, Any], steps: stepping.Steps) -> str:
    said = HERE if told else NOT_HERE if not LINUX else "The sampler was ended from elsewhere: there are tasks only."
    if told.get("worst", 0.0) > COARSE:
        said += ROUGH.format(worst=told["worst"] * 1e3)
    if told.get("full"):
        said += " It was too long to be kept whole: only its beginning is told."
    return said + (f" {steps.missed} more steps of tasks are left out." if steps.missed else "")
