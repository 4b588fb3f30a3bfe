"""Blocks of shared memory that were made and have still their name."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Hashable, Iterator
from multiprocessing import shared_memory
from typing import Any

from weft.probes.leaks.left import MEMORY, Left

#: Where Linux shows them, and others' too.
SHOWN = "/dev/shm"

#: Set for the processes in a sandbox, in which all that is shown is the answer's.
SANDBOX_MARK = "WEFT_SANDBOX"


class Blocks:
    """Those made by this process and the children that it forked; in a sandbox, by whomever."""

    def __init__(self, notebook: int) -> None:
        self._notebook = notebook
        self._private = bool(os.environ.get(SANDBOX_MARK)) and os.path.isdir(SHOWN)

    def seen(self) -> dict[Hashable, Callable[[], Left]]:
        """Each under its name."""
        names = {name for name in self._made() if _is_there(name)}
        if self._private:
            names |= {f"/{name}" for name in os.listdir(SHOWN)}
        return {name: _describing(name) for name in names}

    def notes(self) -> list[str]:
        """Those of whom nothing can be told."""
        if self._private:
            return []
        return ["Shared memory that a child makes which was not forked from this process is not seen."]

    def _made(self) -> list[str]:
        size = os.fstat(self._notebook).st_size
        return os.pread(self._notebook, size, 0).decode().splitlines()


@contextlib.contextmanager
def noted() -> Iterator[Blocks]:
    """Write down the names of all that is made as long as it lasts; forked children write into the same file.

    Other programs of the machine make some too: a look at what the system shows would not tell whose it is.
    """
    real = _posix()
    with tempfile.TemporaryFile(buffering=0) as file:
        os.set_inheritable(file.fileno(), False)

        class Noting:
            """The C module's two functions."""

            shm_unlink = staticmethod(real.shm_unlink)

            @staticmethod
            def shm_open(path: str, flags: int, mode: int = 0o777) -> int:
                descriptor: int = real.shm_open(path, flags, mode=mode)
                if flags & os.O_CREAT:
                    os.write(file.fileno(), f"{path}\n".encode())  # one offset for all: nothing is written over
                return descriptor

        shared_memory.__dict__["_posixshmem"] = Noting
        try:
            yield Blocks(file.fileno())
        finally:
            shared_memory.__dict__["_posixshmem"] = real


def _posix() -> Any:
    """The C module below: it has no stubs."""
    return shared_memory.__dict__["_posixshmem"]


def _describing(name: str) -> Callable[[], Left]:
    return lambda: Left(MEMORY, name, _size(name))


def _size(name: str) -> str:
    with contextlib.suppress(OSError):
        descriptor = _posix().shm_open(name, os.O_RDONLY, mode=0o600)
        try:
            return f", {os.fstat(descriptor).st_size} bytes"
        finally:
            os.close(descriptor)
    return ""


def _is_there(name: str) -> bool:
    try:
        os.close(_posix().shm_open(name, os.O_RDONLY, mode=0o600))
    except OSError:
        return False
    return True
