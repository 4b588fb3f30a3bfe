"""A ProcessPoolExecutor that is built anew whenever a dead worker has broken it; results stand in a numpy array."""

import functools
import math
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np
from coordinator import Coordinator, Progress, SegmentError
from sieve import SIZE, Segment, base_primes, count_primes, split

Work = Callable[[int, int, np.ndarray], int]
EMPTY = -1


class PrimeCalculator:
    """Counts the primes up to ``n``. Raises ValueError for what makes no sense.

    A broken pool does not say who broke it. So after a break, those that were under way are tried one by one.
    """

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
            raise ValueError(f"n is {n}, and the first prime is 2")
        for name, value in {"workers": workers, "size": size, "attempts": attempts}.items():
            if value < 1:
                raise ValueError(f"{name} is {value}, and must be positive")
        self.segments = split(n, size)
        self.books = Coordinator(self.segments, attempts=1_000_000)
        self.attempts = attempts
        self.workers = workers
        self.start_method = start_method
        self.deaths = dict.fromkeys(range(len(self.segments)), 0)
        self.suspects: set[int] = set()
        self.task = functools.partial(compute, work=work, base=base_primes(math.isqrt(n)), segments=self.segments)

    def progress(self) -> Progress:
        """How far it is."""
        return self.books.progress()

    def run(self) -> int:
        """Count, and return π(n)."""
        memory: Any = SharedMemory(create=True, size=8 * len(self.segments))
        results = np.frombuffer(memory.buf, dtype=np.int64, count=len(self.segments))
        results[:] = EMPTY
        try:
            while not self.books.over:
                self._until_broken(memory.name, results)
            return int(results.sum())
        finally:
            del results
            memory.unlink()

    def _until_broken(self, name: str, results: np.ndarray) -> None:
        """Work with one pool until all is done, or it breaks."""
        context = multiprocessing.get_context(self.start_method)
        under_way: dict[Future, tuple[int, int]] = {}
        with ProcessPoolExecutor(self.workers, context) as pool:
            try:
                self._fill(pool, name, under_way)
                while under_way:
                    for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                        self._collect(future, *under_way[future], results)
                        del under_way[future]
                    self._fill(pool, name, under_way)
            except BrokenProcessPool:
                for worker, number in under_way.values():
                    self._after_a_break(worker, number, results)

    def _fill(self, pool: ProcessPoolExecutor, name: str, under_way: dict) -> None:
        """Hand out segments, as many as there are workers; a suspect alone."""
        places = set(range(self.workers)) - {worker for worker, _ in under_way.values()}
        for place in sorted(places):
            if any(number in self.suspects for _, number in under_way.values()):
                return
            number = self.books.take(place)
            if number is None:
                return
            if number in self.suspects and under_way:
                self.books.lose(place)
                return
            try:
                under_way[pool.submit(self.task, name, number)] = place, number
            except BrokenProcessPool:
                self.books.lose(place)
                raise

    def _collect(self, future: Future, worker: int, number: int, results: np.ndarray) -> None:
        error = future.exception()
        if isinstance(error, BrokenProcessPool):
            raise error
        if error is not None:
            raise SegmentError(f"the segment {self.segments[number]} cannot be computed") from error
        self.suspects.discard(number)
        self.books.finish(worker, int(results[number]))

    def _after_a_break(self, worker: int, number: int, results: np.ndarray) -> None:
        """Count what was written before the break. The rest are suspects: any of them may have done it."""
        if results[number] != EMPTY:
            self.books.finish(worker, int(results[number]))
        else:
            self.deaths[number] += 1
            self.suspects.add(number)
        self.books.lose(worker)
        if self.deaths[number] >= self.attempts:
            start, stop = self.segments[number]
            raise SegmentError(f"{start} to {stop} has broken {self.attempts} pools")


def compute(name: str, number: int, *, work: Work, base: np.ndarray, segments: list[Segment]) -> int:
    """Compute one segment in whichever process this is, write it down, and return that process's id."""
    memory: Any = SharedMemory(name)
    with memory.buf.cast("q") as slots:
        slots[number] = work(segments[number].start, segments[number].stop, base)
    memory.close()
    return os.getpid()
