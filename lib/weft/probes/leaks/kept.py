"""What the standard library keeps for later on purpose, once it has been used: none of it is anybody's leak.

It is looked up in private attributes, which differ between versions: what is not there is not kept.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any


def helper_processes() -> set[int]:
    """multiprocessing's resource tracker and fork server."""
    return {pid for pid in (_of_tracker("_pid"), _of_server("_forkserver_pid")) if isinstance(pid, int)}


def open_files() -> set[tuple[int, int]]:
    """Device and number of the pipes to those two, and of the arenas of shared ctypes that hold nothing.

    An arena is open twice: its memory mapping has a descriptor of its own.
    """
    found = set()
    for number in (_of_tracker("_fd"), _of_server("_forkserver_alive_fd"), *_empty_arenas()):
        if isinstance(number, int):
            with contextlib.suppress(OSError):
                status = os.fstat(number)
                found.add((status.st_dev, status.st_ino))
    return found


def folder() -> str | None:
    """The temporary folder that multiprocessing removes when the process ends."""
    process = sys.modules.get("multiprocessing.process")
    config = getattr(getattr(process, "_current_process", None), "_config", {})
    found = config.get("tempdir")
    return os.path.realpath(found) if isinstance(found, str) else None


def _of_tracker(name: str) -> Any:
    return _attribute("multiprocessing.resource_tracker", "_resource_tracker", name)


def _of_server(name: str) -> Any:
    return _attribute("multiprocessing.forkserver", "_forkserver", name)


def _attribute(module: str, *path: str) -> Any:
    found: Any = sys.modules.get(module)
    for name in path:
        found = getattr(found, name, None)
    return found


def _empty_arenas() -> list[Any]:
    heap = _attribute("multiprocessing.heap", "BufferWrapper", "_heap")
    used = getattr(heap, "_allocated_blocks", {})
    # Blocks that were freed while the heap was locked wait in a list.
    waiting = {block[:2] for block in getattr(heap, "_pending_free_blocks", ())}
    return [
        getattr(arena, "fd", None)
        for arena in getattr(heap, "_arenas", ())
        if not {block for block in used.get(arena, ()) if (arena, block[0]) not in waiting}
    ]
