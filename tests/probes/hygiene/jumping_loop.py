"""The least virtual clock: when nothing is ready, time jumps to the next timer."""

from __future__ import annotations

import asyncio
import selectors
from typing import Any


class JumpingLoop(asyncio.SelectorEventLoop):
    """Good for sleeping tasks only; it knows nothing of sockets and threads."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self.now


class _Selector(selectors.SelectSelector):
    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self.loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found: list[Any] = super().select(0)
        if not found and timeout is None:
            raise RuntimeError("every task waits, and there is no timer")
        if not found and timeout:
            self.loop.now += timeout
        return found
