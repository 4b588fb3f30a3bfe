"""A helper that watches a process from outside, in a process that is nobody's child.

It needs no turn at the watched process's interpreter lock, so it disturbs nothing and is not kept waiting. A child
would be counted, and reaped, by code that looks after its own children.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from weft.probes.family import LINUX

_LIB = str(Path(__file__).parents[2])

#: What the helper runs. The process that is started ends at once; its child is adopted by the system.
_STAGES = """
import os, sys
if os.fork():
    os._exit(0)
sys.path.insert(0, {lib!r})
from {module} import main
main({args!r})
"""


class Helper:
    """The function ``main(args)`` of ``module``, running outside. ``args`` are plain data, with this process's id.

    OSError if it cannot be started.
    """

    def __init__(self, module: str, args: dict[str, Any]) -> None:
        text = _STAGES.format(lib=_LIB, module=module, args={**args, "pid": os.getpid()})
        # Without site-packages it starts in a tenth of the time; elsewhere than on Linux it needs psutil.
        options = ["-I", "-S"] if LINUX else ["-I"]
        self._process = subprocess.Popen(
            [sys.executable, *options, "-c", text],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self.told = self._process.stdout
        self._process.wait()
        if self.told.readline() != b"ready\n":
            self.close()
            raise OSError("the helper did not start")

    def stop(self) -> dict[str, Any]:
        """End it; what it found. Empty if it has been ended before."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(b"stop\n")
            self._process.stdin.flush()
        try:
            return dict(json.loads(self.told.readline() or "{}"))
        finally:
            self.close()

    def close(self) -> None:
        """Close the pipes; the helper ends when it sees that."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()


def watch(pid: int, every: float, look: Callable[[], None]) -> None:
    """In the helper: ``look`` again and again, ``every`` so many seconds, until told to stop or until ``pid`` has gone.

    Looks once before it says that it is ready, and once after it was told to stop. Where a look takes long, the pauses
    are longer: looking takes a tenth of a core at most.
    """
    look()
    os.write(1, b"ready\n")
    over, pause = False, every
    while not over:
        over = bool(select.select([0], [], [], pause)[0]) or not _is_there(pid)
        before = time.process_time()
        look()
        pause = max(every, 9 * (time.process_time() - before))


def tell(found: dict[str, Any]) -> None:
    """In the helper: the last line."""
    with contextlib.suppress(OSError), open(1, "wb", closefd=False) as file:
        file.write(json.dumps(found).encode() + b"\n")


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
