"""A hand that kills worker processes with SIGKILL: before they write a result, after any step of writing it, or always.

The hand is the ``work`` that a worker calls for a segment. "After so many steps" needs no help from the worker: the
hand watches, with a trace function, the lines (or the opcodes, which are finer) that the answer's own code executes
once the result is computed, and kills its process at the one that it was told. So no moment is safe: not between
two lines of a write, not with a lock held, not between writing and telling somebody.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

from weft.worlds.notes import note

#: Before the segment is computed.
BEFORE = 0

#: Whoever gets the segment is killed, every time.
ALWAYS = -1


@dataclass(frozen=True, slots=True)
class ChaosHand:
    """A ``work`` that does ``work``, and kills. It can be pickled.

    ``kills`` are pairs of a segment's start and a step: BEFORE, ALWAYS, or how many steps of the answer's code after
    the segment was computed. But for ALWAYS, only the first process that gets the segment is killed. ``log`` is the
    file in which it notes ``enter``, ``leave`` and ``kill``; beside it, it leaves marks of what it has done.
    ``opcodes`` makes a step an opcode instead of a line.
    """

    log: str
    work: Callable[[int, int, Any], int]
    kills: tuple[tuple[int, int], ...]
    opcodes: bool = False

    def __call__(self, start: int, stop: int, base: Any) -> int:
        """Count one segment, perhaps."""
        note(self.log, "enter", str(start))
        step = dict(self.kills).get(start)
        if step is not None and step != ALWAYS and not self._first(start):
            step = None
        if step in (BEFORE, ALWAYS):
            self._kill(start)
        found = self.work(start, stop, base)
        note(self.log, "leave", str(start))
        if step is not None:
            after_steps(step, functools.partial(self._kill, start), opcodes=self.opcodes)
        return found

    def _first(self, start: int) -> bool:
        """Whether no process got the segment before. Exactly one of them sees a file made."""
        try:
            os.close(os.open(f"{self.log}.{start}", os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return False
        return True

    def _kill(self, start: int) -> None:
        note(self.log, "kill", str(start))
        os.kill(os.getpid(), signal.SIGKILL)


def after_steps(steps: int, act: Callable[[], None], *, opcodes: bool = False) -> None:
    """Call ``act`` in this thread when the code that called us has made so many ``steps``: lines, or opcodes.

    Counted are the callers' and whatever they call, without the standard library, installed packages and ourselves.
    """
    left = steps

    def trace(frame: FrameType, event: str, arg: object) -> Callable[..., Any] | None:
        nonlocal left
        if not _watched(frame):
            return None
        frame.f_trace_opcodes = opcodes
        if event == ("opcode" if opcodes else "line"):
            left -= 1
            if left == 0:
                sys.settrace(None)
                act()
        return trace

    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if _watched(frame):
            frame.f_trace_opcodes = opcodes
            frame.f_trace = trace
        frame = frame.f_back
    sys.settrace(trace)


def _watched(frame: FrameType) -> bool:
    return not frame.f_code.co_filename.startswith(_elsewhere())


@functools.cache
def _elsewhere() -> tuple[str, ...]:
    """Where code lies that is nobody's answer."""
    weft = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return ("<", weft, *{sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")})
