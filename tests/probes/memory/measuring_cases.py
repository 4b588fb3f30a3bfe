"""Memory and timeline, measured once each. They need the standard library only: other interpreters run this too."""

from __future__ import annotations

import json
import multiprocessing
import threading
import time
import warnings
from typing import Any

from weft.probes.memory import after_each, allocations, tree_peak, wall
from weft.probes.timeline import timeline

MIB = 1 << 20
FORK = multiprocessing.get_context("fork")


def hold(size: int, seconds: float) -> None:
    """Use so many bytes for so long."""
    block = bytearray(b"x") * size
    time.sleep(seconds)
    del block


def compute(seconds: float) -> None:
    """So many CPU seconds of this thread."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def peak_of_a_child() -> bool:
    with tree_peak() as peak:
        child = FORK.Process(target=hold, args=(64 * MIB, 1.0))
        child.start()
        child.join()
    return 64 * MIB < peak.growth < 90 * MIB and (peak.processes, peak.measure) == (2, "PSS")


def allocated() -> bool:
    with allocations() as found:
        kept = bytearray(8 * MIB)
        hold(16 * MIB, 0)
    return 24 * MIB <= found.peak < 42 * MIB and len(kept) <= found.left < 9 * MIB


def leaking() -> bool:
    kept: list[Any] = []
    return after_each(lambda: kept.append(bytearray(10_000)), 5)[-1] > 49_000


def walled() -> bool:
    try:
        with wall(32 * MIB) as found:
            bytearray(100 * MIB)
    except MemoryError:
        return found.hit
    return False


def two_threads() -> bool:
    with timeline() as line:
        threads = [threading.Thread(target=compute, args=(0.1,), name=name) for name in ("one", "two")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return all(0.07 < line.cpu[name] < 0.15 for name in ("one", "two"))


CASES = (peak_of_a_child, allocated, leaking, walled, two_threads)

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps({case.__name__: case() for case in CASES}))
