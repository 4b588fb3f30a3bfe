"""Calls that stop the whole event loop: blockbuster's list of them, recorded instead of forbidden.

A call counts if a line of the answer made it while the loop was running in that thread. It is recorded and then
carried out: what runs on is the answer's own program, and all its blocking calls are found in one run.

Not counted: imports; calls on non-blocking sockets and pipes; ``time.sleep(0)``; numeric addresses and "localhost";
a wait for another thread that ends within ``GRACE`` real seconds (the exit of an executor whose work is done). Local
files are not counted either, unless ``disk`` is set: asyncio has nothing better for them than a thread, and a small
file costs less than the hand-over. Not seen: ``with lock:`` of a threading lock (its type is C's, and cannot be
wrapped), functions that the answer imported by name into a class or a closure, and waits inside other C code.
"""

from __future__ import annotations

import _thread
import asyncio
import ipaddress
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from blockbuster import BlockBuster, BlockBusterFunction

from weft.probes.async_hygiene.findings import BLOCKING, Ledger
from weft.probes.places import Own, Spot, frames

#: Real seconds for which the loop may wait for another thread.
GRACE = 0.1

Predicate = Callable[..., bool]


@contextmanager
def noted(own: Own, ledger: Ledger, *, disk: bool = False, names: dict[str, Any] | None = None) -> Iterator[None]:
    """Write down blocking calls meanwhile. ``names`` are globals to watch beside those of the answer's modules."""
    functions = _functions(disk)
    for function in functions:
        function.can_block_predicate = _noting(function, own, ledger)
    try:
        for function in functions:
            function.activate()
        with _renamed(functions, own, names or {}):
            yield
    finally:
        for function in reversed(functions):
            function.deactivate()


def _functions(disk: bool) -> list[BlockBusterFunction]:
    listed = BlockBuster().functions
    for name in ("threading.Lock.acquire", "threading.Lock.acquire_lock"):
        listed[name].can_block_predicate = _lock_is_soon_free(listed[name].original_func)
    for name, function in listed.items():
        if name == "os.read" or (name.startswith("io.") and name.endswith(".read")):
            function.can_block_predicate = _either(function.can_block_predicate, lambda *a: not disk and _is_file(*a))
    listed["time.sleep"].can_block_predicate = lambda seconds=0, *_: seconds == 0
    chosen = [function for name, function in listed.items() if disk or not _touches_files(name)]
    return chosen + _more()


def _more() -> list[BlockBusterFunction]:
    """What blockbuster does not list."""
    acquire = _thread.RLock.acquire
    join = BlockBusterFunction(None, "threading.Thread.join")
    join.can_block_predicate = _thread_is_soon_over(join.original_func)
    return [
        join,
        BlockBusterFunction(_thread.RLock, "acquire", can_block_predicate=_lock_is_soon_free(acquire)),
        BlockBusterFunction(None, "socket.getaddrinfo", can_block_predicate=_is_local),
        BlockBusterFunction(None, "socket.gethostbyname", can_block_predicate=_is_local),
        BlockBusterFunction(None, "subprocess.Popen.wait", can_block_predicate=_has_ended),
    ]


def _touches_files(name: str) -> bool:
    return (name.startswith("os.") and name != "os.read") or (name.startswith("io.") and name.endswith(".write"))


def _noting(function: BlockBusterFunction, own: Own, ledger: Ledger) -> Predicate:
    """Lets every call pass, and writes down those that count."""
    harmless, exempt = function.can_block_predicate, function.can_block_functions

    def note(*args: Any, **kwargs: Any) -> bool:
        caller = _caller(sys._getframe(2), own)
        if caller and not _exempt(caller[0], exempt) and not harmless(*args, **kwargs):
            _, own_frame, called = caller
            via = f"{called} → " if called else ""
            ledger.add(BLOCKING, f"{via}{_name(function)} stops every task until it returns", _spot(own_frame), _task())
        return True

    return note


def _caller(frame: FrameType | None, own: Own) -> tuple[list[FrameType], FrameType, str] | None:
    """The step's stack, the answer's innermost frame in it, and the library function that this one called."""
    stack = list(frames(frame))
    for index, above in enumerate(stack):
        if own.has(above.f_code.co_filename):
            return stack, above, stack[index - 1].f_code.co_qualname if index else ""
    return None


def _exempt(stack: list[FrameType], listed: list[tuple[str, Any]]) -> bool:
    for frame in stack:
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        if file.startswith("<frozen importlib"):
            return True
        if any(file.endswith(ending) and name in names for ending, names in listed):
            return True
    return False


def _spot(frame: FrameType) -> Spot:
    return Spot(frame.f_code.co_filename, frame.f_lineno)


def _task() -> str:
    task = asyncio.current_task()
    return task.get_name() if task else ""


def _name(function: BlockBusterFunction) -> str:
    return function.full_name.replace("_thread.", "threading.").replace("lock.acquire", "Lock.acquire")


@contextmanager
def _renamed(functions: list[BlockBusterFunction], own: Own, names: dict[str, Any]) -> Iterator[None]:
    """``from time import sleep`` in the answer's modules means the watched function too."""
    watched = {id(f.original_func): getattr(f.module, f.func_name) for f in functions if f.activated}
    modules = [module for module in list(sys.modules.values()) if own.has(getattr(module, "__file__", None) or "<")]
    changed: list[tuple[dict[str, Any], str, Any]] = []
    for space in [*(vars(module) for module in modules), names]:
        changed += [(space, name, value) for name, value in space.items() if id(value) in watched]
    for space, name, value in changed:
        space[name] = watched[id(value)]
    try:
        yield
    finally:
        for space, name, value in changed:
            space[name] = value


def _either(first: Predicate, second: Predicate) -> Predicate:
    return lambda *args, **kwargs: first(*args, **kwargs) or second(*args, **kwargs)


def _is_file(file: Any, *_: Any) -> bool:
    """Whether it reads a regular file, which always answers at once or fails."""
    try:
        return stat.S_ISREG(os.fstat(file if isinstance(file, int) else file.fileno()).st_mode)
    except (OSError, ValueError, AttributeError):
        return True


def _lock_is_soon_free(acquire: Any) -> Predicate:
    def soon_free(lock: Any, blocking: bool = True, timeout: float = -1) -> bool:
        if not blocking or timeout == 0:
            return True
        free: bool = acquire(lock, True, GRACE if timeout < 0 else min(timeout, GRACE))
        if free:
            lock.release()
        return free

    return soon_free


def _thread_is_soon_over(join: Any) -> Predicate:
    def soon_over(thread: Any, timeout: float | None = None) -> bool:
        join(thread, GRACE if timeout is None else min(timeout, GRACE))
        return not thread.is_alive()

    return soon_over


def _is_local(host: Any, *_: Any, **__: Any) -> bool:
    try:
        return host in (None, "", b"", "localhost") or bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def _has_ended(process: subprocess.Popen[Any], *_: Any, **__: Any) -> bool:
    return process.poll() is not None
