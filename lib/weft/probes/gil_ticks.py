"""Who had the interpreter when: threads that write down the time after each small step of plain Python.

Where a thread's times stand close together it was running; a gap means that another thread, or another program, was.
``python -m weft.probes.gil_ticks THREADS STEPS`` prints the same as JSON, on whatever interpreter runs it.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

#: Two steps further apart than this, in seconds, have a gap between them; a step takes some microseconds.
GAP = 0.001


@dataclass(slots=True)
class Ticks:
    """When each thread ran: ``lanes`` maps its name to (start, end) pairs in seconds since the first one began.

    ``gil`` says whether the interpreter had its lock, ``version`` which it was.
    """

    lanes: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    gil: bool = True
    version: str = ""

    @property
    def seconds(self) -> float:
        """From the first slice to the end of the last."""
        return max((end for lane in self.lanes.values() for _, end in lane), default=0.0)

    @property
    def together(self) -> float:
        """The share of that time in which two threads or more were running."""
        edges = [edge for lane in self.lanes.values() for start, end in lane for edge in ((start, 1), (end, -1))]
        running, last, shared = 0, 0.0, 0.0
        for moment, step in sorted(edges):
            shared += (moment - last) * (running >= 2)
            running, last = running + step, moment
        return shared / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Ticks:
        """The inverse of :meth:`to_json`."""
        lanes = {name: [(start, end) for start, end in lane] for name, lane in data["lanes"].items()}
        return cls(lanes, data["gil"], data["version"])


def watch(threads: int, steps: int) -> Ticks:
    """Let so many threads each do ``steps`` small steps (about ten microseconds), and say when each was running."""
    found: dict[str, list[tuple[float, float]]] = {f"thread {number}": [] for number in range(1, threads + 1)}
    ready = threading.Barrier(threads)
    crew = [threading.Thread(target=_step, args=(steps, lane, ready), name=name) for name, lane in found.items()]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    zero = min(lane[0][0] for lane in found.values())
    lanes = {name: [(start - zero, end - zero) for start, end in lane] for name, lane in found.items()}
    return Ticks(lanes, has_gil(), sys.version.split()[0])


def has_gil() -> bool:
    """Whether this interpreter has its lock, and it is on."""
    return getattr(sys, "_is_gil_enabled", lambda: True)()


def _step(steps: int, lane: list[tuple[float, float]], ready: threading.Barrier) -> None:
    now = time.perf_counter
    ready.wait()
    start = last = now()
    for _ in range(steps):
        for _ in range(200):
            pass
        moment = now()
        if moment - last > GAP:
            lane.append((start, last))
            start = moment
        last = moment
    lane.append((start, last))


if __name__ == "__main__":
    print(json.dumps(watch(int(sys.argv[1]), int(sys.argv[2])).to_json()))
