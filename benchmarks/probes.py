"""What the ledger, the measures of memory and the timeline cost the process that they watch.

``python benchmarks/probes.py``: CPU seconds of this process with the probe to without it, for the same work, as the
median of five interleaved pairs; and the real milliseconds to open and close each around nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "lib"))

from weft.probes.leaks import ledger
from weft.probes.memory import allocations, tree_peak
from weft.probes.timeline import timeline

Probe = Callable[[], AbstractContextManager[Any]]


def compute() -> None:
    """Two threads that compute, and make small objects."""

    def work() -> None:
        for number in range(60):
            sorted(str(each * number) for each in range(5000))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def switch_tasks() -> None:
    """20,000 steps of ten tasks."""

    async def work() -> None:
        for _ in range(2000):
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*(work() for _ in range(10)))

    asyncio.run(main())


def cpu(work: Callable[[], None], probe: Probe) -> float:
    """CPU seconds of this process for the work alone, in the probe's block."""
    with probe():
        before = time.process_time()
        work()
        return time.process_time() - before


def ratio(work: Callable[[], None], probe: Probe) -> str:
    cpu(work, contextlib.nullcontext)
    found = [cpu(work, probe) / cpu(work, contextlib.nullcontext) for _ in range(5)]
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def around_nothing(probe: Probe) -> str:
    found = []
    for _ in range(5):
        start = time.perf_counter()
        with probe():
            pass
        found.append((time.perf_counter() - start) * 1e3)
    return f"{statistics.median(found):.0f}"


def main() -> None:
    with TemporaryDirectory() as folder:  # as a drive has it, so that the ledger does not walk through others' files
        tempfile.tempdir = os.environ["TMPDIR"] = folder
        measure()


def measure() -> None:
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'probe':12}  {'threads computing':22}  {'tasks switching':22}  around nothing, ms")
    probes = {"ledger": ledger, "tree_peak": tree_peak, "timeline": timeline, "allocations": allocations}
    for name, probe in probes.items():
        print(f"{name:12}  {ratio(compute, probe):22}  {ratio(switch_tasks, probe):22}  {around_nothing(probe)}")


if __name__ == "__main__":
    main()
