"""The answer's host: a small clean process that starts one process per drive, watches it, and reports how it ended.

It is the parent of every answer process, so it must know nothing that an answer may not know: it imports no check, no
world and no judge. It talks to the judge by lines of JSON on standard input and output (``weft.answer.messages``).
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, TextIO

from weft.answer import child
from weft.answer.messages import Report, Request
from weft.answer.watch import Pipes, clear_away, watch

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def serve(modules: Path, requests: BinaryIO, reports: BinaryIO) -> None:
    """Answer one request after another until ``requests`` ends."""
    _mind_the_family()
    try:
        for line in requests:
            reports.write(drive(Request.from_line(line), modules).to_line())
            reports.flush()
    finally:
        clear_away()


def drive(request: Request, modules: Path) -> Report:
    """Run one drive in a process and a temporary folder of its own, and report how it ended."""
    folder = tempfile.mkdtemp(prefix="drive-", dir=os.getcwd())
    pipes = Pipes.open()
    try:
        start = _spawn if os.environ.get("WEFT_DRIVE_START") == "spawn" or not hasattr(os, "fork") else _fork
        return watch(start(request, modules, folder, pipes), pipes, request.limits)
    finally:
        pipes.close()
        shutil.rmtree(folder, ignore_errors=True)


def _fork(request: Request, modules: Path, folder: str, pipes: Pipes) -> int:
    """A forked child costs milliseconds, and has already what the host imported for it."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(pipes.output.write, 1)
        os.dup2(pipes.output.write, 2)
        keep = (pipes.facts.write, pipes.stacks.write)
        _close_all_but(0, 1, 2, *keep)
        sys.stdin, sys.stdout, sys.stderr = _standard_streams()
        child.run(request, str(modules), *keep)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()  # into the drive's output: our own fault, and the only place left to say so
    finally:
        os._exit(94)


def _standard_streams() -> tuple[TextIO, TextIO, TextIO]:
    """Fresh ones: what this process inherited may hold text of the host's."""
    return (
        os.fdopen(0, closefd=False),
        os.fdopen(1, "w", closefd=False),
        os.fdopen(2, "w", closefd=False, buffering=1),
    )


def _spawn(request: Request, modules: Path, folder: str, pipes: Pipes) -> int:
    """Where fork is not safe (macOS): a fresh interpreter, a tenth of a second or more."""
    keep = (pipes.facts.write, pipes.stacks.write)
    process = subprocess.Popen(
        [sys.executable, "-m", "weft.answer.child", str(modules), *map(str, keep)],
        stdin=subprocess.PIPE,
        stdout=pipes.output.write,
        stderr=pipes.output.write,
        cwd=folder,
        pass_fds=keep,
        start_new_session=True,
    )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(request.to_line())
    process.returncode = 0  # watch() reaps it by pid; Popen must not try again
    return process.pid


def _close_all_but(*keep: int) -> None:
    low = 0
    for descriptor in (*sorted(keep), os.sysconf("SC_OPEN_MAX")):
        if descriptor > low:  # an empty range from 0 would close everything: close_range(2) takes the -1 for infinity
            os.closerange(low, descriptor)
        low = descriptor + 1


def _mind_the_family() -> None:
    """Let no process outlive its drive, and this one not outlive the judge. An interrupt is the judge's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(1))
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None).prctl
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # what an answer daemonises becomes our child


def preload(names: Iterable[str], modules: Path) -> None:
    """Import installed packages that the answer imports, once, so that not every drive pays for it.

    No learner code runs.
    """
    for name in names:
        if not (modules / f"{name}.py").exists():
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def main() -> None:
    """``python -m weft.answer.host MODULES [PACKAGE …]``."""
    modules = Path(sys.argv[1])
    requests = os.fdopen(os.dup(0), "rb")
    reports = os.fdopen(os.dup(1), "wb")
    # Whatever prints from here on must not be taken for a report.
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(2, 1)
    preload(sys.argv[2:], modules)
    serve(modules, requests, reports)


if __name__ == "__main__":
    main()
