"""Waiting on a selector, as an event loop does: under the scheduler, until something is ready or virtual time is up.

So an answer whose threads run an event loop inside is explored like any other. A loop's pipe to itself has both ends
in this process: what waits only for such pairs waits for another thread, never for the world outside.
"""

from __future__ import annotations

import selectors
import socket
import weakref
from collections.abc import Callable
from typing import Any

from weft.probes.explorer.strands import me
from weft.probes.explorer.strategies import SYNC

_KINDS = ("SelectSelector", "PollSelector", "EpollSelector", "DevpollSelector", "KqueueSelector")


def replacements() -> list[tuple[Any, str, Any]]:
    """What to put where: (owner, name, value)."""
    pairs: weakref.WeakSet[socket.socket] = weakref.WeakSet()
    real_pair = socket.socketpair

    def socketpair(*args: Any, **kwargs: Any) -> tuple[socket.socket, socket.socket]:
        both = real_pair(*args, **kwargs)
        pairs.update(both)
        return both

    kinds = [getattr(selectors, name) for name in _KINDS if hasattr(selectors, name)]
    table: list[tuple[Any, str, Any]] = [(kind, "select", _waits(kind.select, pairs)) for kind in kinds]
    return [*table, (socket, "socketpair", socketpair)]


def _waits(real: Callable[..., Any], pairs: weakref.WeakSet[socket.socket]) -> Callable[..., Any]:
    def select(selector: Any, timeout: float | None = None) -> Any:
        strand = me()
        if strand is None:
            return real(selector, timeout)
        strand.scheduler.point(strand, SYNC, "select")
        found = real(selector, 0)
        if found or (timeout is not None and timeout <= 0):
            return found
        strand.file = _outside(selector, pairs)
        strand.scheduler.block(strand, lambda: _has_news(real, selector), ("io", selector), timeout)
        return real(selector, 0)

    return select


def _outside(selector: Any, pairs: weakref.WeakSet[socket.socket]) -> Any:
    """Something to wait on in real time; None if nobody outside can make any of its files ready."""
    files = [key.fileobj for key in selector.get_map().values()]
    outside = [file for file in files if not (isinstance(file, socket.socket) and file in pairs)]
    if not outside:
        return None
    return selector if hasattr(selector, "fileno") else outside[0]


def _has_news(real: Callable[..., Any], selector: Any) -> bool:
    try:
        return bool(real(selector, 0))
    except (OSError, ValueError):
        return True  # closed meanwhile: whoever waits on it shall hear so
