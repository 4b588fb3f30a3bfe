"""A stage that costs time in whichever process runs it, and writes down when: evidence of parallel work.

It sleeps without letting go of the interpreter's lock, as a long calculation would hold it. So threads cannot overlap
in it, and processes can, on a machine with one core as on one with sixty.
"""

from __future__ import annotations

import ctypes
import functools
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from weft.trace import Event, Trace


@functools.cache
def _usleep() -> Callable[[int], int]:
    """The C library's, called through PyDLL: that one does not release the lock."""
    return ctypes.PyDLL(None).usleep


def sleep_holding_the_lock(seconds: float) -> None:
    """Sleep so long, and let no other thread of this process run meanwhile."""
    _usleep()(int(seconds * 1e6))


@dataclass(frozen=True, slots=True)
class Hook:
    """Call it with the name of a piece of work. It can be pickled, and sent to any process of this machine.

    ``log`` is the file in which it notes ``enter`` and ``leave``. It takes ``seconds``. ``kills`` is the name of
    a piece at which its process dies, as if the system had run out of memory. ``waits_for`` is a file: the hook
    does not return before it exists, or before ``patience`` seconds are over.
    """

    log: str
    seconds: float = 0.0
    kills: str = ""
    waits_for: str = ""
    patience: float = 2.0

    def __call__(self, name: str) -> None:
        """Do it."""
        self._note("enter", name)
        if self.kills and name.startswith(self.kills):
            os.kill(os.getpid(), signal.SIGKILL)
        if self.seconds:
            sleep_holding_the_lock(self.seconds)
        self._wait()
        self._note("leave", name)

    def _wait(self) -> None:
        end = time.monotonic() + self.patience
        while self.waits_for and not os.path.exists(self.waits_for) and time.monotonic() < end:
            time.sleep(0.005)

    def _note(self, kind: str, name: str) -> None:
        # One write to a file opened for appending: lines of several processes do not mix.
        line = f"{time.monotonic()!r}\t{kind}\t{os.getpid()}\t{name}\n"
        descriptor = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def read_log(log: Path) -> Trace:
    """What hooks with this log noted: ``enter`` and ``leave``, the piece as subject, the process as actor."""
    if not log.exists():
        return Trace()
    rows = [line.split("\t", 3) for line in log.read_text(encoding="utf-8").splitlines()]
    return Trace(Event(float(when), kind, name, f"process {pid}") for when, kind, pid, name in rows)


def processes_at_once(trace: Trace) -> int:
    """The largest number of different processes that were inside a hook at the same moment.

    Threads of one process count as one: between waking up and writing ``leave``, another may have written ``enter``.
    """
    inside: Counter[str] = Counter()
    most = 0
    for event in trace.of("enter", "leave"):
        inside[event.actor] += 1 if event.kind == "enter" else -1
        most = max(most, sum(count > 0 for count in inside.values()))
    return most
