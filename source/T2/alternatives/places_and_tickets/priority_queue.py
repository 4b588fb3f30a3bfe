"""Nobody waits at a condition: a place has to be had before an item goes in, and a ticket before one comes out.

Both are tokens in a queue of the standard library, which does all the waiting.
"""

import queue
import threading
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Tokens = queue.SimpleQueue[bool]


class Closed(Exception):
    """The queue is closed."""


class PriorityQueue(Generic[Item]):
    """Holds at most ``bound`` items."""

    def __init__(self, bound: int, levels: int = 4) -> None:
        if bound < 1 or levels < 1:
            raise ValueError(f"neither {bound} places nor {levels} levels make a queue")
        self.lines: tuple[deque[Item], ...] = tuple(deque() for _ in range(levels))
        self.places: Tokens = queue.SimpleQueue()
        self.tickets: Tokens = queue.SimpleQueue()
        self.closed = False
        self.guard = threading.Lock()
        for _ in range(bound):
            self.places.put(True)

    def put(self, item: Item, priority: int) -> None:
        """Add one item."""
        self.put_many([item], priority)

    def put_many(self, items: Sequence[Item], priority: int) -> None:
        """Add items of one level."""
        if not 0 <= priority < len(self.lines):
            raise ValueError(f"there is no level {priority}")
        start = 0
        while start < len(items):
            places = self._take(self.places, len(items) - start)
            with self.guard:
                if self.closed:
                    raise Closed
                self.lines[priority].extend(items[start : start + places])
                for _ in range(places):
                    self.tickets.put(True)
            start += places

    def get(self) -> Item:
        """Remove one item."""
        return self.get_many(1)[0]

    def get_many(self, most: int) -> list[Item]:
        """Remove up to so many items."""
        tickets = self._take(self.tickets, most)
        with self.guard:
            taken = [self._pop() for _ in range(tickets)]
        for _ in taken:
            self.places.put(True)
        return taken

    def close(self) -> None:
        """The last token of each kind says that there are no more; whoever finds it leaves it for the next."""
        with self.guard:
            self.closed = True
            self.tickets.put(False)
            self.places.put(False)

    def depths(self) -> list[int]:
        """How many items each level holds."""
        with self.guard:
            return [len(line) for line in self.lines]

    def _pop(self) -> Item:
        return next(line for line in self.lines if line).popleft()

    def _take(self, tokens: Tokens, most: int) -> int:
        """Wait for one token, take up to ``most`` of those that are there, and return how many it were."""
        if not tokens.get():
            tokens.put(False)
            raise Closed
        count = 1
        while count < most and not tokens.empty():
            try:
                good = tokens.get_nowait()
            except queue.Empty:
                return count
            if not good:
                tokens.put(False)
                return count
            count += 1
        return count
