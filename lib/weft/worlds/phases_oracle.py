"""The yardstick for a switcher: the same phases by one that knows beforehand which model suits which."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

from weft.worlds.phases import Phase

#: What suits each kind: known, because the kinds were made so.
BEST = {"waiting": "threads", "mixed": "threads", "holding": "processes", "tiny": "serial"}


def oracle_seconds(phases: Sequence[Phase], log: str, workers: int = 4, always: str = "") -> float:
    """Wall seconds that the phases take with ``workers`` threads or processes, each in its best model.

    Or all in one, if ``always`` names it. Its pools are started before the clock is.
    """
    context = multiprocessing.get_context("fork") if os.name == "posix" else None
    with ProcessPoolExecutor(workers, mp_context=context) as processes:
        list(processes.map(abs, range(workers)))
        with ThreadPoolExecutor(workers) as threads:
            run: dict[str, Callable[[Phase], Any]] = {
                "serial": lambda phase: [phase.function(item) for item in phase.items(log)],
                "threads": lambda phase: list(threads.map(phase.function, phase.items(log))),
                "processes": lambda phase: list(
                    processes.map(phase.function, phase.items(log), chunksize=_chunk(phase))
                ),
            }
            started = time.perf_counter()
            for phase in phases:
                for _ in range(phase.batches):
                    run[always or BEST[phase.kind]](phase)
            return time.perf_counter() - started


def _chunk(phase: Phase) -> int:
    return max(1, phase.tasks // 64)
