"""No running totals: one dictionary, copied under a lock, and sums made when somebody asks."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from transfer import Item


@dataclass(frozen=True)
class Snapshot:
    """All numbers of one moment."""

    total: int
    received: int
    speed: float
    done: int
    failed: int
    remaining: int
    files: dict[str, int]


class Progress:
    """How far each file is, and all of them together."""

    def __init__(self, items: Iterable[Item], clock: Callable[[], float] = time.monotonic) -> None:
        self.sizes = {item.name: item.size for item in items}
        self.files = {name: 0 for name in self.sizes}
        self.ended: dict[str, bool] = {}
        self.arrivals: list[tuple[float, int]] = []
        self.clock = clock
        self.guard = threading.RLock()

    def update(self, name: str, received: int) -> None:
        """File ``name`` has ``received`` bytes by now."""
        with self.guard:
            self.arrivals.append((self.clock(), received - self.files[name]))
            self.files[name] = received

    def finish(self, name: str) -> None:
        """File ``name`` is complete."""
        with self.guard:
            self.ended[name] = True

    def fail(self, name: str) -> None:
        """File ``name`` was given up."""
        with self.guard:
            self.ended[name] = False
            self.files[name] = 0

    def snapshot(self) -> Snapshot:
        """All numbers, taken at one moment."""
        with self.guard:
            files, ended, now = dict(self.files), list(self.ended.values()), self.clock()
            self.arrivals = [arrival for arrival in self.arrivals if arrival[0] > now - 1]
            speed = float(max(0, sum(size for _, size in self.arrivals)))
        done = sum(ended)
        failed = len(ended) - done
        return Snapshot(
            sum(self.sizes.values()), sum(files.values()), speed, done, failed, len(files) - done - failed, files
        )
