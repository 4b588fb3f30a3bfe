"""Workers help themselves: segment numbers lie in one pipe that all workers read, four bytes at a time.

The kernel hands each number to one reader. Nobody is told anything; the supervisor looks at the slots now and then.
"""

import math
import multiprocessing
import os
import struct
from collections import Counter, deque
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np
from coordinator import Progress, SegmentError
from sieve import SIZE, Segment, base_primes, count_primes, split

Work = Callable[[int, int, np.ndarray], int]
NUMBER = struct.Struct("i")
MOST = 1000  # numbers in the pipe at once: many more would not fit
LOOK = 0.003  # seconds between two looks


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
            raise ValueError(f"n must be at least 2: {n}")
        if workers < 1 or size < 1 or attempts < 1:
            raise ValueError(f"not positive: workers={workers}, size={size} or attempts={attempts}")
        self.segments = split(n, size)
        self.workers = workers
        self.attempts = attempts
        self.base = base_primes(math.isqrt(n))
        self.work = work
        self.context: Any = multiprocessing.get_context(start_method)
        self.pending = deque(range(len(self.segments)))
        self.fed: set[int] = set()
        self.tried: Counter[int] = Counter()
        self.now = Progress(segments=len(self.segments), done=0, primes=0, lost=0, by_worker={})

    def progress(self) -> Progress:
        """How far it was at the last look: one object, exchanged as a whole."""
        return self.now

    def run(self) -> int:
        """Count, and return π(n)."""
        count = len(self.segments)
        memory: Any = SharedMemory(create=True, size=8 * (2 * count + self.workers))
        table = memory.buf.cast("q")  # primes of each segment, who found them, what each place is at
        for index in range(2 * count + self.workers):
            table[index] = -1
        numbers, feed = self.context.Pipe(duplex=False)
        crew = {place: self._hire(place, memory.name, numbers) for place in range(self.workers)}
        try:
            while self.now.done < count:
                self._feed(feed)
                wait([process.sentinel for process in crew.values()], timeout=LOOK)
                dead = [place for place, process in crew.items() if not process.is_alive()]
                self._look(table, len(dead))
                for place in dead:
                    self._after_a_death(place, table)
                    crew[place] = self._hire(place, memory.name, numbers)
                if dead:
                    self._find_lost_numbers(table, numbers)
            return self.now.primes
        finally:
            for process in crew.values():
                process.kill()
                process.join()
            table.release()
            memory.close()
            memory.unlink()

    def _hire(self, place: int, name: str, numbers: Connection) -> multiprocessing.Process:
        about = (place, name, numbers, self.segments, self.base, self.work)
        process = self.context.Process(target=serve, args=about, daemon=True)
        process.start()
        return process

    def _feed(self, feed: Connection) -> None:
        while self.pending and len(self.fed) - self.now.done < MOST:
            number = self.pending.popleft()
            self.fed.add(number)
            os.write(feed.fileno(), NUMBER.pack(number))

    def _look(self, table: memoryview, died: int) -> None:
        count = len(self.segments)
        found = [number for number in range(count) if table[number] >= 0]
        by_worker = Counter(table[count + number] for number in found)
        primes = sum(table[number] for number in found)
        self.now = Progress(count, len(found), primes, self.now.lost + died, dict(by_worker))

    def _after_a_death(self, place: int, table: memoryview) -> None:
        """Its place tells what it was at."""
        at = 2 * len(self.segments) + place
        number = table[at]
        table[at] = -1
        if number < 0 or table[number] >= 0:
            return
        self.tried[number] += 1
        if self.tried[number] >= self.attempts:
            start, stop = self.segments[number]
            raise SegmentError(f"from {start} to {stop}: {self.attempts} workers died of it")

    def _find_lost_numbers(self, table: memoryview, numbers: Connection) -> None:
        """Feed again what is neither done, nor under way, nor in the pipe. Twice does no harm: a slot is a slot."""
        while numbers.poll():
            self.pending.append(NUMBER.unpack(os.read(numbers.fileno(), NUMBER.size))[0])
        count = len(self.segments)
        under_way = {table[2 * count + place] for place in range(self.workers)}
        lost = [number for number in self.fed if table[number] < 0 and number not in under_way]
        self.pending.extendleft(number for number in lost if number not in self.pending)
        self.fed.difference_update(self.pending)


def serve(place: int, name: str, numbers: Connection, segments: list[Segment], base: np.ndarray, work: Work) -> None:
    """Take a number, say so, compute, write who it was and then what it found."""
    memory: Any = SharedMemory(name)
    with memory.buf.cast("q") as table:
        while True:
            number = NUMBER.unpack(os.read(numbers.fileno(), NUMBER.size))[0]
            table[2 * len(segments) + place] = number
            found = work(segments[number].start, segments[number].stop, base)
            table[len(segments) + number] = place
            table[number] = found
