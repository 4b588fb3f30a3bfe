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
from collections.abc import Callable
from dataclasses import dataclass

from weft.worlds.notes import note


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
        note(self.log, "enter", name)
        if self.kills and name.startswith(self.kills):
            os.kill(os.getpid(), signal.SIGKILL)
        if self.seconds:
            sleep_holding_the_lock(self.seconds)
        self._wait()
        note(self.log, "leave", name)

    def _wait(self) -> None:
        end = time.monotonic() + self.patience
        while self.waits_for and not os.path.exists(self.waits_for) and time.monotonic() < end:
            time.sleep(0.005)
