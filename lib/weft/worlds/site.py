"""What a file server, real or simulated, serves between two resets: files, their faults, and the trace."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from weft.trace import Event
from weft.worlds.contents import content
from weft.worlds.faults import Fault

#: A trace is not longer than this; whoever floods the server floods no memory.
MOST_EVENTS = 200_000


@dataclass(slots=True)
class File:
    """One file.

    Its name and size, the faults that are still to come, in order, how often the first of them has been used, and its
    bytes: made now, not while somebody waits for them.
    """

    name: str
    size: int
    faults: list[Fault] = field(default_factory=list)
    used: int = 0
    data: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.data = content(self.name, self.size)

    def next_fault(self) -> Fault | None:
        """The fault for this request, if any."""
        while self.faults:
            fault = self.faults[0]
            if fault.times is None or self.used < fault.times:
                self.used += 1
                return fault
            self.faults.pop(0)
            self.used = 0
        return None


class Site:
    """What is served between two resets, and its trace."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.files: dict[str, File] = {}
        self.latency = 0.0
        self.connect_cost = 0.0
        self.events: list[Event] = []

    def log(self, kind: str, subject: str = "", actor: str = "", value: float = 0.0) -> None:
        """Note an event, now. The one after the last that fits is ``overflow``; what comes then is not noted."""
        if len(self.events) < MOST_EVENTS:
            self.events.append(Event(time.monotonic(), kind, subject, actor, value))
        elif len(self.events) == MOST_EVENTS:
            self.events.append(Event(time.monotonic(), "overflow"))
