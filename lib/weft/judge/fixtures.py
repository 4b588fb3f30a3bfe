"""The fixtures of checks: ``answer``, ``code``, and one for every world, found by the name of its module."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from weft import worlds
from weft.judge.answer import Answer
from weft.judge.quality import Code


class Worlds:
    """Opens each world when a check first asks for it, and keeps it for the session."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._open: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        """The world of that name, reset. One that died is opened anew."""
        if name in self._open:
            try:
                self._open[name].reset()
                return self._open[name]
            except RuntimeError:
                del self._open[name]
        opener: Callable[[], AbstractContextManager[Any]] = importlib.import_module(f"weft.worlds.{name}").open_world
        self._open[name] = self._stack.enter_context(opener())
        self._open[name].reset()
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


class FixturePlugin:
    """Registers the fixtures."""

    def __init__(self, answer: Answer, opened: Worlds) -> None:
        for name in world_names():
            setattr(self, name, _world_fixture(name, opened))
        self._answer = answer

    @pytest.fixture
    def answer(self) -> Answer:
        """The answer, ready to be driven."""
        return self._answer

    @pytest.fixture
    def code(self) -> Code:
        """The answer's modules as text, for the quality criterion alone."""
        return Code(self._answer.modules)


def _world_fixture(name: str, opened: Worlds) -> Any:
    @pytest.fixture(name=name)
    def world() -> Iterator[Any]:
        yield opened.get(name)

    return world
