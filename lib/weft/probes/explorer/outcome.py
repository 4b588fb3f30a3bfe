"""What an exploration found, as plain data that travels as JSON.

A *schedule* is ``{"decisions": [[thread, step, next], …]}``: when ``thread`` comes to its own ``step``-th point,
``next`` goes on instead. Wherever nothing is decided, a thread goes on until it waits or ends, and then the next one in
the order of their starts goes on that can. An empty list is the calm schedule: no thread is ever interrupted.

An *event* of the picture is a dictionary with always the same keys:

=========  ============================================================================================================
``step``   int, from 1, over all threads: events of one step belong together
``time``   virtual seconds since the start
``thread`` whose lane it is in
``kind``   one of the kinds below
``what``   "self.count", a lock's name, a thread's name …
``value``  short text: the value read or written, how long a sleep …; "" if there is none
``module`` the answer's module, "" for a line of the scenario
``file``   the file's base name; ``line`` its line, 0 if there is none; ``source`` that line's text, stripped
``hurts``  true for the switches that make the failure happen: without them it does not
=========  ============================================================================================================

Kinds, and what ``what`` and ``value`` are:

==============  =======================================================================================================
``start``       the thread that is started, in the lane of the one that starts it
``end``         its lane ends
``read``        the variable as written in that line ("self.count"), and what was read
``write``       the variable as written in that line, and what was written
``acquire``     a lock that the answer made ("Account.lock #2")
``release``     the same
``call``        a library call that took a step ("Queue.get")
``wait``        what it waits for; the lane is idle until the thread's next event
``notify``      the condition; "wakes 1" or "nobody waits"
``switch``      the thread that goes on; why: "preempted", "waits" or "ends"
``fail``        the kind of failure; its message
==============  =======================================================================================================
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

Event = dict[str, Any]
Schedule = dict[str, Any]

#: The reason of an outcome that is nobody's but the answer's doing.
SWITCHED_OFF = "The answer switched off the tracing that the explorer needs."

#: Kinds of failure.
INVARIANT, EXCEPTION, DEADLOCK, LIVELOCK, LOST = "invariant", "exception", "deadlock", "livelock", "lost wake-up"


@dataclass
class Hold:
    """A lock that a thread holds, and the line where it took it ("bank.py:12")."""

    lock: str
    since: str


@dataclass
class Wait:
    """One thread of a wait-for graph.

    ``what`` is what it waits for ("Account.lock #2", "Queue.get", "thread T1 to end"), ``where`` the line
    ("bank.py:14", "" if there is none), ``held_by`` the thread that has it, or "" if no single thread does.
    """

    thread: str
    holds: list[Hold]
    what: str
    where: str
    source: str = ""
    held_by: str = ""

    def sentence(self) -> str:
        holds = ", ".join(f"{hold.lock} (since {hold.since})" if hold.since else hold.lock for hold in self.holds)
        place = f" at {self.where}" if self.where else ""
        holder = f", which {self.held_by} holds" if self.held_by and f"{self.held_by} " not in self.what else ""
        return f"{self.thread} holds {holds or 'nothing'} and waits{place} for {self.what}{holder}."


@dataclass
class Failure:
    """What went wrong in one schedule.

    ``kind`` is "invariant" (an assertion of the scenario), "exception" (uncaught, in any thread), "deadlock",
    "livelock" or "lost wake-up". ``found_in`` is the number of the schedule, from 1. ``switches`` counts the decisions
    that are left after shrinking. ``repeats`` says whether replaying the schedule gave the same failure again.
    """

    kind: str
    message: str
    thread: str
    schedule: Schedule
    events: list[Event] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    traceback: list[str] = field(default_factory=list)
    error: str = ""
    found_in: int = 0
    switches: int = 0
    repeats: bool = True

    def same_as(self, other: Failure | None) -> bool:
        """Whether it is the same mistake that shows: the same kind, and for errors of the same type."""
        return other is not None and (self.kind, self.error) == (other.kind, other.error)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Failure:
        waits = [Wait(**{**wait, "holds": [Hold(**hold) for hold in wait["holds"]]}) for wait in data["waits"]]
        return cls(**{**data, "waits": waits})

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Coverage:
    """How much was seen.

    ``interleavings`` counts the different orders in which shared data was touched, ``switch_points`` the different
    places at which a thread was interrupted, ``shared`` names the data that several threads touched.
    """

    interleavings: int = 0
    switch_points: int = 0
    shared: list[str] = field(default_factory=list)
    threads: int = 0
    steps: int = 0
    seconds: float = 0.0


@dataclass
class Returned:
    """One value that the scenario returned, how often, and a schedule in which it did."""

    value: Any
    times: int
    schedule: Schedule


@dataclass
class Run:
    """One run under one schedule.

    ``outcome`` is "holds", "fails" or "inconclusive" (then ``reason`` says why). ``elapsed`` is in virtual seconds.
    ``result`` is what the scenario returned. ``events`` are recorded by ``replay`` only.
    """

    outcome: str
    reason: str = ""
    result: Any = None
    elapsed: float = 0.0
    steps: int = 0
    schedule: Schedule = field(default_factory=dict)
    failure: Failure | None = None
    events: list[Event] = field(default_factory=list)
    output: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return self.outcome == "holds"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Run:
        failure = data.get("failure")
        return cls(**{**data, "failure": Failure.from_json(failure) if failure else None})


@dataclass
class Exploration:
    """What many schedules showed.

    ``outcome`` is "holds", "fails" or "inconclusive" (then ``reason`` says why). ``unprotected`` names data that
    threads touched, and wrote, with nothing that orders them: "Counter.count". ``returned`` lists the different values
    of the scenario. ``cannot_see`` says in sentences what no schedule of this explorer can show.
    """

    outcome: str
    schedules: int
    reason: str = ""
    failure: Failure | None = None
    unprotected: list[str] = field(default_factory=list)
    coverage: Coverage = field(default_factory=Coverage)
    returned: list[Returned] = field(default_factory=list)
    cannot_see: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seed: int = 0

    @property
    def holds(self) -> bool:
        return self.outcome == "holds"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Exploration:
        failure = data.get("failure")
        return cls(
            **{
                **data,
                "failure": Failure.from_json(failure) if failure else None,
                "coverage": Coverage(**data["coverage"]),
                "returned": [Returned(**row) for row in data["returned"]],
            }
        )
