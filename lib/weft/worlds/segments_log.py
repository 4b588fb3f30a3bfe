"""What the notes of segments say: how long they took together, and how much was done in them."""

from __future__ import annotations

from weft.trace import Trace


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
