"""What threads and child processes are called: the system knows numbers only, and at the end many are gone."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any

_THREAD: Any = threading.Thread


class Names:
    """Of threads by their native number, of processes by their id."""

    def __init__(self) -> None:
        self.threads: dict[int | None, str] = {thread.native_id: thread.name for thread in threading.enumerate()}
        # In a forked child, Python's main thread may still have its parent's number.
        self.threads[os.getpid()] = threading.main_thread().name
        self.processes: dict[int | None, str] = {}

    def of(self, pid: int, thread: int, own: int) -> str:
        """``worker_1``, or ``process 812``, or ``process 812, thread 815``."""
        if pid == own:
            return self.threads.get(thread) or f"thread {thread}"
        name = self.processes.get(pid) or f"process {pid}"
        return name if thread == pid else f"{name}, thread {thread}"


@contextlib.contextmanager
def noted() -> Iterator[Names]:
    """Meanwhile, who is started by :mod:`threading` and :mod:`multiprocessing` is written down."""
    from multiprocessing.process import BaseProcess

    names = Names()
    process: Any = BaseProcess
    set_native, start = _THREAD._set_native_id, process.start

    def set_and_note(thread: Any) -> None:
        set_native(thread)
        names.threads[thread.native_id] = thread.name

    def start_and_note(child: Any) -> None:
        start(child)
        names.processes[child.pid] = child.name

    _THREAD._set_native_id, process.start = set_and_note, start_and_note
    try:
        yield names
    finally:
        _THREAD._set_native_id, process.start = set_native, start


def twins_apart(names: list[str]) -> list[str]:
    """The same names, with a number where several are the same."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if names.count(name) == 1 else f"{name} #{seen[name]}")
    return found
