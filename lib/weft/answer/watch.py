"""Watch one drive's process until it ends or must be ended, and clear away whatever it left."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from weft.answer.child import ASK, INSIST
from weft.answer.frames import place
from weft.answer.messages import FACTS_LIMIT, FACTS_TOO_LONG, Limits, Report

#: Seconds between two looks at a drive's memory and processes: reading PSS costs milliseconds per process.
LOOK = 0.1

#: Seconds that a hung process gets to tell its stacks.
TELL = 1.0

#: Of what an answer prints, so many bytes are kept for the learner to read.
OUTPUT_KEPT = 8_000

FAULTHANDLER_LINE = re.compile(r'File "([^"]+)", line (\d+)')


@dataclass(slots=True)
class Pipe:
    """A pipe's two descriptors and what has been read from it; at most ``most`` bytes are kept, all are counted."""

    read: int
    write: int
    most: int
    data: bytearray = field(default_factory=bytearray)
    count: int = 0

    @classmethod
    def open(cls, most: int) -> Pipe:
        """A new pipe whose reading end does not block."""
        read, write = os.pipe()
        os.set_blocking(read, False)
        return cls(read, write, most)

    def drain(self) -> None:
        """Read all that is there now."""
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self.read, 1 << 16):
                self.count += len(chunk)
                self.data += chunk[: max(0, self.most - len(self.data))]


@dataclass(slots=True)
class Pipes:
    """What comes out of a drive: its facts, its stacks if it hangs, and whatever it prints."""

    facts: Pipe
    stacks: Pipe
    output: Pipe

    @classmethod
    def open(cls) -> Pipes:
        """Three new pipes."""
        return cls(Pipe.open(FACTS_LIMIT + 1), Pipe.open(1 << 17), Pipe.open(OUTPUT_KEPT))

    def all(self) -> tuple[Pipe, Pipe, Pipe]:
        """The three."""
        return self.facts, self.stacks, self.output

    def drain(self) -> None:
        """Read all that is there now."""
        for pipe in self.all():
            pipe.drain()

    def close(self) -> None:
        """Close both ends of each."""
        for pipe in self.all():
            os.close(pipe.read)
            os.close(pipe.write)


def watch(pid: int, pipes: Pipes, limits: Limits) -> Report:
    """Wait for process ``pid`` to end; end it when it passes a limit; report, and leave no process of it behind."""
    started = time.monotonic()
    stopped, status, usage = _wait(pid, pipes, limits, started)
    seconds = time.monotonic() - started
    left = clear_away()
    pipes.drain()
    report = _report(stopped, status, pipes)
    report.seconds, report.left = seconds, left
    report.output = pipes.output.data.decode(errors="replace")
    if pipes.output.count > len(pipes.output.data):
        report.output += f"\n… {pipes.output.count} bytes in all"
    report.cpu_seconds = usage.ru_utime + usage.ru_stime
    report.peak_rss = usage.ru_maxrss * 1024
    return report


def _wait(pid: int, pipes: Pipes, limits: Limits, started: float) -> tuple[str, int, Any]:
    """Why we stopped the process (empty if we did not), its wait status, its resource usage."""
    end = _end_descriptor(pid)
    try:
        return _watch_loop(pid, pipes, limits, started, end)
    finally:
        if end is not None:
            os.close(end)


def _end_descriptor(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends; None where the platform has none (macOS)."""
    return os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None


def _watch_loop(pid: int, pipes: Pipes, limits: Limits, started: float, end: int | None) -> tuple[str, int, Any]:
    next_look = started + LOOK
    sources = [pipe.read for pipe in pipes.all()] + ([] if end is None else [end])
    while True:
        # Drained before we look whether it has ended: a full pipe would keep it from ending.
        select.select(sources, [], [], LOOK if end is not None else 0.005)
        pipes.drain()
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            return "", status, usage
        now = time.monotonic()
        stopped = "hung" if now - started > limits.deadline else ""
        stopped = stopped or ("flooded" if pipes.output.count > limits.output else "")
        if now > next_look and not stopped:
            stopped = _over_limit(limits)
            next_look = time.monotonic() + LOOK
        if stopped:
            if stopped == "hung":
                _ask_for_stacks(pid, pipes)
            os.kill(pid, signal.SIGKILL)
            _, status, usage = os.wait4(pid, 0)
            return stopped, status, usage


def _over_limit(limits: Limits) -> str:
    processes = descendants()
    if len(processes) > limits.processes:
        return "processes"
    return "memory" if sum(map(_memory, processes)) > limits.memory * 1.25 else ""


def _memory(process: psutil.Process) -> int:
    """Proportional set size in bytes, so that shared pages count once over the tree.

    Resident size where there is no PSS.
    """
    with contextlib.suppress(psutil.Error):
        resident = int(process.memory_info().rss)
        # PSS is never more than RSS and costs much more to read; small processes cannot be the problem.
        if resident < 1 << 26:
            return resident
        return int(getattr(process.memory_full_info(), "pss", resident))
    return 0


def descendants() -> list[psutil.Process]:
    """All processes below this one."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process().children(recursive=True)
    return []


def _ask_for_stacks(pid: int, pipes: Pipes) -> None:
    """First the handler in Python, which knows names and tasks.

    If the process is stuck in C, faulthandler, which needs nobody's help.
    """
    for question in (ASK, INSIST):
        os.kill(pid, question)
        until = time.monotonic() + TELL
        while time.monotonic() < until:
            select.select([pipes.stacks.read], [], [], 0.05)
            pipes.drain()
            if pipes.stacks.data:
                time.sleep(0.05)  # the rest of it
                pipes.drain()
                return


def _stacks(data: bytes) -> dict[str, list[str]]:
    """What a process told of its threads, from JSON or from faulthandler's text (innermost first there)."""
    with contextlib.suppress(ValueError):
        return dict(json.loads(data))
    stacks: dict[str, list[str]] = {}
    name = ""
    for line in data.decode(errors="replace").splitlines():
        if match := FAULTHANDLER_LINE.search(line):
            filename, number = match.group(1), int(match.group(2))
            if Path(filename).parent.name == "modules":
                stacks.setdefault(name or "main", []).insert(0, place(filename, number))
        elif line:
            name = line.split(" (")[0]
    return stacks


def _report(stopped: str, status: int, pipes: Pipes) -> Report:
    if stopped:
        return Report(stopped, stacks=_stacks(bytes(pipes.stacks.data)) if stopped == "hung" else {})
    code = os.waitstatus_to_exitcode(status)
    if code == FACTS_TOO_LONG:
        return Report("too long")
    try:
        return Report(**json.loads(pipes.facts.data))
    except (ValueError, TypeError):
        return Report("died", message=_death(code))


def _death(code: int) -> str:
    if code >= 0:
        return f"its process ended with exit code {code} before the call returned"
    try:
        return f"its process was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"its process was ended by signal {-code}"


def clear_away() -> int:
    """Kill every process below this one, and return how many there were.

    Repeats, for a fork bomb forks while it is killed.
    """
    found: set[int] = set()
    for _ in range(50):
        processes = descendants()
        if not processes:
            break
        for process in processes:
            found.add(process.pid)
            with contextlib.suppress(psutil.Error):
                process.kill()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.002)
    return len(found)
