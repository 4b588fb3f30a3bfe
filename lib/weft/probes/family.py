"""A process and all below it: who they are, now. Reads /proc on Linux, asks psutil elsewhere."""

from __future__ import annotations

import os
import sys

LINUX = sys.platform == "linux"


class Family:
    """Process ``root`` and its descendants. Looking again costs little: who is known is not asked for its parent."""

    def __init__(self, root: int) -> None:
        self.root = root
        self._parents: dict[int, int] = {}

    def members(self) -> list[int]:
        """The process ids, ``root`` first, of all that are there (also of those that ended and were not waited for).

        A process whose parent has ended belongs to the family no more.
        """
        if not LINUX:
            return [self.root, *_asked(self.root)]
        there = {int(name) for name in os.listdir("/proc") if name.isdigit()}
        known = {pid: parent for pid, parent in self._parents.items() if pid in there and parent in there}
        self._parents = known | {pid: parent_of(pid) for pid in there - known.keys()}
        return self._below()

    def _below(self) -> list[int]:
        children: dict[int, list[int]] = {}
        for pid, parent in self._parents.items():
            children.setdefault(parent, []).append(pid)
        found = [self.root]
        for pid in found:
            found += sorted(children.get(pid, ()))
        return found


def parent_of(pid: int) -> int:
    """The parent's id; 0 if the process has gone meanwhile."""
    fields = stat_of(pid)
    return int(fields[1]) if fields else 0


def state_of(pid: int) -> str:
    """One letter: ``R`` for running or ready to, ``S`` for waiting, ``Z`` for ended and not waited for. Linux only."""
    fields = stat_of(pid)
    return fields[0] if fields else ""


def stat_of(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may contain anything; none if the process has gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].decode().split()
    except OSError:
        return []


def _asked(root: int) -> list[int]:
    import psutil

    try:
        return [child.pid for child in psutil.Process(root).children(recursive=True)]
    except psutil.Error:
        return []
