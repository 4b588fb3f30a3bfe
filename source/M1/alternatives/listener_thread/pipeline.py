"""A pool, a thread that listens to the queue, and one lock around the books that both of them keep."""

import concurrent.futures
import multiprocessing
import os
import queue as queues
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from aggregating import Totals, aggregate
from checkpoint import FileState, load, mark_of, save
from chunks import Chunk, FileError, records, split
from cleaning import clean
from transforming import transform


class PipelineError(Exception):
    """The run could not be finished."""


class StageEvent(NamedTuple):
    """A worker has finished a stage of a chunk."""

    time: float
    worker: int
    stage: str
    chunk: str
    rows: int
    seconds: float


@dataclass(frozen=True)
class Progress:
    """How it stands."""

    share: float
    done: int
    chunks: int
    rows: int
    dropped: int
    files: dict[str, float]
    stages: dict[int, str]


@dataclass(frozen=True)
class Report:
    """What came of a run."""

    totals: Totals
    rejected: dict[str, str]
    events: list[StageEvent]
    resumed: int


def ignore(_: Any) -> None:
    """Listen to nothing."""


_queue: Any = None
_hook: Callable[[str], None] | None = None


def process(
    chunk: Chunk, hook: Callable[[str], None] | None = None, tell: Callable[[StageEvent], None] = ignore
) -> Totals:
    """Three stages, and a fourth of somebody else's."""
    clock = Clock(str(chunk), tell)
    sales, dropped = clean(records(chunk), chunk.columns)
    clock.stage("clean", len(sales) + sum(dropped.values()))
    if hook is not None:
        hook(str(chunk))
        clock.stage("hook", 0)
    entries = transform(sales)
    clock.stage("transform", len(entries))
    totals = aggregate(entries, dropped)
    clock.stage("aggregate", len(entries))
    return totals


class Clock:
    """Tells of each stage how long it took."""

    def __init__(self, chunk: str, tell: Callable[[StageEvent], None]) -> None:
        self.chunk, self.tell, self.since = chunk, tell, time.monotonic()

    def stage(self, name: str, rows: int) -> None:
        """A stage is finished, the next begins."""
        now = time.monotonic()
        self.tell(StageEvent(now, os.getpid(), name, self.chunk, rows, now - self.since))
        self.since = now


def initialise(queue: Any, hook: Callable[[str], None] | None) -> None:
    """For each new worker."""
    global _queue, _hook
    _queue, _hook = queue, hook


def in_worker(chunk: Chunk) -> Totals:
    """For each chunk."""
    return process(chunk, _hook, _queue.put)


class Pipeline:
    """Adds up all CSV files of a folder."""

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 4,
        chunk_size: int = 1 << 20,
        checkpoint: Path | None = None,
        method: str | None = None,
        hook: Callable[[str], None] | None = None,
        report: Callable[[Progress], None] = ignore,
    ) -> None:
        self.files = {path.name: path for path in folder.glob("*.csv")}
        for wrong, words in (
            (workers < 1, "no workers"),
            (chunk_size < 1, "empty chunks"),
            (not self.files, "no files"),
        ):
            if wrong:
                raise ValueError(words)
        self.workers, self.chunk_size, self.checkpoint = workers, chunk_size, checkpoint
        self.method, self.hook, self.report = method, hook, report
        self.lock = threading.Lock()

    def run(self) -> Report:
        """Plan, work, sum up."""
        self.states: dict[str, FileState] = {}
        self.rejected: dict[str, str] = {}
        self.events: list[StageEvent] = []
        self.chunks: list[Chunk] = []
        self.finished: set[Chunk] = set()
        for name, path in self.files.items():
            self.look_at(name, path)
        resumed = len(self.finished)
        with self.lock:
            self.tell()
        try:
            self.work()
        except concurrent.futures.BrokenExecutor as error:
            raise PipelineError(f"a worker was lost: {error}") from error
        totals = Totals()
        for state in self.states.values():
            totals.merge(state.totals)
        return Report(totals, self.rejected, self.events, resumed)

    def look_at(self, name: str, path: Path) -> None:
        """Plan one file."""
        try:
            mark = mark_of(path, self.chunk_size)
            chunks = split(path, self.chunk_size)
        except (FileError, OSError) as error:
            self.rejected[name] = str(error)
            return
        known = load(self.checkpoint).get(name) if self.checkpoint else None
        self.states[name] = known if known and known.mark == mark else FileState(mark)
        self.chunks += chunks
        self.finished |= {chunk for chunk in chunks if chunk.start in self.states[name].done}

    def work(self) -> None:
        """All chunks at once into the pool; results as they come, events in a thread."""
        context = multiprocessing.get_context(self.method)
        queue = context.Queue()
        pool = concurrent.futures.ProcessPoolExecutor(self.workers, context, initialise, (queue, self.hook))
        try:
            # Submitted before there is a second thread: whoever forks should have one only.
            futures = {pool.submit(in_worker, chunk): chunk for chunk in self.chunks if chunk not in self.finished}
            with self.listener(queue):
                for future in concurrent.futures.as_completed(futures):
                    self.settle(futures[future], future)
                pool.shutdown()
        finally:
            pool.shutdown(cancel_futures=True)
            queue.close()

    @contextmanager
    def listener(self, queue: Any) -> Iterator[None]:
        """A thread that empties the queue until we are through and nothing is in it."""
        over = threading.Event()

        def listen() -> None:
            while True:
                last = over.is_set()
                try:
                    event = queue.get(timeout=0.02)
                except queues.Empty:
                    if last:
                        return
                    continue
                with self.lock:
                    self.events.append(event)
                    self.tell()

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def settle(self, chunk: Chunk, future: "concurrent.futures.Future[Totals]") -> None:
        """Count a chunk, save, tell."""
        with self.lock:
            try:
                totals = future.result()
            except (FileError, OSError) as error:
                self.rejected[chunk.name] = f"{error}"
                self.states.pop(chunk.name, None)
            else:
                if state := self.states.get(chunk.name):
                    state.totals.merge(totals)
                    state.done.add(chunk.start)
            if self.checkpoint:
                save(self.checkpoint, self.states)
            self.finished.add(chunk)
            self.tell()

    def tell(self) -> None:
        """Report; the caller holds the lock."""
        sizes = {name: [0, 0] for name in self.states}
        for chunk in self.chunks:
            size = sizes.setdefault(chunk.name, [0, 0])
            size[1] += chunk.end - chunk.start
            size[0] += chunk.end - chunk.start if chunk in self.finished else 0
        done, whole = (sum(size[place] for size in sizes.values()) for place in (0, 1))
        self.report(
            Progress(
                share=done / whole if whole else 1.0,
                done=len(self.finished),
                chunks=len(self.chunks),
                rows=sum(state.totals.rows for state in self.states.values()),
                dropped=sum(state.totals.dropped.total() for state in self.states.values()),
                files={name: a / b if b else 1.0 for name, (a, b) in sizes.items()},
                stages={event.worker: event.stage for event in self.events[-20:]},
            )
        )
