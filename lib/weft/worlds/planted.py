"""Pieces of work of which everything is known that a profiler can find out: what they wait for, use, break.

Each is a :class:`Planted`, which can be called, pickled and sent to any process of this machine. It writes down in a
log when it was entered and left, by whom, and how much CPU time it took: a profiler's rows are compared with what was
noted in that same run, so that the machine's mood is in both.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import os
import secrets
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from weft.trace import Event, Trace
from weft.worlds.csv_hook import sleep_holding_the_lock
from weft.worlds.notes import note, read_notes

#: What is hashed at a time, in bytes: far more than hashlib hashes without letting go of the interpreter's lock.
BLOCK = bytes(1 << 18)

#: How long something lasts that has no end, in seconds: longer than any profiler may wait.
FOR_EVER = 600.0


class PlantedError(Exception):
    """What a piece of work raises that was made to raise."""


@dataclass(frozen=True, slots=True)
class Planted:
    """One piece of work of a ``kind`` in :data:`KINDS`; it takes ``seconds``, or handles ``size`` bytes or items.

    ``log`` is the file in which it notes ``enter`` and ``leave`` (with its CPU seconds); it notes nothing without one.
    ``at`` is the call that has a hiccup, counted from 0 over all processes. Raises KeyError for an unknown kind.
    """

    kind: str
    seconds: float = 0.0
    size: int = 0
    log: str = ""
    at: int = -1

    def __call__(self) -> None:
        """Do it."""
        with self._noted():
            KINDS[self.kind](self)

    async def awaited(self) -> None:
        """The same for an event loop, which it does not block. Only what waits has it."""
        with self._noted():
            await asyncio.sleep(self.seconds)

    def to_json(self) -> dict[str, Any]:
        """As keyword arguments, in which form it travels to an answer."""
        return asdict(self)

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        if not self.log:
            yield
            return
        thread, started = threading.get_native_id(), time.thread_time()
        note(self.log, "enter", f"{thread} 0")
        yield
        note(self.log, "leave", f"{thread} {time.thread_time() - started!r}")


def _hold(piece: Planted) -> None:
    sleep_holding_the_lock(piece.seconds)


def _release(piece: Planted) -> None:
    time.sleep(piece.seconds)


def _mix(piece: Planted) -> None:
    sleep_holding_the_lock(0.75 * piece.seconds)
    time.sleep(0.25 * piece.seconds)


def _hash(piece: Planted) -> None:
    """So much CPU time, whatever the machine is; hashing lets go of the lock."""
    end = time.thread_time() + piece.seconds
    while time.thread_time() < end:
        hashlib.sha256(BLOCK).digest()


def _crunch(piece: Planted) -> None:
    """So many small objects made and thrown away: what tracing and tracking make dear."""
    sum(len(str(number)) for number in range(piece.size))


def _allocate(piece: Planted) -> None:
    block = bytearray(b"\1") * piece.size
    time.sleep(piece.seconds)
    del block


def _hoard(piece: Planted) -> None:
    block = bytearray(b"\1") * piece.size
    sleep_holding_the_lock(piece.seconds)
    del block


#: The processes in which a cold piece has been called.
_warm: set[int] = set()


def _cold(piece: Planted) -> None:
    """The first call in each process takes ten times as long, as if it imported a library, and is noted as ``cold``."""
    if os.getpid() in _warm:
        time.sleep(piece.seconds)
        return
    note(piece.log, "cold", f"{threading.get_native_id()} 0")
    time.sleep(10 * piece.seconds)
    _warm.add(os.getpid())


def _hiccup(piece: Planted) -> None:
    called = Path(piece.log).read_text(encoding="utf-8").count("\tenter\t") - 1
    time.sleep(piece.seconds * (10 if called == piece.at else 1))


def _raise(piece: Planted) -> None:
    raise PlantedError("planted here")


def _never_end(piece: Planted) -> None:
    time.sleep(FOR_EVER)


def _stick(piece: Planted) -> None:
    sleep_holding_the_lock(FOR_EVER)


def _fork(piece: Planted) -> None:
    """Both processes come back from here, and the new one says so."""
    if os.fork() == 0:
        note(piece.log, "copy", f"{threading.get_native_id()} 0")


def _die(piece: Planted) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _do_little(piece: Planted) -> None:
    sum(range(20))


#: What there is, by name.
KINDS: dict[str, Callable[[Planted], None]] = {
    "holding": _hold,
    "releasing": _release,
    "mixed": _mix,
    "hashing": _hash,
    "crunching": _crunch,
    "allocating": _allocate,
    "hoarding": _hoard,
    "cold": _cold,
    "hiccup": _hiccup,
    "raising": _raise,
    "endless": _never_end,
    "stuck": _stick,
    "forking": _fork,
    "dying": _die,
    "tiny": _do_little,
}


def read_log(log: Path) -> Trace:
    """What pieces with this log noted: ``enter``, ``leave`` with CPU seconds as value, ``cold`` and ``copy``.

    The subject is the process, as ``"process 12"``; the actor the thread in it.
    """
    return Trace(map(_event, read_notes(log)))


def _event(noted: Event) -> Event:
    thread, cpu = noted.subject.split()
    return Event(noted.time, noted.kind, noted.actor, f"{noted.actor} thread {thread}", float(cpu))


class Workshop:
    """Makes planted pieces for a notebook and for checks. Use :func:`open_world`; ``home`` is a folder of its own."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._number = itertools.count()
        self.reset()

    def reset(self, seed: int | str | None = None) -> None:
        """Begin a new, empty log. Without a ``seed``, nobody can know what :meth:`about` will be."""
        self._random = Random(secrets.token_hex(8) if seed is None else seed)
        self.log = str(self._home / f"log-{next(self._number)}")

    def about(self, seconds: float) -> float:
        """A time of up to a fifth more or less, which nobody can know before."""
        return seconds * self._random.uniform(0.8, 1.2)

    def piece(self, kind: str, seconds: float = 0.0, size: int = 0) -> Planted:
        """A piece that notes its calls in this world's :attr:`trace`. Raises KeyError if there is no such kind."""
        _ = KINDS[kind]
        return Planted(kind, seconds, size, self.log)

    @property
    def trace(self) -> Trace:
        """What this world's pieces noted since the last reset."""
        return read_log(Path(self.log))


@contextlib.contextmanager
def open_world() -> Iterator[Workshop]:
    """A workshop of one's own, with a temporary folder, as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="weft-planted-") as home:
        yield Workshop(Path(home))
