"""What happened, in order: the one vocabulary that worlds write, checks judge and charts draw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a world saw.

    ``time`` is in seconds of the machine's monotonic clock (the same for all processes of one machine) or of the
    virtual clock. ``kind`` says what happened (``"arrive"``, ``"depart"``, ``"connect"`` …), ``subject`` to what
    (a file, a page, a segment), ``actor`` who did it (a connection, a worker), ``value`` how much (bytes, a status).
    """

    time: float
    kind: str
    subject: str = ""
    actor: str = ""
    value: float = 0.0


class Trace:
    """Events in order of time."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.events = sorted(events, key=lambda event: event.time)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def where(self, predicate: Callable[[Event], bool]) -> Trace:
        """The events for which ``predicate`` holds."""
        return Trace(event for event in self.events if predicate(event))

    def of(self, *kinds: str) -> Trace:
        """The events of these kinds."""
        return self.where(lambda event: event.kind in kinds)

    def between(self, start: float, end: float) -> Trace:
        """The events with ``start <= time < end``."""
        return self.where(lambda event: start <= event.time < end)

    def count(self, kind: str, subject: str | None = None) -> int:
        """How many events of ``kind`` there were, for one subject or for all."""
        return sum(event.kind == kind and subject in (None, event.subject) for event in self.events)

    def subjects(self, kind: str) -> Counter[str]:
        """How many events of ``kind`` each subject has."""
        return Counter(event.subject for event in self.events if event.kind == kind)

    def peak(self, start: str = "arrive", end: str = "depart") -> int:
        """The largest number of intervals, each opened by ``start`` and closed by ``end``, that were open at once."""
        open_now = highest = 0
        for event in self.of(start, end):
            open_now += 1 if event.kind == start else -1
            highest = max(highest, open_now)
        return highest

    def span(self) -> float:
        """Seconds from the first event to the last; 0.0 for an empty trace."""
        return self.events[-1].time - self.events[0].time if self.events else 0.0

    def to_json(self) -> list[dict[str, Any]]:
        """One dictionary per event."""
        return [asdict(event) for event in self.events]

    @classmethod
    def from_json(cls, rows: Iterable[dict[str, Any]]) -> Trace:
        """The inverse of :meth:`to_json`; unknown keys are left out."""
        names = {field.name for field in fields(Event)}
        return cls(Event(**{key: value for key, value in row.items() if key in names}) for row in rows)
