"""Which lines are the answer's: neither the standard library's, nor an installed package's, nor this package's."""

from __future__ import annotations

import functools
import linecache
import os
import sys
import sysconfig
from types import FrameType

from weft.probes.virtual_clock.outcome import Line

_HERE = os.path.dirname(__file__) + os.sep
_PATHS = sysconfig.get_paths()
_LIBRARIES = tuple(
    {_PATHS[key] + os.sep for key in ("stdlib", "platstdlib", "purelib", "platlib")} | {_HERE, "<frozen"}
)


@functools.lru_cache(maxsize=4096)
def is_own(path: str) -> bool:
    """Whether ``path`` may be a file (or a cell) of the answer or the scenario."""
    return not path.startswith(_LIBRARIES)


def line_of(frame: FrameType) -> Line:
    path, number = frame.f_code.co_filename, frame.f_lineno or 0
    source = linecache.getline(path, number).strip()
    return Line(os.path.basename(path), number, frame.f_code.co_qualname, source, path)


def own_frame(frame: FrameType | None) -> FrameType | None:
    """The nearest frame of the answer's at or above ``frame``."""
    while frame is not None and not is_own(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def here() -> str:
    """The answer's line that called, "bank.py:12", or ""."""
    frame = own_frame(sys._getframe(1))
    return f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}" if frame else ""
