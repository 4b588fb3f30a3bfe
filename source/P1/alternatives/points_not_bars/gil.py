"""Whether work holds the GIL, by a heart that keeps to a grid of moments."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from measure import Row, observe
from workloads import Workload, open_model

CLEAR = 1.4


@dataclass(frozen=True)
class Beat:
    """When a beat was due, in seconds since the heart began, and how late it came."""

    due: float
    late: float


@dataclass(frozen=True)
class Effect:
    """How many times as fast as serial threads and processes are, and what follows."""

    verdict: str
    threads: float = 0.0
    processes: float = 0.0


class Heart(threading.Thread):
    """Beats at the next multiple of its period that is still to come."""

    def __init__(self, period: float) -> None:
        super().__init__()
        self.period = period
        self.over = threading.Event()
        self.beats: list[Beat] = []

    def run(self) -> None:
        """Until it is over."""
        began = time.monotonic()
        while True:
            now = time.monotonic() - began
            due = self.period * (now // self.period + 1)
            if self.over.wait(due - now):
                return
            self.beats.append(Beat(due, time.monotonic() - began - due))


def heartbeat(work: Callable[[], object], period: float = 0.005) -> list[Beat]:
    """Call ``work()`` while a heart beats."""
    heart = Heart(period)
    heart.start()
    try:
        work()
    finally:
        heart.over.set()
        heart.join()
    return heart.beats


def gil_effect(rows: Iterable[Row]) -> Effect:
    """What the GIL does to one workload."""
    found = {row.model: row for row in rows}
    three = [found.get(model) for model in ("serial", "threads", "processes")]
    times = [row.seconds for row in three if row is not None and not row.error]
    if len(times) < 3:
        return Effect("unknown")
    serial, threads, processes = times
    verdict = "held" if threads >= CLEAR * processes else "released" if serial >= CLEAR * threads else "unknown"
    return Effect(verdict, serial / threads, serial / processes)


def watch_gil(workload: Workload, workers: int = 4, *, deadline: float = 10.0) -> list[Beat]:
    """The beats while a workload runs in threads."""
    return observe(deadline, beats_of, workload, workers).value or []


def beats_of(ready: Callable[[], None], workload: Workload, workers: int) -> list[Beat]:
    """Inside the box."""
    with open_model("threads", workers) as run:
        run(workload)
        ready()
        return heartbeat(lambda: run(workload))
