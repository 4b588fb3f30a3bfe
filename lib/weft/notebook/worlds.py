"""Worlds in the notebook: opened once per kernel, closed when it ends."""

from __future__ import annotations

import atexit
import importlib
import os
from contextlib import ExitStack
from typing import Any

_open: dict[str, Any] = {}
_stack = ExitStack()


def use_world(name: str) -> Any:
    """The world ``weft.worlds.NAME``, as the checks use it: open, and reset.

    Running the cell again gives the same world, reset; one that has died is opened anew.
    """
    if name in _open:
        try:
            _open[name].reset()
            return _open[name]
        except RuntimeError:
            del _open[name]
    if not _open:
        atexit.register(_close, os.getpid())
    _open[name] = _stack.enter_context(importlib.import_module(f"weft.worlds.{name}").open_world())
    _open[name].reset()
    return _open[name]


def _close(owner: int) -> None:
    if os.getpid() == owner:
        _stack.close()
