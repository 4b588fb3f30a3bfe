"""Which line of the answer something belongs to, seen from a frame, a traceback, a suspended coroutine or a text."""

from __future__ import annotations

import asyncio
import gc
import linecache
import os
import re
import traceback
from collections.abc import Collection, Iterator
from pathlib import Path
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import Any, NamedTuple

_STDLIB = os.path.dirname(os.__file__) + os.sep
_WEFT = str(Path(__file__).parents[1]) + os.sep
_LOOP = os.path.join(os.path.dirname(asyncio.__file__), "base_events.py")
_IN_TEXT = re.compile(r'File "([^"]+)", line (\d+)')
_SUSPENDED = (CoroutineType, GeneratorType, AsyncGeneratorType)


class Spot(NamedTuple):
    """A line of the answer; an empty ``path``, and false, where none is known."""

    path: str = ""
    line: int = 0

    def __bool__(self) -> bool:
        return bool(self.path)

    @property
    def source(self) -> str:
        return linecache.getline(self.path, self.line).strip() if self else ""

    def __str__(self) -> str:
        return f"{os.path.basename(self.path)}:{self.line}" if self else ""


NOWHERE = Spot()


class Own:
    """Tells the answer's files from everybody else's.

    ``files`` are paths of files or folders; without them, every file is the answer's that is neither in the standard
    library, nor in site-packages, nor Weft's.
    """

    def __init__(self, files: Collection[str] | None = None) -> None:
        self._files = None if files is None else tuple(os.fspath(file) for file in files)
        self._known: dict[str, bool] = {}

    def has(self, filename: str) -> bool:
        """Whether ``filename`` is the answer's."""
        known = self._known.get(filename)
        if known is None:
            known = self._known[filename] = self._decide(filename)
        return known

    def _decide(self, filename: str) -> bool:
        if self._files is not None:
            return any(filename == file or filename.startswith(file.rstrip(os.sep) + os.sep) for file in self._files)
        foreign = filename.startswith(("<", _STDLIB, _WEFT))
        return not foreign and "site-packages" not in filename and "dist-packages" not in filename

    def of_frame(self, frame: FrameType | None) -> Spot:
        """The answer's innermost line at or above ``frame``."""
        for above in frames(frame):
            if self.has(above.f_code.co_filename):
                return Spot(above.f_code.co_filename, above.f_lineno)
        return NOWHERE

    def of_error(self, error: BaseException) -> Spot:
        """The answer's innermost line in an error's traceback."""
        return self._last((frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__))

    def of_suspended(self, awaitable: Any) -> Spot:
        """The answer's innermost line at which a coroutine is suspended."""
        return self._last((frame.f_code.co_filename, frame.f_lineno) for frame in chain(awaitable))

    def of_text(self, text: str) -> Spot:
        """The answer's innermost line in a traceback that was printed (most recent call last)."""
        return self._last((file, int(line)) for file, line in _IN_TEXT.findall(text))

    def _last(self, lines: Iterator[tuple[str, int]] | Any) -> Spot:
        return next((Spot(file, line) for file, line in reversed(list(lines)) if self.has(file)), NOWHERE)


def frames(frame: FrameType | None) -> Iterator[FrameType]:
    """``frame`` and those above it, up to the event loop: what called the loop has no part in a step."""
    while frame is not None and not (frame.f_code.co_name == "_run_once" and frame.f_code.co_filename == _LOOP):
        yield frame
        frame = frame.f_back


def chain(awaitable: Any) -> Iterator[FrameType]:
    """The frames of a suspended coroutine, outermost first."""
    while awaitable is not None:
        frame, inner = _parts(awaitable)
        if frame is not None:
            yield frame
        elif not isinstance(awaitable, _SUSPENDED):
            # `coroutine.__await__()` and `anext(generator)` hide what they wait for; the collector sees it.
            inner = next((held for held in gc.get_referents(awaitable) if isinstance(held, _SUSPENDED)), None)
        awaitable = inner


def _parts(awaitable: Any) -> tuple[FrameType | None, Any]:
    """The frame, and what it waits for."""
    if hasattr(awaitable, "cr_frame"):
        return awaitable.cr_frame, awaitable.cr_await
    if hasattr(awaitable, "gi_frame"):
        return awaitable.gi_frame, awaitable.gi_yieldfrom
    if hasattr(awaitable, "ag_frame"):
        return awaitable.ag_frame, awaitable.ag_await
    return None, None
