"""The order in which tasks that are ready take their turns.

Only steps of tasks change places. Other callbacks keep theirs: transports rely on the documented order of those.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Mapping
from typing import Any

#: A task that is held back waits for at most so many turns of the loop, while others are ready.
HELD_BACK = 30


class Order:
    """``seed`` None leaves the order as it is. Every odd seed also holds about every third task back for a while.

    ``signature`` is a number that stands for the whole order.
    """

    def __init__(self, seed: int | None) -> None:
        self.random = random.Random(seed) if seed is not None else None
        self.holds_back = seed is not None and seed % 2 == 1
        self.held: list[tuple[int, Any]] = []
        self.late: dict[int, bool] = {}
        self.turn = 0
        self.signature = 0

    def mix(self, ready: deque[Any], numbers: Mapping[Any, int]) -> None:
        """Reorder ``ready`` in place. Other threads may append to it meanwhile."""
        self.turn += 1
        if len(ready) + len(self.held) < 2:
            return
        handles = [ready.popleft() for _ in range(len(ready))]
        found = [(index, _task(handle)) for index, handle in enumerate(handles)]
        tasks = [(index, numbers.get(task, 0)) for index, task in found if task is not None]
        if self.random is not None:
            handles = self._mixed(handles, tasks)
        elif len(tasks) > 1:
            self._sign([number for _, number in tasks])
        ready.extendleft(reversed(handles))

    def _mixed(self, handles: list[Any], tasks: list[tuple[int, int]]) -> list[Any]:
        assert self.random is not None
        slots = {index for index, _ in tasks}
        others = [handle for index, handle in enumerate(handles) if index not in slots]
        # By number: what a set gave out in the order of addresses must not make the same seed differ.
        own = [handles[index] for index, _ in sorted(tasks, key=lambda pair: pair[1])]
        own = self._kept(own, {id(handles[index]): number for index, number in tasks})
        if len(own) > 1:
            self.random.shuffle(own)
        if len(own) > 1 or self.held:
            known = {id(handles[index]): number for index, number in tasks}
            self._sign([known.get(id(handle), 0) for handle in own])
        if not own or len(own) != len(slots):
            return own + others
        queue = iter(own)
        return [next(queue) if index in slots else handle for index, handle in enumerate(handles)]

    def _kept(self, own: list[Any], numbers: dict[int, int]) -> list[Any]:
        """``own`` without those that are held back now, and with those whose time is over."""
        if not self.holds_back or self.random is None:
            return own
        now = []
        for handle in own:
            late = self.late.setdefault(numbers[id(handle)], self.random.random() < 1 / 3)
            if late and len(own) > 1:
                self.held.append((self.turn + self.random.randint(1, HELD_BACK), handle))
            else:
                now.append(handle)
        due = [handle for until, handle in self.held if until <= self.turn or not now]
        self.held = [pair for pair in self.held if pair[1] not in due]
        return now + due

    def _sign(self, numbers: list[int]) -> None:
        self.signature = hash((self.signature, *numbers))


def _task(handle: Any) -> Any:
    """The task that ``handle`` is a step of, or None."""
    owner = getattr(getattr(handle, "_callback", None), "__self__", None)
    return owner if isinstance(owner, asyncio.Task) else None
