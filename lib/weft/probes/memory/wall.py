"""A wall around a process's memory: who would use more gets a MemoryError, at once and cleanly."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from weft.probes.family import LINUX
from weft.probes.memory.sizes import give_back, kilobytes

HERE = (
    "RLIMIT_DATA: bytes that a process may have of its own, touched or not: heap, anonymous mappings and the stacks of "
    "threads (8 MiB each). Files that are mapped do not count. Each child has a wall of its own, of the same height."
)
NOT_HERE = "This system has no RLIMIT_DATA that holds: nothing was limited. Measure the peak instead."


@dataclass
class Wall:
    """``before`` and ``limit`` are bytes of this process: what it used at the start, and what it may use.

    ``hit`` says whether a MemoryError left the block; ``works`` is False where the system knows no such limit, and then
    ``note`` says so.
    """

    before: int = 0
    limit: int = 0
    hit: bool = False
    works: bool = False
    note: str = NOT_HERE

    def to_json(self) -> dict[str, Any]:
        """For the facts of a drive."""
        return asdict(self)


@contextlib.contextmanager
def wall(room: int) -> Iterator[Wall]:
    """As long as it lasts, this process and the children that it starts may use ``room`` bytes more than now.

    A MemoryError passes through. A limit that is lower already stays.
    """
    found = Wall()
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if LINUX:
        give_back()
        found.before = kilobytes("/proc/self/status", "VmData:")
        found.limit = _lowest(found.before + room, soft)
        resource.setrlimit(resource.RLIMIT_DATA, (found.limit, hard))
        found.works, found.note = True, HERE
    try:
        yield found
    except MemoryError:
        found.hit = True
        raise
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _lowest(wanted: int, soft: int) -> int:
    return wanted if soft == resource.RLIM_INFINITY else min(wanted, soft)
