"""Processes below this one: running, or ended and not waited for."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable

from weft.probes.family import LINUX, Family, stat_of
from weft.probes.leaks.kept import helper_processes
from weft.probes.leaks.left import PROCESS, Left


class Processes:
    """All descendants but those that multiprocessing keeps for later."""

    def __init__(self) -> None:
        self.family = Family(os.getpid())

    def seen(self) -> dict[Hashable, Callable[[], Left]]:
        """Each under its id and the moment it was started."""
        kept = helper_processes()
        return {_key(pid): _describing(pid) for pid in self.family.members()[1:] if pid not in kept}

    def notes(self) -> list[str]:
        """Orphans."""
        return ["A process whose parent has ended is not counted: it belongs to the system then."]


def _key(pid: int) -> Hashable:
    fields = stat_of(pid) if LINUX else []
    return pid, fields[19] if fields else ""


def _describing(pid: int) -> Callable[[], Left]:
    def describe() -> Left:
        fields = stat_of(pid) if LINUX else []
        if fields and fields[0] == "Z":
            return Left(PROCESS, str(pid), ": it has ended, and nobody waited for it")
        return Left(PROCESS, str(pid), f": {_command(pid)}")

    return describe


def _command(pid: int) -> str:
    """The first words of its command line."""
    if not LINUX:
        return "it still runs"
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().decode(errors="replace").split("\0")
    except OSError:
        return "it still runs"
    return f"it still runs {' '.join(words).strip()[:80]}"
