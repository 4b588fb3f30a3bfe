"""Tracebacks and stacks, reduced to the learner's own lines."""

from __future__ import annotations

import linecache
import sys
import threading
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

#: Deep recursion repeats itself; so many lines tell it.
MOST = 12


def place(filename: str, line: int) -> str:
    """``progress.py:9 self.total += n``."""
    return f"{Path(filename).name}:{line} {linecache.getline(filename, line).strip()}".rstrip()


def learner_lines(frames: Iterable[tuple[FrameType, int]], folder: str) -> list[str]:
    """The lines of those frames whose code lies in ``folder``, in the given order."""
    return [
        place(frame.f_code.co_filename, line) for frame, line in frames if frame.f_code.co_filename.startswith(folder)
    ]


def of_error(error: BaseException, folder: str) -> list[str]:
    """The learner's lines in an error's traceback, innermost first; the bad line itself for a syntax error."""
    if isinstance(error, SyntaxError) and error.filename and error.filename.startswith(folder):
        return [f"{Path(error.filename).name}:{error.lineno} {(error.text or '').strip()}"]
    lines = learner_lines(traceback.walk_tb(error.__traceback__), folder)
    return lines[::-1][:MOST]


def of_threads(folder: str, interrupted: FrameType | None) -> dict[str, list[str]]:
    """Every thread's learner lines, outermost first, and what it waits in.

    ``interrupted`` is the frame that this thread was in when it was asked, from a signal handler's argument.
    """
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    tops = {**sys._current_frames(), threading.get_ident(): interrupted}
    return {names.get(ident, f"thread {ident}"): _stack(top, folder) for ident, top in tops.items()}


def _stack(frame: FrameType | None, folder: str) -> list[str]:
    if frame is None:
        return []
    lines = learner_lines(reversed(list(traceback.walk_stack(frame))), folder)[-MOST:]
    if not frame.f_code.co_filename.startswith(folder):
        lines.append(f"waits in {Path(frame.f_code.co_filename).name}: {frame.f_code.co_name}()")
    return lines


def of_tasks(folder: str) -> dict[str, list[str]]:
    """The learner's lines of every task of this thread's running loop, outermost first."""
    asyncio = sys.modules.get("asyncio")  # an answer without it has no tasks, and need not wait for its import
    try:
        tasks = asyncio.all_tasks() if asyncio else set()
    except RuntimeError:
        return {}
    return {f"task {task.get_name()}": _task_stack(task.get_coro(), folder) for task in tasks}


def _task_stack(awaitable: Any, folder: str) -> list[str]:
    lines: list[str] = []
    while awaitable is not None and len(lines) < MOST:
        frame = getattr(awaitable, "cr_frame", None) or getattr(awaitable, "gi_frame", None)
        if frame is None:
            lines.append(f"waits for {type(awaitable).__name__}")
            break
        if frame.f_code.co_filename.startswith(folder):
            lines.append(place(frame.f_code.co_filename, frame.f_lineno))
        awaitable = getattr(awaitable, "cr_await", None) or getattr(awaitable, "gi_yieldfrom", None)
    return lines
