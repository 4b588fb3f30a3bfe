"""A process for each segment: it computes one, writes one slot, ends. Its exit is the message."""

import math
import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np
from coordinator import Coordinator, Progress
from sieve import SIZE, base_primes, count_primes, split

Work = Callable[[int, int, np.ndarray], int]


class PrimeCalculator:
    """Counts the primes up to ``n``. Raises ValueError for what makes no sense."""

    def __init__(
        self,
        n: int,
        *,
        workers: int = 4,
        size: int = SIZE,
        attempts: int = 3,
        work: Work = count_primes,
        start_method: str | None = None,
    ) -> None:
        if n < 2:
            raise ValueError(f"there are no primes up to {n}: n must be 2 or more")
        if min(workers, size, attempts) < 1:
            raise ValueError(f"workers, size and attempts must be positive, not {workers}, {size} and {attempts}")
        self.segments = split(n, size)
        self.workers = workers
        self.work = work
        self.base = base_primes(math.isqrt(n))
        self.books = Coordinator(self.segments, attempts)
        self.context: Any = multiprocessing.get_context(start_method)

    def progress(self) -> Progress:
        """How far it is."""
        return self.books.progress()

    def run(self) -> int:
        """Count, and return π(n)."""
        memory: Any = SharedMemory(create=True, size=8 * len(self.segments))
        running: dict[Any, tuple[int, Any]] = {}
        slots = memory.buf.cast("q")
        try:
            while not self.books.over:
                while len(running) < self.workers and self._start_one(memory.name, running):
                    pass
                for sentinel in wait(list(running)):
                    place, process = running.pop(sentinel)
                    self._bury(place, process, slots)
            return sum(slots[number] - 1 for number in range(len(self.segments)))
        finally:
            for _, process in running.values():
                process.kill()
                process.join()
            slots.release()
            memory.close()
            memory.unlink()

    def _start_one(self, name: str, running: dict) -> bool:
        """Start a process for the next segment, on the lowest free place; False if none waits."""
        place = min(set(range(self.workers)) - {worker for worker, _ in running.values()})
        number = self.books.take(place)
        if number is None:
            return False
        about = (name, number, len(self.segments), self.segments[number], self.base, self.work)
        process = self.context.Process(target=compute_one, args=about)
        process.start()
        running[process.sentinel] = place, process
        return True

    def _bury(self, place: int, process: multiprocessing.Process, slots: memoryview) -> None:
        """A process has ended: its slot tells whether it got far enough."""
        process.join()
        number = self.books.holds(place)
        found = 0 if number is None else slots[number]
        if found:
            self.books.finish(place, found - 1)
        if process.exitcode:
            self.books.lose(place)


def compute_one(name: str, number: int, count: int, segment: tuple[int, int], base: np.ndarray, work: Work) -> None:
    """Compute one segment. A slot holds one more than its primes: fresh shared memory is all zeros."""
    memory: Any = SharedMemory(name)
    found = work(*segment, base)
    slots = memory.buf.cast("q")
    slots[number] = found + 1
    slots.release()
    memory.close()
