"""Inside an answer's process: put the limits on, run one drive, send back its facts, end."""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

from weft.answer import frames
from weft.answer.messages import FACTS_LIMIT, FACTS_TOO_LONG, Limits, Request, plain

#: The host asks for stacks with the first signal, which Python handles, and if nothing comes with the second, which
#: works in C.
ASK, INSIST = signal.SIGUSR1, signal.SIGUSR2

#: Set by the sandbox for the processes in it.
SANDBOX_MARK = "WEFT_SANDBOX"

#: Threads that an answer in a sandbox may have beside its processes.
THREADS = 512

#: The name under which a drive's module can be imported, so that its functions pickle.
DRIVE_MODULE = "drive"


def run(request: Request, modules: str, facts_fd: int, stacks_fd: int) -> NoReturn:
    """Run ``request`` in this process, in the current folder, and exit. ``modules`` is the folder of answer modules."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the host ignores it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _explain_hangs(modules, stacks_fd)
    _limit(request.limits)
    os.environ["TMPDIR"] = os.getcwd()  # what the answer leaves in temporary files goes with its folder
    sys.path[:0] = [os.getcwd(), modules]
    sys.dont_write_bytecode = True
    with open(f"{DRIVE_MODULE}.py", "w", encoding="utf-8") as file:
        file.write(request.text)
    message = _result(request, modules)
    code = _send(message, facts_fd)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(code)


def _result(request: Request, modules: str) -> dict[str, Any]:
    importlib.invalidate_caches()
    try:
        function = getattr(importlib.import_module(DRIVE_MODULE), request.function)
        return {"ended": "returned", "facts": plain(_call(function, request, modules))}
    except MemoryError as error:
        return {"ended": "memory", "error": "MemoryError", "frames": frames.of_error(error, modules)}
    except BaseException as error:
        # SystemExit and KeyboardInterrupt too: a drive that ends them any other way has not returned.
        return {
            "ended": "raised",
            "error": type(error).__name__,
            "message": _message(error),
            "frames": frames.of_error(error, modules),
        }


def _call(function: Callable[..., Any], request: Request, modules: str) -> Any:
    if request.explore is None:
        return function(*request.args, **request.kwargs)
    if "tasks" in request.explore:
        from weft.answer.looped import run

        return run(request, **request.explore["tasks"])
    if "loop" in request.explore:
        from weft.answer import onloop

        return onloop.run(request, modules, **request.explore["loop"])
    from weft.answer.explored import explore

    return explore(request, function.__code__.co_filename, modules, **request.explore)


def _message(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.msg}, line {error.lineno}"
    try:
        return str(error)[:2000]
    except Exception:
        return ""


def _send(message: dict[str, Any], facts_fd: int) -> int:
    data = json.dumps(message).encode()
    if len(data) > FACTS_LIMIT:
        return FACTS_TOO_LONG
    with contextlib.suppress(OSError), open(facts_fd, "wb", closefd=False) as pipe:
        pipe.write(data)
    return 0


def _explain_hangs(modules: str, stacks_fd: int) -> None:
    """Answer the host's question "where do you hang?" from signal handlers.

    A helper thread would show in the learner's counts.
    """

    def explain(signum: int, frame: FrameType | None) -> None:
        stacks = frames.of_threads(modules, frame) | frames.of_tasks(modules)
        with contextlib.suppress(OSError):
            os.write(stacks_fd, json.dumps(stacks).encode()[:60_000])

    signal.signal(ASK, explain)
    faulthandler.register(INSIST, file=stacks_fd, all_threads=True, chain=False)


def _limit(limits: Limits) -> None:
    """RLIMIT_DATA is the memory limit that works.

    It gives a clean MemoryError and lets threads and mmap be (RLIMIT_AS does not).
    """
    _lower(resource.RLIMIT_DATA, limits.memory)
    _lower(resource.RLIMIT_NOFILE, limits.files)
    _lower(resource.RLIMIT_FSIZE, limits.file_size)
    _lower(resource.RLIMIT_CORE, 0)
    if os.environ.get(SANDBOX_MARK):
        # Counts all threads of the user, so it is fair only where the user is this sandbox's own.
        _lower(resource.RLIMIT_NPROC, limits.processes + THREADS)


def _lower(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    # Not every platform knows every limit (macOS has no RLIMIT_DATA that bites); the host watches the tree as well.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (value, value))


def main() -> NoReturn:
    """Where a process cannot be forked.

    ``python -m weft.answer.child MODULES FACTS_FD STACKS_FD``, the request on standard input.
    """
    modules, facts_fd, stacks_fd = sys.argv[1:4]
    request = Request.from_line(sys.stdin.buffer.readline())
    run(request, modules, int(facts_fd), int(stacks_fd))


if __name__ == "__main__":
    main()
