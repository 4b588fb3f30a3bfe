"""What the doctor looks at. Everything is tried out, not only looked up."""

from __future__ import annotations

import importlib.metadata
import multiprocessing
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import shared_memory
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from weft.layout import Course, LayoutError
from weft.probes import free_threading

OLDEST = (3, 11)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing: what was found, whether it is good, what it is for, whether the course needs it."""

    what: str
    good: bool
    found: str
    purpose: str
    required: bool = False


def findings() -> Iterator[Finding]:
    """All that the doctor looks at, one after the other."""
    yield python()
    yield packages()
    yield pins()
    for method in ("spawn", "fork"):
        yield start_method(method)
    yield shared()
    yield bubblewrap()
    yield browser()
    yield free_threaded()


def python() -> Finding:
    """This interpreter."""
    return Finding("Python", sys.version_info >= OLDEST, sys.version.split()[0], "everything; 3.11 or later", True)


def packages() -> Finding:
    """What weft depends on, at versions that it can use."""
    wrong = [fault for need in needed() if (fault := _fault(need))]
    found = "; ".join(wrong) or f"all {len(needed())}"
    return Finding("packages", not wrong, found, "everything; install with: make lab", True)


def needed() -> list[Requirement]:
    """The direct dependencies that apply to this machine, without those of extras."""
    rows = [Requirement(row) for row in importlib.metadata.requires("weft") or ()]
    return [need for need in rows if need.marker is None or need.marker.evaluate({"extra": ""})]


def _fault(need: Requirement) -> str:
    try:
        version = importlib.metadata.version(need.name)
    except importlib.metadata.PackageNotFoundError:
        return f"{need.name} is missing"
    return (
        "" if need.specifier.contains(version, prereleases=True) else f"{need.name} {version} is not {need.specifier}"
    )


def pins() -> Finding:
    """Whether the packages are those that the course is tested with."""
    purpose = "the same as everybody else has"
    try:
        path = Course.find().root / "constraints.txt"
        wanted = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", path.read_text(encoding="utf-8"), re.MULTILINE))
    except (LayoutError, OSError):
        return Finding("pinned versions", False, "there is no constraints.txt here", purpose)
    other = [f"{name} {have}, not {pin}" for name, pin in wanted.items() if (have := _differs(name, pin))]
    return Finding("pinned versions", not other, "; ".join(other[:5]) or f"all {len(wanted)}", purpose)


def _differs(name: str, pin: str) -> str:
    try:
        have = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
    return "" if Version(have) == Version(pin) else have


def start_method(method: str) -> Finding:
    """Whether a process can be started in that way."""
    purpose = {"spawn": "process pools", "fork": "a judge that starts quickly (it does without)"}[method]
    try:
        # A pool, whose result proves the way back as well.
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
            good = pool.submit(abs, -1).result(timeout=20) == 1
    except (OSError, ValueError, BrokenExecutor, TimeoutError) as error:
        return Finding(f"{method} a process", False, str(error), purpose, method == "spawn")
    return Finding(f"{method} a process", good, "works" if good else "does not end", purpose, method == "spawn")


def shared() -> Finding:
    """Whether processes can share memory (/dev/shm on Linux)."""
    try:
        memory = shared_memory.SharedMemory(create=True, size=1 << 20)
        memory.close()
        memory.unlink()
    except OSError as error:
        return Finding("shared memory", False, str(error), "challenges with processes", True)
    return Finding("shared memory", True, "works", "challenges with processes", True)


def bubblewrap() -> Finding:
    """Whether a sandbox really starts."""
    from weft.answer import sandbox

    purpose = "grading other people's answers behind walls (Linux; without it there are limits only)"
    if sandbox.available():
        return Finding("bubblewrap", True, "starts a sandbox", purpose)
    missing = (
        "the command bwrap is missing" if not shutil.which("bwrap") else "bwrap is here, but may not start a sandbox"
    )
    return Finding("bubblewrap", False, missing, purpose)


def browser() -> Finding:
    """Whether there is a Chromium that starts."""
    purpose = "the browser tests"
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        return Finding("chromium", False, "the command chromium is missing", purpose)
    said = _output([path, "--version"])
    return Finding("chromium", bool(said), said or "does not start", purpose)


def free_threaded() -> Finding:
    """Whether there is a Python without a global interpreter lock."""
    purpose = "showing what changes without the GIL"
    interpreter = free_threading.find()
    if interpreter is None:
        return Finding("free-threaded Python", False, free_threading.NONE, purpose)
    found = f"{Path(interpreter.path).name}, {interpreter.version}"
    return Finding("free-threaded Python", True, found, purpose)


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
