"""Whether every registered socket's other end is registered too: then nobody outside can wake the loop."""

from __future__ import annotations

import os
import selectors
import socket
import stat
from collections.abc import Iterable
from typing import Any

Pair = tuple[Any, Any]


def closed_world(selector_list: Iterable[selectors.BaseSelector], own: set[int]) -> bool:
    """True if no socket or pipe of the selectors leads out. ``own`` are the loops' self-pipes."""
    pairs: set[Pair] = set()
    for selector in selector_list:
        for descriptor in [key.fd for key in list((selector.get_map() or {}).values())]:
            if descriptor in own:
                continue
            pair = _pair(descriptor)
            if pair is None:
                return False
            if pair[1] is not None:
                pairs.add(pair)
    return all((theirs, ours) in pairs for ours, theirs in pairs)


def _pair(descriptor: int) -> Pair | None:
    """Addresses of both ends; the second is None for a listening socket; None for whatever is not a socket."""
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return None
        sock = socket.socket(fileno=descriptor)
    except OSError:
        return None
    try:
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return sock.getsockname(), None
        ours, theirs = sock.getsockname(), sock.getpeername()
        return (ours, theirs) if ours and theirs and sock.type == socket.SOCK_STREAM else None
    except OSError:
        return None
    finally:
        sock.detach()
