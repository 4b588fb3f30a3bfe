"""What P1's reference costs the work that it measures, beside profilers: ``python benchmarks/p1_profiler.py [rounds]``.

The same work (small objects, calls of functions, a wait; two threads) is run bare, measured by the reference, and under
pyinstrument, VizTracer, cProfile and tracemalloc: in turn, in processes of their own, nine rounds unless said.
Printed is the CPU time of each over that of the bare run in the same round: all processes that it starts, without the
import of the profiler. What is not installed is left out, with a sentence.
"""

from __future__ import annotations

import cProfile
import importlib.util
import multiprocessing
import resource
import statistics
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from weft.course.variants import reference
from weft.layout import Course

ROUNDS, THREADS, TIMES = 9, 2, 4

#: Profilers that are packages of their own.
PACKAGES = ("pyinstrument", "viztracer")


def fibonacci(n: int) -> int:
    """Many small calls."""
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def piece() -> None:
    """Calls, small objects, a wait: some hundredths of a second of CPU time."""
    fibonacci(22)
    sum(len(str(number)) for number in range(200_000))
    time.sleep(0.01)


def threads() -> None:
    """One piece in each thread."""
    crew = [threading.Thread(target=piece) for _ in range(THREADS)]
    for each in crew:
        each.start()
    for each in crew:
        each.join()


def repeated() -> None:
    """The work as often as the reference runs it, its warm-up included."""
    for _ in range(TIMES):
        threads()


def with_reference() -> None:
    """A row of the reference: one run to warm up, and the rest measured."""
    measure, workloads = importlib.import_module("measure"), importlib.import_module("workloads")
    workload = workloads.Workload("work", piece, THREADS)
    row = measure.measure(workload, "threads", THREADS, repetitions=TIMES - 1, deadline=120.0)
    assert row.error == "", row.error


def with_heartbeat() -> None:
    """The reference's heartbeat every 5 ms."""
    importlib.import_module("gil").heartbeat(repeated)


def with_pyinstrument() -> None:
    """A sample of this thread's stack every millisecond."""
    from pyinstrument import Profiler

    with Profiler(interval=0.001):
        repeated()


def with_viztracer() -> None:
    """Every call of every thread."""
    from viztracer import VizTracer

    tracer = VizTracer(verbose=0, tracer_entries=2_000_000)
    tracer.start()
    repeated()
    tracer.stop()
    tracer.clear()


def with_cprofile() -> None:
    """Every call; it sees one thread only, so the pieces run in one."""
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(TIMES * THREADS):
        piece()
    profiler.disable()


def with_tracemalloc() -> None:
    """Every allocation."""
    tracemalloc.start()
    repeated()
    tracemalloc.stop()


def runs() -> dict[str, Callable[[], None]]:
    """What there is to compare, by name; says what is missing."""
    found = {
        "bare": repeated,
        "reference: a row": with_reference,
        "reference: heartbeat": with_heartbeat,
        "pyinstrument, 1 ms": with_pyinstrument,
        "viztracer": with_viztracer,
        "cProfile": with_cprofile,
        "tracemalloc": with_tracemalloc,
    }
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            print(f"{package} is not installed (pip install {package}), so it is left out.")
            found = {name: run for name, run in found.items() if not name.startswith(package)}
        else:
            importlib.import_module(package)
    return found


def _used(work: Callable[[], None], pipe: Any) -> None:
    before = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    work()
    after = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    pipe.send(sum(b.ru_utime + b.ru_stime - a.ru_utime - a.ru_stime for a, b in zip(before, after, strict=True)))


def cpu_seconds(work: Callable[[], None]) -> float:
    """CPU seconds of ``work()`` in a new process, with those of its children."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_used, args=(work, there))
    process.start()
    used = float(here.recv())
    process.join()
    return used


def main() -> None:
    """Print medians, and ratios within each round."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as modules:
        for name, source in reference(Course(Path(__file__).parents[1]).challenge("P1")).lifted.modules.items():
            Path(modules, f"{name}.py").write_text(source, encoding="utf-8")
        sys.path.insert(0, modules)
        importlib.import_module("gil")  # and with it all that a row needs
        compared = runs()
        used: dict[str, list[float]] = {name: [] for name in compared}
        for number in range(rounds + 1):
            for name in sorted(compared, reverse=number % 2 == 0):
                seconds = cpu_seconds(compared[name])
                if number:  # the first round warms up
                    used[name].append(seconds)
    print(f"{THREADS} threads, {TIMES} times, {rounds} rounds, Python {sys.version.split()[0]}")
    for name, found in used.items():
        ratios = [mine / bare for mine, bare in zip(found, used["bare"], strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        middle = f"median {statistics.median(found):6.3f} s CPU  {statistics.median(ratios):5.2f} × bare"
        print(f"{name:22} {middle} ({spread})")


if __name__ == "__main__":
    main()
