"""Shared memory: which of it a piece of code made, what it left behind, and whether a process has any."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from multiprocessing import resource_tracker, shared_memory
from pathlib import Path
from typing import Any


class Ledger:
    """The names of the shared memory that was made while :func:`watched` was open, by this process."""

    def __init__(self) -> None:
        self.made: list[str] = []

    @property
    def left(self) -> list[str]:
        """Those that can still be opened by their name."""
        return [name for name in self.made if _is_there(name)]


@contextlib.contextmanager
def watched() -> Iterator[Ledger]:
    """Note the names of all shared memory that :mod:`multiprocessing.shared_memory` makes, as long as it lasts.

    Other programs of the machine make some too, at the same moment: a look into /dev/shm would not tell whose. What is
    left when it closes is unlinked, so that a wrong answer does not fill the machine; look before.
    """
    ledger = Ledger()
    real = _posix()

    class Noting:
        shm_unlink = staticmethod(real.shm_unlink)

        @staticmethod
        def shm_open(path: str, flags: int, mode: int = 0o777) -> int:
            descriptor: int = real.shm_open(path, flags, mode=mode)
            if flags & os.O_CREAT:
                ledger.made.append(path)
            return descriptor

    shared_memory.__dict__["_posixshmem"] = Noting
    try:
        yield ledger
    finally:
        shared_memory.__dict__["_posixshmem"] = real
        for name in ledger.left:
            real.shm_unlink(name)
            resource_tracker.unregister(name, "shared_memory")  # or it complains at the end


def _posix() -> Any:
    """The C module below: it has no stubs, and Windows has none of it."""
    return shared_memory.__dict__["_posixshmem"]


def _is_there(name: str) -> bool:
    try:
        os.close(_posix().shm_open(name, os.O_RDONLY, mode=0o600))
    except FileNotFoundError:
        return False
    return True


def shared_mappings(pid: int | str = "self") -> set[str] | None:
    """What memory a process can write to and shares with others: names of files in memory, or a word for no file.

    None where the system does not tell (anything but Linux).
    """
    if sys.platform != "linux":
        return None
    rows = [line.split(maxsplit=5) for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    shared = {row[5] for row in rows if row[1].startswith("rw") and row[1].endswith("s") and len(row) == 6}
    found = {name for name in shared if name.startswith(("/dev/shm/", "/dev/zero", "/memfd:"))}
    return {name for name in found if not name.startswith("/dev/shm/sem.")}  # a lock of multiprocessing holds no result
