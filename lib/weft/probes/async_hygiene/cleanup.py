"""Which lines clean up: a second blow there is another question than a first one elsewhere."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterable
from types import FrameType


class Cleanups:
    """Knows the ``finally`` blocks of files, which it reads once."""

    def __init__(self) -> None:
        self._blocks: dict[str, list[range]] = {}

    def within(self, frames: Iterable[FrameType]) -> bool:
        """Whether one of ``frames`` is in a ``finally`` block or in an ``__aexit__``."""
        return any(
            frame.f_code.co_name == "__aexit__"
            or any(frame.f_lineno in block for block in self._of(frame.f_code.co_filename))
            for frame in frames
        )

    def _of(self, path: str) -> list[range]:
        if path not in self._blocks:
            try:
                tree = ast.parse("".join(linecache.getlines(path)))
            except (SyntaxError, ValueError):
                tree = ast.Module([], [])
            self._blocks[path] = [
                range(node.finalbody[0].lineno, (node.finalbody[-1].end_lineno or 0) + 1)
                for node in ast.walk(tree)
                if isinstance(node, ast.Try | ast.TryStar) and node.finalbody
            ]
        return self._blocks[path]
