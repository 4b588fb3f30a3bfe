"""A pool of threads instead of threads of our own, and an end for each line instead of counters."""

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from priority_queue import Closed, PriorityQueue
from rate_limiter import RateLimiter
from records import LEVELS, BadRecord, Record, parse


@dataclass(frozen=True)
class Statistics:
    """What became of the lines."""

    read: int
    processed: int
    bad: int
    failed: int
    dropped: int
    depths: list[int]
    problems: list[str]

    @property
    def under_way(self) -> int:
        """Lines without an end yet."""
        return self.read - self.processed - self.bad - self.failed - self.dropped


class LogProcessor:
    """Reads ``sources`` and calls ``sink``, all of it in one pool."""

    def __init__(
        self,
        sources: Iterable[Iterable[str]],
        sink: Callable[[Record], object],
        *,
        consumers: int = 2,
        bound: int = 1000,
        batch: int = 1,
        rate: float = math.inf,
        burst: int = 10,
    ) -> None:
        if min(consumers, batch) < 1:
            raise ValueError("without consumers, or without a batch, nothing moves")
        self.sources, self.sink, self.consumers, self.batch = list(sources), sink, consumers, batch
        self.waiting: PriorityQueue[Record] = PriorityQueue(bound, len(LEVELS))
        self.limiter = RateLimiter(rate, burst)
        self.pool = ThreadPoolExecutor(max(1, len(self.sources) + consumers), "log")
        self.readers: list[Future[None]] = []
        self.stopped = threading.Event()
        self.books = threading.RLock()
        self.ends: Counter[str] = Counter()
        self.reasons: list[str] = []

    def run(self) -> Statistics:
        """Start, and wait for the end."""
        self.start()
        try:
            return self.drain()
        except BaseException:
            self.stop()
            raise

    def start(self) -> None:
        """Hand everything to the pool."""
        if self.stopped.is_set():
            return
        self.readers = [self.pool.submit(self._read, source) for source in self.sources]
        for _ in range(self.consumers):
            self.pool.submit(self._empty)

    def drain(self) -> Statistics:
        """Wait until everything is stored."""
        wait(self.readers)
        self.waiting.close()
        self.pool.shutdown()
        return self.statistics()

    def stop(self) -> Statistics:
        """Give up what the sink has not been given."""
        self.stopped.set()
        self.waiting.close()
        self.pool.shutdown()
        return self.statistics()

    def statistics(self) -> Statistics:
        """How it stands."""
        with self.books:
            read, ends = sum(self.ends.values()), self.ends
            return Statistics(
                read=read,
                processed=ends["processed"],
                bad=ends["bad"],
                failed=ends["failed"],
                dropped=ends["dropped"],
                depths=self.waiting.depths(),
                problems=self.reasons[-100:],
            )

    def _move(self, end: str, why: BaseException | None = None) -> None:
        """A line is no longer open, but has this end."""
        with self.books:
            self.ends["open"] -= 1
            self.ends[end] += 1
            if why is not None:
                self._note(repr(why))

    def _note(self, reason: str) -> None:
        with self.books:
            self.reasons = [*self.reasons[-99:], reason]

    def _read(self, source: Iterable[str]) -> None:
        lines = iter(source)
        while not self.stopped.is_set():
            try:
                line = next(lines, None)
            except Exception as error:
                self._note(f"a source broke off: {error!r}")
                return
            if line is None:
                return
            with self.books:
                self.ends["open"] += 1
            self._hand_over(line)

    def _hand_over(self, line: str) -> None:
        try:
            record = parse(line)
        except BadRecord as error:
            self._move("bad", error)
            return
        try:
            if self.limiter.acquire(self.stopped):
                self.waiting.put(record, record.level)
            else:
                self._move("dropped")
        except Closed:
            self._move("dropped")

    def _empty(self) -> None:
        while True:
            try:
                batch = self.waiting.get_many(self.batch)
            except Closed:
                return
            for record in batch:
                self._give(record)

    def _give(self, record: Record) -> None:
        end, why = "dropped", None
        if not self.stopped.is_set():
            try:
                self.sink(record)
                end = "processed"
            except Exception as error:
                end, why = "failed", error
        self._move(end, why)
