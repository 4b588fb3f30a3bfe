"""A queue with four levels and a bound, in the plainest way: what an answer's CPU time per message stands beside."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from weft.worlds.log_plan import LEVELS


class ConditionQueue:
    """One lock, two conditions, a deque for each level. ``bound`` is the number of items that fit in."""

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.levels: list[deque[Any]] = [deque() for _ in LEVELS]
        self.size = 0
        self.lock = threading.Lock()
        self.not_full = threading.Condition(self.lock)
        self.not_empty = threading.Condition(self.lock)

    def put(self, item: Any, priority: int) -> None:
        """Add one item; block while the queue is full."""
        with self.not_full:
            while self.size >= self.bound:
                self.not_full.wait()
            self.levels[priority].append(item)
            self.size += 1
            self.not_empty.notify()

    def get(self) -> Any:
        """Remove the oldest item of the most urgent level; block while the queue is empty."""
        with self.not_empty:
            while not self.size:
                self.not_empty.wait()
            self.size -= 1
            self.not_full.notify()
            return next(level for level in self.levels if level).popleft()
