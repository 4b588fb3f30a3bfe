"""A heap with a number that counts up between level and item, and one condition for everybody."""

import heapq
import itertools
import threading
from collections.abc import Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Closed(Exception):
    """The queue is closed."""


class PriorityQueue(Generic[Item]):
    """Holds at most ``bound`` items."""

    def __init__(self, bound: int, levels: int = 4) -> None:
        if min(bound, levels) <= 0:
            raise ValueError("a queue without places or levels")
        self.bound, self.levels = bound, levels
        self.heap: list[tuple[int, int, Item]] = []
        self.numbers = itertools.count()
        self.open = True
        self.changed = threading.Condition()

    def put(self, item: Item, priority: int) -> None:
        """Add one item."""
        if priority not in range(self.levels):
            raise ValueError(f"no level {priority}")
        with self.changed:
            self.changed.wait_for(lambda: len(self.heap) < self.bound or not self.open)
            if not self.open:
                raise Closed
            heapq.heappush(self.heap, (priority, next(self.numbers), item))
            self.changed.notify_all()

    def put_many(self, items: Sequence[Item], priority: int) -> None:
        """Add items of one level, all that fit under one hold of the lock."""
        if priority not in range(self.levels):
            raise ValueError(f"no level {priority}")
        todo = iter(items)
        left = len(items)
        while left:
            with self.changed:
                self.changed.wait_for(lambda: len(self.heap) < self.bound or not self.open)
                if not self.open:
                    raise Closed
                while left and len(self.heap) < self.bound:
                    heapq.heappush(self.heap, (priority, next(self.numbers), next(todo)))
                    left -= 1
                self.changed.notify_all()

    def get(self) -> Item:
        """Remove one item."""
        (item,) = self.get_many(1)
        return item

    def get_many(self, most: int) -> list[Item]:
        """Remove up to so many items."""
        with self.changed:
            self.changed.wait_for(lambda: self.heap or not self.open)
            if not self.heap:
                raise Closed
            taken = [heapq.heappop(self.heap)[2] for _ in range(min(most, len(self.heap)))]
            self.changed.notify_all()
            return taken

    def close(self) -> None:
        """Take nothing more in."""
        with self.changed:
            self.open = False
            self.changed.notify_all()

    def depths(self) -> list[int]:
        """How many items each level holds."""
        with self.changed:
            held = [level for level, _, _ in self.heap]
        return [held.count(level) for level in range(self.levels)]
