"""The worlds of a session, found by the names of their modules."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from weft import worlds


class Worlds:
    """The worlds of one session: each is opened once and reset for every check."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._open: dict[str, Any] = {}

    def open(self, name: str) -> Any:
        """The world of that name, opened if it is not."""
        if name not in self._open:
            opener: Callable[[], AbstractContextManager[Any]]
            opener = importlib.import_module(f"weft.worlds.{name}").open_world
            self._open[name] = self._stack.enter_context(opener())
        return self._open[name]

    def get(self, name: str) -> Any:
        """The world of that name, reset. One that died is opened anew."""
        try:
            self.open(name).reset()
        except RuntimeError:
            del self._open[name]
            self.open(name).reset()
        return self._open[name]

    def close(self) -> None:
        """Close all that are open."""
        self._stack.close()


def world_names() -> list[str]:
    """The modules of ``weft.worlds`` that have an ``open_world``.

    Told by their text, so that none is imported for nothing.
    """
    names = []
    for module in pkgutil.iter_modules(worlds.__path__):
        spec = module.module_finder.find_spec(module.name, None)
        if spec and spec.origin and b"\ndef open_world(" in Path(spec.origin).read_bytes():
            names.append(module.name)
    return names
