"""Blocking reads of sockets: the thread waits under the scheduler until the data is there, and only then reads."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from typing import Any

from weft.probes.explorer.strands import Strand, me
from weft.probes.explorer.strategies import SYNC

#: The methods that wait for something to read.
WAITING = ("recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg", "accept")


def replacements() -> list[tuple[Any, str, Any]]:
    """What to put where: (owner, name, value)."""
    return [
        (socket.socket, name, _waits(getattr(socket.socket, name))) for name in WAITING if hasattr(socket.socket, name)
    ]


def _waits(real: Callable[..., Any]) -> Callable[..., Any]:
    def call(sock: socket.socket, *args: Any, **kwargs: Any) -> Any:
        strand = me()
        if strand is not None and sock.gettimeout() != 0 and sock.fileno() >= 0:
            _wait_for_data(strand, sock)
        return real(sock, *args, **kwargs)

    call.__name__ = getattr(real, "__name__", "recv")
    return call


def _wait_for_data(strand: Strand, sock: socket.socket) -> None:
    def ready() -> bool:
        return sock.fileno() < 0 or bool(select.select([sock], [], [], 0)[0])

    scheduler = strand.scheduler
    scheduler.point(strand, SYNC, "socket")
    if ready():
        return
    strand.file = sock
    if not scheduler.block(strand, ready, ("io", sock), sock.gettimeout()):
        raise TimeoutError("timed out")
