"""D2's reference beside an oracle, single models, joblib and a load threshold: ``python benchmarks/d2_switcher.py``.

A night of six phases, twelve batches each, tasks of 6 ms: waiting, holding the lock, tiny, waiting, holding, mixed. All
in one run, ROUNDS times, in turn; what is printed are medians of ratios to the oracle of the same round. joblib is left
out, with a sentence, where it is not installed.
"""

from __future__ import annotations

import importlib
import importlib.util
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import psutil

from weft.course.variants import reference
from weft.layout import Course
from weft.worlds.phases import Phase, plan
from weft.worlds.phases_oracle import oracle_seconds

ROUNDS, WORKERS = 5, 4
NIGHT = ["waiting", "holding", "tiny", "waiting", "holding", "mixed"]


def ours(night: list[Phase], log: str) -> tuple[float, int]:
    """Seconds and switches of the reference."""
    with importlib.import_module("switcher").Switcher(WORKERS) as switcher:
        started = time.perf_counter()
        for phase in night:
            for _ in range(phase.batches):
                assert switcher.run(phase.function, phase.items(log)) == list(range(phase.tasks))
        return time.perf_counter() - started, switcher.statistics().switches


def by_load(night: list[Phase], log: str) -> tuple[float, int]:
    """A threshold of 50 % on this program's own processor time: processes above it, threads below; no history."""
    switches, model = 0, "threads"
    with (
        ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("fork")) as processes,
        ThreadPoolExecutor(WORKERS) as threads,
    ):
        list(processes.map(abs, range(WORKERS)))
        own, started = psutil.Process(), time.perf_counter()
        own.cpu_percent()
        for phase in night:
            for _ in range(phase.batches):
                pool = threads if model == "threads" else processes
                list(pool.map(phase.function, phase.items(log), chunksize=max(1, phase.tasks // 64)))
                wanted = "processes" if own.cpu_percent() > 50 else "threads"
                switches, model = switches + (wanted != model), wanted
        return time.perf_counter() - started, switches


def loky(night: list[Phase], log: str) -> tuple[float, int]:
    """joblib's default backend, its workers started beforehand."""
    joblib = importlib.import_module("joblib")
    with joblib.Parallel(n_jobs=WORKERS, backend="loky") as parallel:
        parallel(joblib.delayed(abs)(number) for number in range(4 * WORKERS))
        started = time.perf_counter()
        for phase in night:
            for _ in range(phase.batches):
                parallel(joblib.delayed(phase.function)(item) for item in phase.items(log))
        return time.perf_counter() - started, 0


def main() -> None:
    """Print the table."""
    night = plan(NIGHT, batches=12)
    with tempfile.TemporaryDirectory() as folder:
        log = f"{folder}/log"
        for name, source in reference(Course(Path(__file__).parents[1]).challenge("D2")).lifted.modules.items():
            Path(folder, f"{name}.py").write_text(source)
        sys.path.insert(0, folder)
        runners: dict[str, Callable[[], tuple[float, int]]] = {
            "reference": lambda: ours(night, log),
            "threshold on the load": lambda: by_load(night, log),
            **{
                f"always {model}": lambda model=model: (oracle_seconds(night, log, WORKERS, model), 0)
                for model in ("threads", "processes", "serial")
            },
        }
        if importlib.util.find_spec("joblib"):
            runners["joblib loky"] = lambda: loky(night, log)
        else:
            print("joblib is not installed (pip install joblib), so it is left out.")
        ratios: dict[str, list[float]] = {name: [] for name in runners}
        switches: dict[str, list[int]] = {name: [] for name in runners}
        for _ in range(ROUNDS):
            oracle = oracle_seconds(night, log, WORKERS)
            for name, run in runners.items():
                seconds, changed = run()
                ratios[name].append(seconds / oracle)
                switches[name].append(changed)
    print(
        f"{len(NIGHT)} phases, {len(NIGHT) - 1} changes, {WORKERS} workers, {ROUNDS} rounds; "
        f"the oracle took {oracle:.2f} s"
    )
    for name, found in ratios.items():
        told = f"{statistics.median(found):5.2f} × oracle ({min(found):.2f} to {max(found):.2f})"
        print(f"{name:24} {told}  switches {switches[name]}")


if __name__ == "__main__":
    main()
