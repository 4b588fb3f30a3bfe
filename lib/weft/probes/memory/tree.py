"""The most memory that a process and all its children used together, while something ran."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from weft.probes.family import LINUX
from weft.probes.memory.sizes import PSS, give_back, kilobytes
from weft.probes.outside import Helper

# Kept from the start: a virtual clock may replace the module's functions.
_now = time.monotonic

BY_PSS = "Proportional set size, summed over the process and its children: a page that n of them share counts 1/n each."
BY_RSS = (
    "Resident set size, summed over the process and its children: this system does not tell how pages are shared, "
    "so what n processes share counts n times."
)
SAMPLED = " Sampled: a peak shorter than the time between two samples can be missed."


@dataclass
class TreePeak:
    """``base`` is what was used at the start, ``peak`` the most at any sample, in bytes, by all processes together.

    ``own_peak`` is the most that this process alone had resident, exactly, with what it shares; None where the system
    does not tell. ``processes`` is their largest number at once. ``series`` has rows of seconds since the start, bytes,
    processes, at most a thousand. ``measure`` is "PSS" or "RSS", and ``note`` says what that means.
    """

    base: int = 0
    peak: int = 0
    own_peak: int | None = None
    processes: int = 0
    samples: int = 0
    seconds: float = 0.0
    measure: str = PSS
    note: str = ""
    series: list[tuple[float, int, int]] = field(default_factory=list)

    @property
    def growth(self) -> int:
        """Bytes of the peak above the start."""
        return self.peak - self.base

    def to_json(self, *, series: bool = True) -> dict[str, Any]:
        """For the facts of a drive; ``series=False`` leaves the rows out."""
        found = {**asdict(self), "growth": self.growth}
        return found if series else {name: value for name, value in found.items() if name != "series"}


@contextlib.contextmanager
def tree_peak(every: float = 0.02) -> Iterator[TreePeak]:
    """Measure as long as it lasts; read the TreePeak when it has ended. ``every`` so many seconds, or less often.

    The sampler is a process of its own, and no child of this one: it uses no thread here, and no turn at the
    interpreter lock. Starting it takes as long as starting an interpreter. It ends with the block, however that ends.
    OSError if it cannot be started.
    """
    give_back()
    found = TreePeak()
    helper = Helper("weft.probes.memory.sampling", {"every": every})
    exact, started = _forget_highest(), _now()
    try:
        yield found
    finally:
        found.own_peak = _highest() if exact else None
        found.seconds = _now() - started
        _fill(found, helper.stop(), started)


def _fill(found: TreePeak, told: dict[str, Any], started: float) -> None:
    rows = told.get("rows") or []
    if not rows:
        found.note = "The sampler was ended from elsewhere: nothing was measured."
        return
    found.base, found.peak = rows[0][1], max(row[1] for row in rows)
    found.processes = max(row[2] for row in rows)
    found.samples, found.measure = told["looks"], told["measure"]
    found.note = (BY_PSS if found.measure == PSS else BY_RSS) + SAMPLED
    found.series = [(round(row[0] - started, 4), row[1], row[2]) for row in rows]


def _forget_highest() -> bool:
    """Let the kernel's own mark of this process's highest resident size begin anew; whether it does."""
    if LINUX:
        with contextlib.suppress(OSError):
            descriptor = os.open("/proc/self/clear_refs", os.O_WRONLY)
            try:
                os.write(descriptor, b"5")
            finally:
                os.close(descriptor)
            return True
    return False


def _highest() -> int | None:
    with contextlib.suppress(OSError):
        return kilobytes("/proc/self/status", "VmHWM:")
    return None
