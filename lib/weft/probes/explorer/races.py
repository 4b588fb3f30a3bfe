"""Who touched what, ordered by what: finds shared data, and data that nothing protects.

Eraser's idea with vector clocks instead of locksets, for these give no false alarm on data that is handed over by a
join or a queue: two accesses, at least one of them a write, are unordered if no lock, start or join lies between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weft.probes.explorer.strands import Strand
    from weft.probes.explorer.values import Variable

Clock = dict[int, int]


def merge(into: Clock, other: Clock) -> None:
    """What has happened before ``other`` has now happened before ``into`` too."""
    for index, time in other.items():
        if time > into.get(index, 0):
            into[index] = time


class History:
    """The accesses to one variable in one run."""

    __slots__ = ("label", "owner", "reads", "write")

    def __init__(self, variable: Variable) -> None:
        self.label = variable.label
        self.owner = variable.owner  # keeps its id from being given to another object
        self.write: tuple[int, int] | None = None
        self.reads: Clock = {}


class Races:
    """All variables of one run.

    ``shared`` are the labels that several threads touched and one of them wrote, ``unprotected`` those whose accesses
    were unordered.
    """

    def __init__(self) -> None:
        self.histories: dict[Any, History] = {}
        self.groups: dict[Any, tuple[set[int], set[str], list[bool]]] = {}
        self.shared: set[str] = set()
        self.unprotected: set[str] = set()

    def access(self, strand: Strand, variable: Variable, write: bool, building: bool) -> None:
        """``strand`` reads or writes ``variable``; ``building``: in the ``__init__`` of the object itself."""
        key = variable.key or (variable.label, id(variable.owner))
        history = self.histories.get(key)
        if history is None:
            history = self.histories[key] = History(variable)
        self._share(strand, variable, write and not building)
        if variable.key and self._unordered(strand, history, write):
            self.unprotected.add(history.label)
        now = strand.clock[strand.index]
        if write:
            history.write = (strand.index, now)
            history.reads = {}
        else:
            history.reads[strand.index] = now

    def _share(self, strand: Strand, variable: Variable, write: bool) -> None:
        """Items of a container count as one here: ``pop`` touches an item that it does not name."""
        key = variable.key
        group = id(variable.owner) if key is None or len(key) > 2 else key
        strands, labels, written = self.groups.setdefault(group, (set(), set(), [False]))
        strands.add(strand.index)
        labels.add(variable.label)
        written[0] |= write
        if written[0] and len(strands) > 1:
            self.shared |= labels

    @staticmethod
    def _unordered(strand: Strand, history: History, write: bool) -> bool:
        seen = strand.clock.get
        if history.write and history.write[1] > seen(history.write[0], 0):
            return True
        return write and any(time > seen(index, 0) for index, time in history.reads.items())
