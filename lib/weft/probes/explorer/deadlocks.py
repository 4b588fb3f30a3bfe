"""Nobody can go on: who holds what since which line, who waits for what, and whether somebody was called in vain."""

from __future__ import annotations

import sys
from types import FrameType
from typing import TYPE_CHECKING, Any

from weft.probes.explorer.outcome import DEADLOCK, LOST, Failure, Hold, Wait
from weft.probes.explorer.places import Place, place_of, user_frame

if TYPE_CHECKING:
    from weft.probes.explorer.scheduler import Scheduler
from weft.probes.explorer.strands import Strand


def report(scheduler: Scheduler, last: Strand) -> None:
    """Fail the run with the wait-for graph; ``last`` is the strand that waited or ended last."""
    frames = sys._current_frames()
    stuck = [strand for strand in scheduler.strands if not strand.done and strand.waits_for]
    waits = [_wait(strand, frames.get(strand.ident)) for strand in stuck if strand.waits_for != ("exit", None)]
    lost = [strand for strand in stuck if _called_in_vain(strand, frames.get(strand.ident))]
    kind = LOST if lost else DEADLOCK
    first = (
        f"{lost[0].name} waits for a call that came before it began to wait: nobody calls again."
        if lost
        else _first_sentence(scheduler, waits)
    )
    message = " ".join([first, *(wait.sentence() for wait in waits)])
    culprit = (lost or [one for one in stuck if one.waits_for and one.waits_for[0] not in ("join", "exit")] or [last])[
        0
    ]
    place = place_of(frames.get(culprit.ident), scheduler.files)
    scheduler.fail(Failure(kind, message, culprit.name, {}, waits=waits), place)


def _first_sentence(scheduler: Scheduler, waits: list[Wait]) -> str:
    if scheduler.strands[0].waits_for == ("exit", None):
        return "The scenario has ended, but the program cannot: a thread waits for ever."
    if len(waits) == 1:
        return "The only thread left waits for ever."
    return "Every thread waits, and none can wake another."


def _wait(strand: Strand, frame: FrameType | None) -> Wait:
    place = place_of(frame, strand.scheduler.files)
    holds = [Hold(lock.name, str(lock.since or "")) for lock in strand.held if lock.plain]
    return Wait(
        strand.name,
        holds,
        described(strand, frame, place),
        str(place or ""),
        place.source if place else "",
        _holder(strand, frame),
    )


def described(strand: Strand, frame: FrameType | None, place: Place | None) -> str:
    """What ``strand`` waits for, in words."""
    assert strand.waits_for is not None
    kind, what = strand.waits_for
    if kind == "lock":
        condition = waiting_condition(frame)
        if what.plain and condition is None:
            return str(what.name)
        lock = getattr(condition, "_lock", None)
        if lock is not None and getattr(lock, "plain", False) and place and place.call == "Condition.wait":
            return f"a call on {lock.name}"
        return place.call if place and place.call else str(what.name)
    if kind == "join":
        return f"{what.name} to end"
    if kind == "sleep":
        return f"sleep {what:g} s"
    if kind == "io":
        return place.call if place and place.call else "data from a socket"
    return "all threads to end"


def _holder(strand: Strand, frame: FrameType | None) -> str:
    assert strand.waits_for is not None
    kind, what = strand.waits_for
    if kind == "join":
        return str(what.name)
    if kind == "lock" and waiting_condition(frame) is None and what.owner:
        return str(what.owner.name)
    return ""


def waiting_condition(frame: FrameType | None) -> Any:
    """The Condition in whose ``wait`` a thread is, or None (also while it takes back the condition's lock)."""
    for _ in range(8):
        if frame is None:
            return None
        if frame.f_code.co_qualname == "Condition.wait":
            local = frame.f_locals
            return local.get("self") if not local.get("gotit") else None
        if frame.f_code.co_name == "_acquire_restore":
            return None
        frame = frame.f_back
    return None


def _called_in_vain(strand: Strand, frame: FrameType | None) -> bool:
    """Whether its condition was notified when nobody waited, and it has not looked again since.

    It has taken the condition's lock once since that call, to wait; and nobody but the caller has, who might have
    changed what it waits for. Conditions inside queues and pools look for themselves: only the answer's own are judged.
    """
    condition = waiting_condition(frame)
    found = user_frame(frame, strand.scheduler.files)
    if condition is None or not found or found[1] is None:
        return False
    if found[1].f_code.co_qualname not in ("Condition.wait", "Condition.wait_for", "Event.wait"):
        return False
    unheard = strand.scheduler.unheard.get(id(condition))
    if unheard is None:
        return False
    _, caller, before = unheard
    taken = condition._lock.taken.items()
    since = {index: count - before.get(index, 0) for index, count in taken if index != caller}
    return {index: count for index, count in since.items() if count} == {strand.index: 1}


def notified(strand: Strand, condition: Any) -> None:
    """``condition`` is being notified: remember it if nobody waits."""
    scheduler = strand.scheduler
    waiting = len(condition._waiters)
    if not waiting and hasattr(condition._lock, "taken"):
        scheduler.unheard[id(condition)] = (condition, strand.index, dict(condition._lock.taken))
    elif waiting:
        scheduler.unheard.pop(id(condition), None)
    if scheduler.recorder and getattr(condition._lock, "plain", False):
        value = f"wakes {waiting}" if waiting else "nobody waits"
        scheduler.recorder.note(strand, "notify", condition._lock.name, value)
