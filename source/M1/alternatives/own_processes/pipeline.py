"""Processes of our own, each with a pipe: who is free gets the next chunk, whose pipe ends is dead. No pool."""

import multiprocessing
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
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


def process(
    chunk: Chunk, hook: Callable[[str], None] | None = None, tell: Callable[[StageEvent], None] = ignore
) -> Totals:
    """One stage after the other, each timed."""
    name = str(chunk)

    def timed(stage: str, work: Callable[[], Any], rows: Callable[[Any], int]) -> Any:
        began = time.monotonic()
        result = work()
        ended = time.monotonic()
        tell(StageEvent(ended, os.getpid(), stage, name, rows(result), ended - began))
        return result

    sales, dropped = timed(
        "clean", lambda: clean(records(chunk), chunk.columns), lambda found: len(found[0]) + sum(found[1].values())
    )
    if hook:
        timed("hook", lambda: hook(name), lambda _: 0)
    entries = timed("transform", lambda: transform(sales), len)
    totals: Totals = timed("aggregate", lambda: aggregate(entries, dropped), lambda _: len(entries))
    return totals


def serve(pipe: Connection, hook: Callable[[str], None] | None) -> None:
    """A worker's life: chunks come in, events and results go out, until None comes."""
    while (chunk := pipe.recv()) is not None:
        try:
            pipe.send(process(chunk, hook, pipe.send))
        except (FileError, OSError) as error:
            pipe.send(str(error))


@dataclass
class Worker:
    """A process, our end of its pipe, and the chunk that it has in hand."""

    process: BaseProcess
    pipe: Connection
    chunk: Chunk | None = None


@dataclass
class Books:
    """Everything that is known of one run."""

    states: dict[str, FileState] = field(default_factory=dict)
    rejected: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    came: dict[str, int] = field(default_factory=dict)
    events: list[StageEvent] = field(default_factory=list)
    chunks: int = 0
    done: int = 0

    def settle(self, chunk: Chunk) -> None:
        """One chunk is over."""
        self.done += 1
        self.came[chunk.name] = self.came.get(chunk.name, 0) + chunk.end - chunk.start

    def progress(self) -> Progress:
        """As it stands."""
        whole = sum(self.sizes.values())
        return Progress(
            1.0 if self.done == self.chunks else sum(self.came.values()) / whole,
            self.done,
            self.chunks,
            sum(state.totals.rows for state in self.states.values()),
            sum(sum(state.totals.dropped.values()) for state in self.states.values()),
            {name: self.came.get(name, 0) / size if size else 1.0 for name, size in self.sizes.items()},
            {event.worker: event.stage for event in self.events[-50:]},
        )


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
        if min(workers, chunk_size) < 1:
            raise ValueError("at least one worker and one byte are needed")
        self.paths = sorted(path for path in Path(folder).iterdir() if path.suffix == ".csv")
        if not self.paths:
            raise ValueError("no CSV files in the folder")
        self.count, self.size, self.checkpoint = workers, chunk_size, checkpoint
        self.context, self.hook, self.report = multiprocessing.get_context(method), hook, report
        self.books = Books()

    def run(self) -> Report:
        """Until nothing waits and nobody works."""
        self.books = Books()
        waiting = self.plan()
        resumed = self.books.done
        self.report(self.books.progress())
        crew = [self.start() for _ in range(min(self.count, len(waiting)))]
        try:
            for worker in crew:
                self.supply(worker, waiting)
            while busy := {worker.pipe: worker for worker in crew if worker.chunk}:
                for pipe in wait(list(busy)):
                    self.hear(busy[pipe], waiting)  # type: ignore[index]
        finally:
            for worker in crew:
                self.end(worker)
        totals = Totals()
        for state in self.books.states.values():
            totals.merge(state.totals)
        return Report(totals, self.books.rejected, self.books.events, resumed)

    def plan(self) -> deque[Chunk]:
        """What is still to be done."""
        known = load(self.checkpoint) if self.checkpoint else {}
        waiting: deque[Chunk] = deque()
        for path in self.paths:
            try:
                mark, chunks = mark_of(path, self.size), split(path, self.size)
            except (FileError, OSError) as error:
                self.books.rejected[path.name] = str(error)
                continue
            old = known.get(path.name)
            self.books.states[path.name] = state = old if old and old.mark == mark else FileState(mark)
            self.books.sizes[path.name] = sum(chunk.end - chunk.start for chunk in chunks)
            self.books.chunks += len(chunks)
            for chunk in chunks:
                if chunk.start in state.done:
                    self.books.settle(chunk)
                else:
                    waiting.append(chunk)
        return waiting

    def start(self) -> Worker:
        """A new process."""
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=serve, args=(theirs, self.hook), daemon=True)  # type: ignore[attr-defined]
        process.start()
        theirs.close()
        return Worker(process, ours)

    def end(self, worker: Worker) -> None:
        """Free ones are asked to leave, others are made to."""
        if worker.chunk is None and worker.process.is_alive():
            worker.pipe.send(None)
        else:
            worker.process.terminate()
        worker.process.join()
        worker.pipe.close()

    def supply(self, worker: Worker, waiting: deque[Chunk]) -> None:
        """Hand out the next chunk, if there is one."""
        worker.chunk = waiting.popleft() if waiting else None
        if worker.chunk:
            worker.pipe.send(worker.chunk)

    def hear(self, worker: Worker, waiting: deque[Chunk]) -> None:
        """Take one message: an event, totals, or why there are none."""
        try:
            said = worker.pipe.recv()
        except (EOFError, OSError):
            raise PipelineError(f"process {worker.process.pid} died over {worker.chunk}") from None
        if isinstance(said, StageEvent):
            self.books.events.append(said)
        else:
            assert worker.chunk is not None
            self.take(worker.chunk, said)
            self.supply(worker, waiting)
        self.report(self.books.progress())

    def take(self, chunk: Chunk, said: Totals | str) -> None:
        """Count a chunk, and save."""
        if isinstance(said, str):
            self.books.rejected[chunk.name] = said
            self.books.states.pop(chunk.name, None)
        elif chunk.name in self.books.states:
            state = self.books.states[chunk.name]
            state.totals.merge(said)
            state.done.add(chunk.start)
        self.books.settle(chunk)
        if self.checkpoint:
            save(self.checkpoint, self.books.states)
