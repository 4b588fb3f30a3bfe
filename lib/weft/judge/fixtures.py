"""The fixtures of checks: ``answer``, ``code``, and one for every world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from weft.judge.answer import Answer
from weft.judge.opened import Worlds, world_names
from weft.judge.quality import Code


def fixture_plugin(answer: Answer, opened: Worlds) -> object:
    """A pytest plugin with these fixtures: the answer to drive, its code for quality, each world, reset."""
    makers: dict[str, Callable[[], Any]] = {
        "answer": lambda: answer,
        "code": lambda: Code(answer.modules),
        **{name: _reset_world(opened, name) for name in world_names()},
    }
    # pytest looks for fixtures among the attributes of a plugin's class.
    return type("FixturePlugin", (), {name: _fixture(name, maker) for name, maker in makers.items()})()


def _reset_world(opened: Worlds, name: str) -> Callable[[], Any]:
    return lambda: opened.get(name)


def _fixture(name: str, maker: Callable[[], Any]) -> Any:
    @pytest.fixture(name=name)
    def fixture(self: object) -> Any:
        return maker()

    return fixture
