"""Writes down one run, event by event, for the picture. Only replays are recorded: it costs ten times the run."""

from __future__ import annotations

import sys
from types import FrameType
from typing import TYPE_CHECKING, Any

from weft.probes.explorer.deadlocks import described
from weft.probes.explorer.outcome import Event, Failure
from weft.probes.explorer.places import Place, place_of
from weft.probes.explorer.points import Site
from weft.probes.explorer.values import Variable, current_value, short

if TYPE_CHECKING:
    from weft.probes.explorer.locks import Lock
    from weft.probes.explorer.scheduler import Scheduler
from weft.probes.explorer.strands import Strand

#: More than anybody reads; a run that is longer is cut, and says so.
MOST = 2000


class Recorder:
    """The events of one run. ``names`` are the modules by the path of their file."""

    def __init__(self, scheduler: Scheduler, names: dict[str, str]) -> None:
        self.scheduler, self.names = scheduler, names
        self.rows: list[Event] = []
        self.pending: dict[int, tuple[Site, FrameType, Event]] = {}
        self.touched: dict[str, set[int]] = {}
        self.written: set[str] = set()

    def note(self, strand: Strand, kind: str, what: str, value: str = "", place: Place | None = None) -> Event:
        """Write one event down. Without ``place`` it is where the calling thread is."""
        place = place or place_of(sys._getframe(1), self.scheduler.files)
        row: Event = {
            "step": self.scheduler.steps,
            "time": self.scheduler.now,
            "thread": strand.name,
            "kind": kind,
            "what": what,
            "value": value,
            "module": self.names.get(place.path, "") if place else "",
            "file": place.file if place else "",
            "line": place.line if place else 0,
            "source": place.source if place else "",
            "hurts": False,
        }
        if (len(self.rows) < MOST or kind in ("fail", "end")) and not self.scheduler.over:
            self.rows.append(row)
        return row

    def access(self, strand: Strand, site: Site, frame: FrameType, variable: Variable) -> None:
        """A read, with what is read; or a write, whose value is known when the thread comes to its next point."""
        self.touched.setdefault(variable.label, set()).add(strand.index)
        value = "" if site.kind == "write" else short(current_value(site, frame))
        row = self.note(strand, site.kind, site.text, value, Place(frame.f_code.co_filename, site.line))
        row["variable"] = variable.label
        if site.kind == "write":
            self.written.add(variable.label)
            self.pending[strand.index] = site, frame, row

    def flush(self, strand: Strand) -> None:
        """The write that was pending has been done: read what it wrote, before anybody else can change it."""
        if strand.index in self.pending:
            site, frame, row = self.pending.pop(strand.index)
            row["value"] = short(current_value(site, frame))

    def acquired(self, strand: Strand, lock: Lock) -> None:
        if lock.plain:
            self.note(strand, "acquire", lock.name)["lock"] = lock
            return
        place = place_of(sys._getframe(1), self.scheduler.files)
        if place is None or not place.call or place.call.startswith(("Thread.", "Condition.")):
            return
        last = next((row for row in reversed(self.rows) if row["thread"] == strand.name), None)
        if last is None or (last["kind"], last["what"], last["line"]) != ("call", place.call, place.line):
            self.note(strand, "call", place.call, place=place)

    def released(self, strand: Strand, lock: Lock) -> None:
        if lock.plain:
            self.note(strand, "release", lock.name)["lock"] = lock

    def waiting(self, strand: Strand) -> None:
        frame = sys._getframe(2)
        place = place_of(frame, self.scheduler.files)
        row = self.note(strand, "wait", described(strand, frame, place), place=place)
        if strand.waits_for and strand.waits_for[0] == "lock" and strand.waits_for[1].plain:
            row["lock"] = strand.waits_for[1]

    def switch(self, strand: Strand, after: Strand, why: str, decided: bool) -> None:
        row = self.note(strand, "switch", after.name, why)
        row["hurts"] = decided and why == "preempted"

    def failed(self, failure: Failure, place: Place | None) -> None:
        strand = next((one for one in self.scheduler.strands if one.name == failure.thread), self.scheduler.strands[0])
        self.note(strand, "fail", failure.kind, failure.message, place)

    def events(self) -> list[Event]:
        """All events, without the reads and writes of what one thread alone touched, or nobody wrote."""
        shared = {label for label, strands in self.touched.items() if len(strands) > 1 and label in self.written}
        return [self._finished(row) for row in self.rows if row.get("variable") in (None, *shared)]

    @staticmethod
    def _finished(row: Event) -> Event:
        lock: Any = row.get("lock")
        if lock is not None and row["kind"] in ("acquire", "release"):
            row["what"] = lock.name  # by now it is known whether there are several of this name
        return {key: value for key, value in row.items() if key not in ("variable", "lock")}
