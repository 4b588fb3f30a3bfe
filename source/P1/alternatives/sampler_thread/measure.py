"""One workload in one model; a thread of the profiler's own process looks at the memory meanwhile."""

import statistics
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import psutil
from box import Box
from workloads import MODELS, Workload, open_model

INTERVAL = 0.03


@dataclass(frozen=True)
class Row:
    """What was found out about one workload in one model."""

    workload: str
    model: str
    workers: int
    seconds: float = 0.0
    fastest: float = 0.0
    slowest: float = 0.0
    cpu: float = 0.0
    throughput: float = 0.0
    memory: int = 0
    repetitions: int = 0
    error: str = ""


@dataclass(frozen=True)
class Observed:
    """What came out of a box."""

    value: Any = None
    error: str = ""
    memory: int = 0


class Sampler:
    """Looks at the memory of a process and its children until it is stopped."""

    def __init__(self, pid: int) -> None:
        self.family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        self.first = self.highest = memory_of(self.family)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()

    def look(self) -> None:
        """One look after another."""
        while not self.over.wait(INTERVAL):
            self.highest = max(self.highest, memory_of(self.family))

    def stop(self) -> int:
        """End, and say by how much it grew."""
        self.over.set()
        self.thread.join()
        return self.highest - self.first


def memory_of(processes: Iterable[psutil.Process]) -> int:
    """Resident bytes of those that are still there."""
    return sum(process.memory_info().rss for process in processes if process.is_running())


def repeat(
    ready: Callable[[], None], workload: Workload, model: str, workers: int, repetitions: int
) -> dict[str, list[float]]:
    """Inside the box."""
    walls: list[float] = []
    cpus: list[float] = []
    with open_model(model, workers) as run:
        run(workload)
        ready()
        while len(walls) < repetitions:
            cpu, wall = time.process_time(), time.perf_counter()
            cpu -= run(workload)
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
    return {"walls": walls, "cpus": cpus}


def observe(deadline: float, function: Callable[..., object], *args: object) -> Observed:
    """Call ``function(ready, *args)`` in a box."""
    end = time.monotonic() + deadline
    sampler = None
    with Box(function, *args) as box:
        message = box.poll(deadline)
        try:
            if message is not None and message.kind == "ready":
                sampler = Sampler(box.pid)
                box.go()
                message = box.poll(max(0.0, end - time.monotonic()))
        finally:
            memory = sampler.stop() if sampler else 0
    if message is None:
        return Observed(error=f"gave up after {deadline} s", memory=memory)
    return Observed(message.value, message.error, memory)


def measure(
    workload: Workload, model: str, workers: int = 4, *, repetitions: int = 5, deadline: float = 10.0
) -> Row:
    """A row for one workload in one model."""
    if repetitions < 3 or workers < 1:
        raise ValueError("at least 3 repetitions and 1 worker")
    if model not in MODELS:
        raise ValueError(f"no such model: {model}")
    found = observe(deadline, repeat, workload, model, workers, repetitions)
    if found.error:
        return Row(workload.name, model, workers, error=found.error)
    walls = sorted(found.value["walls"])
    middle = statistics.median(walls)
    cpu = statistics.median(found.value["cpus"])
    times = {"seconds": middle, "fastest": walls[0], "slowest": walls[-1], "cpu": cpu}
    return Row(
        workload.name,
        model,
        workers,
        throughput=workload.count / middle,
        memory=found.memory,
        repetitions=repetitions,
        **times,
    )


def profile(
    workloads: Iterable[Workload],
    workers: int = 4,
    *,
    models: Iterable[str] = MODELS,
    repetitions: int = 5,
    deadline: float = 10.0,
    tell: Callable[[Row], object] = lambda row: None,
) -> list[Row]:
    """All rows."""
    models, rows = list(models), []
    for workload, model in [(workload, model) for workload in workloads for model in models]:
        rows.append(measure(workload, model, workers, repetitions=repetitions, deadline=deadline))
        tell(rows[-1])
    return rows
