"""What Python allocated, by tracemalloc: exact to the byte, the same in every run, and blind to other processes."""

from __future__ import annotations

import contextlib
import gc
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

NOTE = (
    "Bytes that this process allocated through Python (numpy's arrays too), on every platform alike. Other processes, "
    "and libraries that allocate for themselves, are not in it. Small allocations take ten times as long or more."
)

#: So many lines are told, those that hold most first.
LINES = 5


@dataclass
class Allocations:
    """Bytes above the start: ``peak`` at the highest, ``left`` at the end, after a collection.

    ``lines`` tells who allocated what is left, those above 1 KiB: ``"answer.py:7"`` and bytes. Lines are empty with
    ``lines=False``.
    """

    peak: int = 0
    left: int = 0
    lines: list[tuple[str, int]] = field(default_factory=list)
    note: str = NOTE

    def to_json(self) -> dict[str, Any]:
        """For the facts of a drive."""
        return asdict(self)


@contextlib.contextmanager
def allocations(*, lines: bool = True) -> Iterator[Allocations]:
    """Trace as long as it lasts; read the Allocations when it has ended. Tracing that was on before stays on."""
    found = Allocations()
    with _tracing():
        before = tracemalloc.take_snapshot() if lines else None
        gc.collect()
        tracemalloc.reset_peak()
        base = tracemalloc.get_traced_memory()[0]
        try:
            yield found
        finally:
            found.peak = tracemalloc.get_traced_memory()[1] - base
            gc.collect()
            found.left = tracemalloc.get_traced_memory()[0] - base
            if before is not None:
                found.lines = _lines(before)


@contextlib.contextmanager
def _tracing() -> Iterator[None]:
    if tracemalloc.is_tracing():
        yield
        return
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def _lines(before: tracemalloc.Snapshot) -> list[tuple[str, int]]:
    rows = tracemalloc.take_snapshot().filter_traces(_NOT_OURS).compare_to(before, "lineno")
    grown = [(f"{_name(row.traceback[0].filename)}:{row.traceback[0].lineno}", row.size_diff) for row in rows]
    return sorted((row for row in grown if row[1] >= 1024), key=lambda row: -row[1])[:LINES]


_NOT_OURS = [tracemalloc.Filter(False, tracemalloc.__file__), tracemalloc.Filter(False, __file__)]


def _name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def after_each(step: Callable[[], Any], rounds: int = 10) -> list[int]:
    """Bytes that are held after each of so many calls of ``step``, above what was held after the first.

    A leak grows from call to call; a cache fills and stays. The first call pays for imports and other things that
    happen once, and is the base.
    """
    held = []
    with _tracing():
        for _ in range(rounds + 1):
            step()
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    return [size - held[0] for size in held[1:]]
