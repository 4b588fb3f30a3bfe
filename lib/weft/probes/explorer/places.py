"""Which line of the answer (or of the scenario) a thread is in, seen from inside a library."""

from __future__ import annotations

import linecache
import os
import re
from types import FrameType
from typing import NamedTuple

_ASSIGNED = re.compile(r"^\s*([\w.]+)\s*(?::[^=]+)?=[^=]")


class Place(NamedTuple):
    """A line. ``call`` is the library call that it makes ("Queue.get"), "" if it is in the answer itself."""

    path: str
    line: int
    call: str = ""

    @property
    def file(self) -> str:
        return os.path.basename(self.path)

    @property
    def source(self) -> str:
        return linecache.getline(self.path, self.line).strip()

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def user_frame(frame: FrameType | None, files: frozenset[str]) -> tuple[FrameType, FrameType | None] | None:
    """The nearest frame in one of ``files`` at or above ``frame``, and the library's frame that it called."""
    below: FrameType | None = None
    while frame is not None:
        if frame.f_code.co_filename in files:
            return frame, below
        if not frame.f_code.co_filename.startswith(_OURS):
            below = frame
        frame = frame.f_back
    return None


def place_of(frame: FrameType | None, files: frozenset[str]) -> Place | None:
    """Where ``frame`` is, in the learner's terms."""
    found = user_frame(frame, files)
    if found is None:
        return None
    own, below = found
    return Place(own.f_code.co_filename, own.f_lineno, _call(below) if below else "")


def _call(frame: FrameType) -> str:
    owner = frame.f_locals.get("self")
    name = frame.f_code.co_name
    return f"{type(owner).__name__}.{name}" if owner is not None else name


def assigned_name(frame: FrameType) -> str:
    """What the line of ``frame`` assigns to: "Account.lock" for ``self.lock = …`` in a method; "" if nothing."""
    match = _ASSIGNED.match(linecache.getline(frame.f_code.co_filename, frame.f_lineno))
    if not match:
        return ""
    first, _, rest = match[1].partition(".")
    if first == "self" and rest:
        owner = frame.f_locals.get("self")
        return f"{type(owner).__name__}.{rest}"
    return match[1]


_OURS = os.path.dirname(__file__) + os.sep
