"""A failing schedule as rows: one for each line that a thread came to, in the order in which it happened.

What comes in is the JSON of a failure of the schedule explorer; :mod:`weft.probes.explorer.outcome` tells its events.
It comes from the answer's process, so nothing in it is trusted to have the right shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: With more rows than this, the middle is left out: what hurts stands at the end.
MOST, KEPT_AT_START = 60, 8

#: A line that does the same things again and again, as a loop that waits, is told once.
RECENT = 4

#: Kinds of events that are a row's effects, and how they are said. ``{}`` is what the event is about.
EFFECTS = {
    "read": "reads {what} → {value}",
    "write": "writes {what} ← {value}",
    "acquire": "takes {what}",
    "release": "gives back {what}",
    "wait": "waits for {what}",
    "notify": "notifies {what}: {value}",
    "call": "{what} {value}",
    "start": "starts {what}",
}


@dataclass(slots=True)
class Row:
    """What one thread did at one line, without a switch in between.

    ``held`` are the locks that each thread holds afterwards, ``waiting`` the threads that wait. A row without a thread
    is a remark between rows: the switch that hurts, the failure, or what was left out.
    """

    thread: str
    where: str = ""
    source: str = ""
    effects: list[str] = field(default_factory=list)
    held: dict[str, list[str]] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    remark: str = ""
    hurts: bool = False
    fails: bool = False

    def sentence(self) -> str:
        """The row in words, for those who hear it."""
        if self.remark:
            return self.remark
        place = f" at {self.where}" if self.where else ""
        return f"{self.thread}{place}: {', '.join(self.effects)}"


def threads_of(failure: Mapping[str, Any]) -> list[str]:
    """The lanes, in the order in which the threads appear."""
    return list(dict.fromkeys(_text(event, "thread") for event in _events(failure) if _text(event, "thread")))


def rows_of(failure: Mapping[str, Any]) -> list[Row]:
    """The rows of a failure, at most ``MOST`` of them."""
    rows: list[Row] = []
    held: dict[str, list[str]] = {}
    waiting: set[str] = set()
    for event in _events(failure):
        kind, thread = _text(event, "kind"), _text(event, "thread")
        if kind != "fail":
            waiting.discard(thread)
        _hold(held, kind, thread, _text(event, "what"))
        if kind == "wait":
            waiting.add(thread)
        if kind == "switch":
            if event.get("hurts"):
                rows.append(_switch(event, rows))
        elif kind == "fail":
            rows.append(Row("", remark=_failed(failure, event), fails=True))
        elif kind in EFFECTS and not _is_plumbing(event):
            _add(rows, event)
        if rows:
            rows[-1].held = {name: list(locks) for name, locks in held.items() if locks}
            rows[-1].waiting = set(waiting)
    return _shortened(rows)


def headline(failure: Mapping[str, Any]) -> str:
    """What was found, in one line."""
    kinds = {
        "invariant": "It does not hold",
        "exception": "An exception",
        "deadlock": "Deadlock",
        "livelock": "Livelock",
    }
    kind, message = _text(failure, "kind"), _text(failure, "message")
    if kind in ("deadlock", "lost wake-up"):
        message = message.partition(". ")[0]  # who waits for whom is drawn
    return f"{kinds.get(kind, kind.capitalize())}: {message}" if message else kinds.get(kind, kind.capitalize())


def found(failure: Mapping[str, Any]) -> str:
    """How it was found: ``Found in schedule 3; one switch is enough.`` Empty where there are no schedules."""
    number, switches = failure.get("found_in"), failure.get("switches")
    if number is None and switches is None:
        return ""
    enough = {0: "no thread has to be interrupted for it", 1: "one switch is enough"}.get(
        switches if isinstance(switches, int) else -1, f"{switches} switches are enough"
    )
    return f"Found in schedule {number}; {enough}."


def _events(failure: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    events = failure.get("events")
    return [event for event in events if isinstance(event, Mapping)] if isinstance(events, list) else []


def _text(event: Mapping[str, Any], key: str) -> str:
    value = event.get(key, "")
    return value if isinstance(value, str) else str(value)


def _is_plumbing(event: Mapping[str, Any]) -> bool:
    """Reading the lock before taking it, an object before calling it: a step, but nothing to look at."""
    return event.get("kind") == "read" and _text(event, "value").startswith("<")


def _place(event: Mapping[str, Any]) -> str:
    return f"{_text(event, 'file')}:{_text(event, 'line')}" if event.get("file") and event.get("line") else ""


def _hold(held: dict[str, list[str]], kind: str, thread: str, lock: str) -> None:
    locks = held.setdefault(thread, [])
    if kind == "acquire":
        locks.append(lock)
    elif kind == "release":
        # A lock may be given back by another thread than took it.
        for owner in (locks, *held.values()):
            if lock in owner:
                owner.remove(lock)
                break


def _add(rows: list[Row], event: Mapping[str, Any]) -> None:
    said = EFFECTS[_text(event, "kind")]
    if event.get("kind") == "write" and f"{_text(event, 'what')}(" in _text(event, "source"):
        said = "{what}() → {value}"  # a method that changes its object, such as append
    effect = said.format(what=_text(event, "what"), value=_text(event, "value")).strip()
    thread, where = _text(event, "thread"), _place(event)
    if rows and rows[-1].thread == thread and rows[-1].where == where and not rows[-1].remark:
        if effect not in rows[-1].effects[-RECENT:]:
            rows[-1].effects.append(effect)
    else:
        rows.append(Row(thread, where, _text(event, "source"), [effect]))


def _switch(event: Mapping[str, Any], rows: list[Row]) -> Row:
    before, after, why = _text(event, "thread"), _text(event, "what"), _text(event, "value")
    place = f" at {rows[-1].where}" if rows and rows[-1].where and rows[-1].thread == before else ""
    verb = {"waits": "waits", "ends": "ends"}.get(why, f"is interrupted{place}")
    return Row("", remark=f"{before} {verb}, {after} goes on", hurts=True)


def _failed(failure: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    return headline({"kind": _text(event, "what") or _text(failure, "kind"), "message": _text(event, "value")})


def _shortened(rows: list[Row]) -> list[Row]:
    if len(rows) <= MOST:
        return rows
    left_out = len(rows) - MOST
    return [*rows[:KEPT_AT_START], Row("", remark=f"{left_out} rows left out"), *rows[KEPT_AT_START + left_out :]]
