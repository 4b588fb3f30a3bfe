"""Open descriptors, sockets among them, and what each leads to."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import stat
from collections.abc import Callable, Hashable

from weft.probes.family import LINUX
from weft.probes.leaks import kept
from weft.probes.leaks.left import DESCRIPTOR, SOCKET, Left

_MODES = {os.O_RDONLY: "reading", os.O_WRONLY: "writing", os.O_RDWR: "reading and writing"}


class Descriptors:
    """All of this process but those that multiprocessing keeps for later."""

    def seen(self) -> dict[Hashable, Callable[[], Left]]:
        """Each under its number and what it leads to: the same number may be used again."""
        found: dict[Hashable, Callable[[], Left]] = {}
        kept_open = kept.open_files()
        for number in (int(name) for name in os.listdir("/dev/fd")):
            with contextlib.suppress(OSError):  # the one by which the folder was listed is closed again
                status = os.fstat(number)
                if (status.st_dev, status.st_ino) not in kept_open:
                    found[number, status.st_dev, status.st_ino, status.st_mode] = _describing(number, status.st_mode)
        return found

    def notes(self) -> list[str]:
        """Nothing: the list is complete."""
        return []


def _describing(number: int, mode: int) -> Callable[[], Left]:
    def describe() -> Left:
        if stat.S_ISSOCK(mode):
            return Left(SOCKET, str(number), f": {_socket(number)}")
        return Left(DESCRIPTOR, str(number), f": {_leads_to(number, mode)}")

    return describe


def _leads_to(number: int, mode: int) -> str:
    what = {stat.S_IFIFO: "pipe", stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFCHR: "device"}
    kind, path = what.get(stat.S_IFMT(mode), ""), _path(number)
    with contextlib.suppress(OSError):
        access = _MODES[fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE]
        return f"{kind} {'' if kind == 'pipe' else path}".strip() + f", open for {access}"
    return f"{kind} {path}".strip()


def _path(number: int) -> str:
    if LINUX:
        with contextlib.suppress(OSError):
            return os.readlink(f"/proc/self/fd/{number}")
    elif hasattr(fcntl, "F_GETPATH"):  # macOS
        with contextlib.suppress(OSError):
            return fcntl.fcntl(number, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0").decode(errors="replace")
    return ""


def _socket(number: int) -> str:
    """``127.0.0.1:8000, listens`` or ``127.0.0.1:40312 to 127.0.0.1:8000``."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as copy:
        own = _address(copy.getsockname())
        with contextlib.suppress(OSError):
            return f"{own} to {_address(copy.getpeername())}"
        with contextlib.suppress(OSError):
            if copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                return f"{own}, listens"
        return f"{own}, not connected"
    return "closed meanwhile"


def _address(name: object) -> str:
    if isinstance(name, tuple):
        return f"{name[0]}:{name[1]}"
    return (name.decode(errors="replace") if isinstance(name, bytes) else str(name)) or "a nameless end"
