"""What the answer calls an object: "Account.lock", "jobs"; found where its coroutines can see it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any


class Names:
    """Looks through ``frames``: their local variables, what ``self`` and other locals have, and their globals."""

    def __init__(self, frames: Iterable[FrameType]) -> None:
        self.frames = list(frames)
        self.given: dict[str, list[Any]] = {}

    def of(self, thing: Any, otherwise: str) -> str:
        """The name of ``thing``; objects of the same name are numbered as they are asked for."""
        name = next((name for frame in self.frames for name in _names(frame, thing)), otherwise)
        if not name:
            return ""
        same = self.given.setdefault(name, [])
        index = next((index for index, other in enumerate(same) if other is thing), len(same))
        if index == len(same):
            same.append(thing)
        return f"{name} #{index + 1}" if index else name


def _names(frame: FrameType, thing: Any) -> Iterator[str]:
    local = dict(frame.f_locals)
    owners = [local["self"]] if "self" in local else []
    for owner in [*owners, *local.values()]:
        space = getattr(owner, "__dict__", None)
        if isinstance(space, dict):
            yield from (f"{type(owner).__name__}.{key}" for key, value in list(space.items()) if value is thing)
    yield from (key for key, value in local.items() if value is thing)
    yield from (key for key, value in list(frame.f_globals.items()) if value is thing)
