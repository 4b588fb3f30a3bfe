"""The steps of asyncio's tasks: from when the loop gave a task its turn to when it gave it back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any

# Kept from the start: a virtual clock may replace the module's functions.
_now = time.monotonic

#: Its ``_run`` is what the loop calls for each step.
_HANDLE: Any = asyncio.Handle

#: So many steps are kept.
MOST = 4000


class Steps:
    """Rows of a task's name, start and end in seconds of the monotonic clock."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, float, float]] = []
        self.missed = 0

    def add(self, name: str, start: float, end: float) -> None:
        if len(self.rows) < MOST:
            self.rows.append((name, start, end))
        else:
            self.missed += 1


@contextlib.contextmanager
def noted() -> Iterator[Steps]:
    """Meanwhile, the steps of all tasks on all loops of this process are written down."""
    steps, original = Steps(), _HANDLE._run

    def run(handle: Any) -> None:
        task = getattr(handle._callback, "__self__", None)
        if not isinstance(task, asyncio.Task):
            return original(handle)
        start = _now()
        try:
            return original(handle)
        finally:
            steps.add(task.get_name(), start, _now())

    _HANDLE._run = run
    try:
        yield steps
    finally:
        _HANDLE._run = original
