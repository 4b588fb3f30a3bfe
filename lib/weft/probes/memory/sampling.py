"""Outside the watched process: the memory of it and of all below it, every few milliseconds."""

from __future__ import annotations

import time
from typing import Any

from weft.probes.family import Family
from weft.probes.memory.sizes import PSS, RSS, used
from weft.probes.outside import tell, watch

#: More samples than these are halved; the highest of each pair stays.
MOST = 1000


class Sampler:
    """Rows of the moment in seconds of the monotonic clock, bytes, and number of processes."""

    def __init__(self, pid: int) -> None:
        self.family = Family(pid)
        self.rows: list[tuple[float, int, int]] = []
        self.looks = 0
        self.measures: set[str] = set()

    def look(self) -> None:
        now = time.monotonic()
        sizes = [used(pid) for pid in self.family.members()]
        self.measures |= {measure for size, measure in sizes if size}
        self.rows.append((now, sum(size for size, _ in sizes), sum(size > 0 for size, _ in sizes)))
        self.looks += 1
        if len(self.rows) > MOST:
            self.rows = [max(self.rows[n : n + 2], key=lambda row: row[1]) for n in range(0, len(self.rows), 2)]

    def found(self) -> dict[str, Any]:
        return {"rows": self.rows, "looks": self.looks, "measure": RSS if RSS in self.measures else PSS}


def main(args: dict[str, Any]) -> None:
    """What the helper runs: ``pid`` and ``every``, in seconds."""
    sampler = Sampler(args["pid"])
    watch(args["pid"], args["every"], sampler.look)
    tell(sampler.found())
