"""Worlds to play with in a notebook: opened once, closed with the kernel."""

from __future__ import annotations

import atexit
import importlib
from contextlib import ExitStack
from typing import Any

_open: dict[str, Any] = {}
_stack = ExitStack()
atexit.register(_stack.close)


def use_world(name: str) -> Any:
    """The world of that module in ``weft.worlds`` (``"file_server"``), reset; opened when it is first asked for.

    Raises ModuleNotFoundError if there is no such world.
    """
    if name in _open:
        try:
            _open[name].reset()
            return _open[name]
        except RuntimeError:  # it died; a fresh one takes its place
            del _open[name]
    world = _stack.enter_context(importlib.import_module(f"weft.worlds.{name}").open_world())
    _open[name] = world
    return world
