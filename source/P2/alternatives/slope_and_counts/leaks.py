"""Growth as two facts: a new highest low in each part of the second half, and a middle slope that is worth telling."""

import gc
import statistics
import tracemalloc
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

FEWEST = 8


@dataclass(frozen=True)
class Verdict:
    """As the reference's."""

    leaking: bool
    per_round: float
    where: str = ""


def judge(sizes: Sequence[float], tolerance: float = 1024.0, where: str = "") -> Verdict:
    """The middle of all slopes between the lows of the second half, in three stretches."""
    if len(sizes) < FEWEST:
        raise ValueError("too few rounds")
    half = len(sizes) // 2
    quarter = (len(sizes) - half) // 2
    lows = [min(sizes[half : half + quarter]), min(sizes[-quarter:])]
    slopes = [(sizes[half + quarter + number] - sizes[half + number]) / quarter for number in range(quarter)]
    slope = min(statistics.median(slopes), (lows[1] - lows[0]) / quarter)
    return Verdict(slope > tolerance, slope, where)


def watch(step: Callable[[], object], rounds: int = 20) -> Verdict:
    """Two runs of the rounds: sizes in the first, the place in a snapshot before and after the second."""
    sizes = []
    tracemalloc.start()
    try:
        for _ in range(rounds):
            step()
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
        if not judge(sizes).leaking:
            return judge(sizes)
        before = tracemalloc.take_snapshot()
        for _ in range(rounds):
            step()
        rows = tracemalloc.take_snapshot().compare_to(before, "lineno")
    finally:
        tracemalloc.stop()
    rows = [row for row in rows if "tracemalloc" not in row.traceback[0].filename]
    return judge(sizes, where=f"{rows[0].traceback[0].filename}:{rows[0].traceback[0].lineno}")


class Cache:
    """Counts instead of order: each value has the number of the call that asked for it last."""

    def __init__(self, limit: int) -> None:
        self.limit, self._call = limit, 0
        self._kept: dict[Hashable, bytes] = {}
        self._asked: dict[Hashable, int] = {}

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """As the reference's."""
        self._call += 1
        value = self._kept.setdefault(key, b"") or make()
        self._kept[key], self._asked[key] = value, self._call
        while sum(map(len, self._kept.values())) > self.limit:
            oldest = min(self._asked, key=self._asked.__getitem__)
            del self._kept[oldest], self._asked[oldest]
        return value
