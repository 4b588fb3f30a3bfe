"""What a run on the virtual clock found, as plain data that travels as JSON.

``outcome`` is "holds", "fails" or "inconclusive", as in :mod:`weft.probes.explorer.outcome`. Times are virtual seconds.
Kinds of failure: "invariant" (a failed assertion), "exception" (anything else that the scenario raised), "deadlock"
(every task waits, and nothing is left that could wake one), "livelock" (tasks run for ever while the clock stands
still) and "too long" (the limit of virtual seconds, or of steps in all).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

INVARIANT, EXCEPTION, DEADLOCK, LIVELOCK, TOO_LONG = "invariant", "exception", "deadlock", "livelock", "too long"
#: What a task waits for that does not wait.
READY = "nothing: it is ready to run"


@dataclass(frozen=True)
class Line:
    """A line that a coroutine stands at. ``path`` is the whole path, ``file`` its base name, ``source`` the text."""

    file: str
    line: int
    function: str
    source: str
    path: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Held:
    """A lock or semaphore that a task holds, and the line where it took it ("bank.py:12", "" if unknown)."""

    lock: str
    since: str


@dataclass(frozen=True)
class WaitingTask:
    """A task that had not ended.

    ``coroutine`` is the chain of the answer's coroutines from the task's own to the one that waits; lines of libraries
    are left out. ``waits_for`` is a phrase: "Account.lock, held by task B (acquired at bank.py:12)", "Event done, never
    set", "Queue.get on jobs (empty)". ``held_by`` names the tasks that hold what it waits for.
    """

    name: str
    coroutine: tuple[Line, ...]
    waits_for: str
    holds: tuple[Held, ...] = ()
    held_by: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The innermost line, "bank.py:14", or ""."""
        return str(self.coroutine[-1]) if self.coroutine else ""

    def sentence(self) -> str:
        place = f" at {self.where}" if self.where else ""
        holds = ", ".join(f"{held.lock} (since {held.since})" if held.since else held.lock for held in self.holds)
        does = f"is ready to run{place}" if self.waits_for == READY else f"waits{place} for {self.waits_for}"
        return f"{self.name} {f'holds {holds} and ' if holds else ''}{does}."


@dataclass(frozen=True)
class VirtualFailure:
    """What went wrong. ``error`` is the exception's type, ``traceback`` its lines, ``tasks`` who had not ended."""

    kind: str
    message: str
    tasks: tuple[WaitingTask, ...] = ()
    error: str = ""
    traceback: tuple[str, ...] = ()

    def same_as(self, other: VirtualFailure | None) -> bool:
        """Whether it is the same mistake that shows: the same kind, and for errors of the same type."""
        return other is not None and (self.kind, self.error) == (other.kind, other.error)


@dataclass(frozen=True)
class VirtualRun:
    """One run. ``result`` is what the scenario returned, ``elapsed`` virtual seconds, ``steps`` turns of the loop.

    ``seed`` gives the same order of tasks again; None is asyncio's own. ``reason`` says why it is inconclusive.
    """

    outcome: str
    result: Any = None
    elapsed: float = 0.0
    steps: int = 0
    failure: VirtualFailure | None = None
    notes: tuple[str, ...] = ()
    reason: str = ""
    seed: int | None = None

    @property
    def holds(self) -> bool:
        return self.outcome == "holds"

    def to_json(self) -> dict[str, Any]:
        """Dictionaries, lists and plain values; a result that JSON cannot hold becomes its ``repr``."""
        return {**_plain({**asdict(self), "result": None}), "result": _as_json(self.result)}


@dataclass(frozen=True)
class Shuffled:
    """Many orders of one scenario.

    ``failure`` is the first one, ``seed`` gives it again (None: it fails in asyncio's own order), ``run`` is that run.
    ``orders`` counts the runs, ``distinct`` the different orders of tasks among them.
    """

    outcome: str
    orders: int
    distinct: int
    failure: VirtualFailure | None = None
    seed: int | None = None
    run: VirtualRun | None = None
    reason: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def holds(self) -> bool:
        return self.outcome == "holds"

    def to_json(self) -> dict[str, Any]:
        plain = _plain({**asdict(self), "run": None})
        return {**plain, "run": self.run.to_json() if self.run else None}


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """Tuples as lists, so that what was sent equals what arrives."""
    plain: dict[str, Any] = json.loads(json.dumps(data))
    return plain


def _as_json(value: Any) -> Any:
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError, RecursionError):
        return repr(value)[:500]
