"""Pools come from a context manager of its own; the window is as wide as the workers; files are temporary by name."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import reduce
from pathlib import Path
from typing import TypeVar

from pressure import Governor, PressureReader
from streaming import blocks, bounded

Part = TypeVar("Part")
Total = TypeVar("Total")

MODELS: dict[str, Callable[[int], Executor] | None] = {
    "serial": None,
    "threads": ThreadPoolExecutor,
    "processes": ProcessPoolExecutor,
}
COST = 8
SMALLEST, MOST = 16 << 10, 256 << 10


class Processor:
    """As the reference, put together differently."""

    def __init__(
        self, budget: int, *, workers: int = 2, model: str = "threads", pressure: Callable[[], float] | None = None
    ) -> None:
        if model not in MODELS or workers < 1:
            raise ValueError(f"no such thing as {workers} workers in {model}")
        self._start, self.workers = MODELS[model], workers
        fair = budget / (COST * (workers + 2))
        if fair < SMALLEST:
            raise ValueError(f"{budget} bytes are too few")
        self.governor = Governor(SMALLEST, min(int(fair), MOST))
        self._pressure = pressure or PressureReader(budget)

    def _sizes(self) -> int:
        return self.governor.feel(self._pressure())

    def results(self, path: str | Path, function: Callable[[bytes], Part]) -> Iterator[Part]:
        """In order."""
        source = blocks(path, self._sizes)
        try:
            if self._start is None:
                for block in source:
                    yield function(block)
                return
            pool = self._start(self.workers)
            try:
                parts = bounded(pool, function, source, self.workers + 1)
                with contextlib.closing(parts):
                    yield from parts
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        finally:
            source.close()

    def reduce(
        self, path: str | Path, function: Callable[[bytes], Part], merge: Callable[[Total | None, Part], Total]
    ) -> Total | None:
        """A fold."""
        return reduce(merge, self.results(path, function), None)

    def convert(self, path: str | Path, function: Callable[[bytes], bytes], target: str | Path) -> None:
        """Through a temporary file in the target's folder."""
        descriptor, name = tempfile.mkstemp(dir=Path(target).resolve().parent)
        try:
            with open(descriptor, "wb") as file:
                file.writelines(self.results(path, function))
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
