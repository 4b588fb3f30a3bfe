"""Errors that a notebook shows as what they say, without the frames of IPython and of this library."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

from weft.judge.tables_text import clean

RED, PLAIN = "\x1b[31m", "\x1b[0m"


class Trouble(Exception):
    """Shown as its message alone. The cell has failed, so Run All stops at it."""

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


def of_module(name: str, error: BaseException, folder: Path, left_out: list[str]) -> Trouble:
    """What went wrong in a module's cell, in the learner's own lines; ``left_out`` are the modules that import it."""
    told = _syntax(error) if isinstance(error, SyntaxError) and _own(error, folder) else own_traceback(error, folder)
    others = f" Nor can {' and '.join(f'`{other}`' for other in left_out)}, which need it." if left_out else ""
    hints = [f"`{name}` cannot be imported until this cell runs without an error.{others}"]
    if isinstance(error, ModuleNotFoundError) and error.name:
        hints.insert(0, f"If `{error.name}` is an answer of yours, run its cell `%%module {error.name}` first.")
    return Trouble("\n".join([_red_last(told), "", *hints]))


def own_traceback(error: BaseException, folder: Path) -> str:
    """A traceback with the frames of the work folder only, named as the learner knows them: ``progress.py, line 9``."""
    story = traceback.TracebackException.from_exception(error)
    waiting: list[traceback.TracebackException] = [story]
    while waiting:
        part = waiting.pop()
        part.stack[:] = [frame for frame in part.stack if Path(frame.filename).parent == folder]
        waiting += [other for other in (part.__cause__, part.__context__) if other]
    text = "".join(story.format()).replace(f"{folder}/", "").rstrip()
    return text.replace("Traceback (most recent call last):\n", "")


def in_one_line(error: BaseException, folder: Path) -> str:
    """``ImportError: cannot import name 'Snapshot' from 'progress' (manager.py:7)``."""
    places = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent == folder]
    where = f" ({Path(places[-1].filename).name}:{places[-1].lineno})" if places else ""
    # An ImportError names the file that it looked in; the module's name says as much.
    told = re.sub(rf" \({re.escape(str(folder))}/\w+\.py\)", "", f"{type(error).__name__}: {error}")
    return clean(told + where)


def syntax(error: SyntaxError) -> Trouble:
    """A syntax error in a cell that is not a module."""
    return Trouble(_red_last(_syntax(error)))


def _own(error: SyntaxError, folder: Path) -> bool:
    return bool(error.filename) and Path(str(error.filename)).parent == folder


def _syntax(error: SyntaxError) -> str:
    lines = traceback.TracebackException.from_exception(error).format_exception_only()
    told = "".join(list(lines)[1:]).rstrip()
    hint = ""
    if (error.text or "").lstrip().startswith(("%", "!")):
        hint = "\nA module is plain Python: lines with % or ! belong in a cell of their own."
    return f"{Path(str(error.filename)).name}, line {error.lineno} of this cell\n{told}{hint}"


def _red_last(text: str) -> str:
    head, newline, last = text.rpartition("\n")
    return f"{head}{newline}{RED}{last}{PLAIN}"
