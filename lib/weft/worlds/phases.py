"""Phases of work for a switcher: tasks that wait, that hold the interpreter's lock, that do both, or next to nothing.

Each task is a function of one item ``(log, number, seconds)`` and returns ``number``. It notes in the file ``log`` when
it began and ended, in which process and thread. So what ran where is told by the work itself. Holding the lock by
sleeping makes parallel work independent of the machine's cores: four processes overlap, four threads do not.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from weft.trace import Trace
from weft.worlds.csv_hook import sleep_holding_the_lock
from weft.worlds.notes import note

#: What every task takes: the log's path, the task's number, and how many seconds it lasts.
Item = tuple[str, int, float]

#: How long one task of each kind is, in seconds, in :func:`plan`.
SECONDS = 0.006


def waiting(item: Item) -> int:
    """Sleeps as input and output do: other threads run meanwhile."""
    return _noted(item, time.sleep)


def holding(item: Item) -> int:
    """Computes: no other thread of the process runs meanwhile."""
    return _noted(item, sleep_holding_the_lock)


def mixed(item: Item) -> int:
    """Waits for nine tenths of its time, and holds the lock for the rest."""

    def both(seconds: float) -> None:
        time.sleep(0.9 * seconds)
        sleep_holding_the_lock(0.1 * seconds)

    return _noted(item, both)


def tiny(item: Item) -> int:
    """Is done before anybody could have been asked to help; it does not even note that it was there."""
    return item[1]


async def awaiting(item: Item) -> int:
    """Waits on the event loop."""
    _note(item, "enter")
    await asyncio.sleep(item[2])
    _note(item, "leave")
    return item[1]


def failing(item: Item) -> int:
    """As :func:`waiting`, but every fifth one, beginning with number 3, ends in a ValueError that names it."""
    if waiting(item) % 5 == 3:
        raise ValueError(f"number {item[1]} cannot be done")
    return item[1]


def dying(item: Item) -> int:
    """As :func:`waiting`, but number 3 takes its process with it, as if the system had run out of memory."""
    if item[1] == 3:
        os._exit(1)
    return waiting(item)


@dataclass(frozen=True, slots=True)
class Phase:
    """So many batches of so many tasks of one kind."""

    kind: str
    batches: int
    tasks: int
    seconds: float = SECONDS

    @property
    def function(self) -> Callable[[Item], Any]:
        """The task itself."""
        return globals()[self.kind]

    def items(self, log: str) -> list[Item]:
        """The items of one batch."""
        return [(log, number, self.seconds) for number in range(self.tasks)]


def plan(names: Sequence[str], batches: int = 4, tasks: int = 32, seconds: float = SECONDS) -> list[Phase]:
    """A phase for each name; tiny ones have a hundred times as many tasks in a batch."""
    return [Phase(name, batches, tasks * (100 if name == "tiny" else 1), seconds) for name in names]


def _noted(item: Item, act: Callable[[float], None]) -> int:
    _note(item, "enter")
    act(item[2])
    _note(item, "leave")
    return item[1]


def _note(item: Item, kind: str) -> None:
    note(item[0], kind, str(item[1]), here())


def models_used(trace: Trace, home: str) -> list[str]:
    """The model of each task in the order in which they began: ``home`` is the actor that called for them.

    ``"serial"`` for a task that ran there, ``"processes"`` for one in another process, ``"threads"`` for one in another
    thread of the same.
    """
    pid = home.partition(" ")[0]
    return [
        "serial" if event.actor == home else "threads" if event.actor.partition(" ")[0] == pid else "processes"
        for event in trace.of("enter")
    ]


def here() -> str:
    """This process and thread, as a trace names an actor."""
    return f"{os.getpid()} {threading.get_ident()}"


def at_once(trace: Trace) -> dict[str, int]:
    """The largest number of threads and of processes that were inside tasks at the same moment."""
    inside: dict[str, int] = {}
    most = {"threads": 0, "processes": 0}
    for event in trace.of("enter", "leave"):
        inside[event.actor] = inside.get(event.actor, 0) + (1 if event.kind == "enter" else -1)
        busy = [actor for actor, tasks in inside.items() if tasks > 0]
        most["threads"] = max(most["threads"], len(busy))
        most["processes"] = max(most["processes"], len({actor.partition(" ")[0] for actor in busy}))
    return most
