"""The memory that a process uses, in bytes: shared pages divided among those that share them, where that is known."""

from __future__ import annotations

import contextlib
import ctypes
import gc

from weft.probes.family import LINUX

#: The measures: proportional set size, and where there is none, resident set size.
PSS, RSS = "PSS", "RSS"


def used(pid: int) -> tuple[int, str]:
    """Bytes, and the measure; 0 bytes if the process has ended meanwhile."""
    if not LINUX:
        return _asked(pid), RSS
    try:
        return kilobytes(f"/proc/{pid}/smaps_rollup", "Pss:"), PSS
    except ProcessLookupError:
        return 0, PSS
    except OSError:  # an old kernel, a process that may not be looked into, or one that has gone
        return _resident(pid)


def _resident(pid: int) -> tuple[int, str]:
    try:
        return kilobytes(f"/proc/{pid}/status", "VmRSS:"), RSS
    except OSError:
        return 0, PSS


def kilobytes(path: str, name: str) -> int:
    """The first line ``name   123 kB`` of one of Linux's tables, in bytes; 0 if there is none. OSError."""
    with open(path, encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0


def give_back() -> None:
    """Let the C library return to the system what it keeps of freed memory: it would be used again unseen.

    Only glibc has it to be asked.
    """
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _asked(pid: int) -> int:
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
