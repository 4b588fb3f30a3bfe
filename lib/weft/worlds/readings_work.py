"""Work for one block of readings, the same for every model: add up, pick out, fail; and what it notes of itself.

Each takes whole lines as bytes. What is noted goes to the file ``notes.log`` of the current folder.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.trace import Event, Trace
from weft.worlds.readings import STATIONS

NOTES = "notes.log"
COMMA, NEWLINE, ZERO = b",\n0"


@dataclass
class Summary:
    """What is in some lines: usable ``rows``, ``rejected`` ones, and the sum of the values by station."""

    rows: int = 0
    rejected: int = 0
    sums: NDArray[np.int64] = field(default_factory=lambda: np.zeros(STATIONS, np.int64))

    def to_json(self) -> dict[str, Any]:
        """As :func:`weft.worlds.readings.truth` has it."""
        return {"rows": self.rows, "rejected": self.rejected, "sums": self.sums.tolist()}


def summarise(block: bytes) -> Summary:
    """Add up a block; it needs about eight times the block's size meanwhile."""
    text = np.frombuffer(block if block.endswith(b"\n") else block + b"\n", np.uint8)
    ends, commas = np.flatnonzero(text == NEWLINE), np.flatnonzero(text == COMMA)
    starts = np.concatenate(([0], ends[:-1] + 1))
    digits = int(((text >= ZERO) & (text <= ZERO + 9)).sum())
    if len(ends) != len(commas) or digits + 2 * len(ends) != len(text):
        return _one_by_one(block)
    if (commas <= starts).any() or (commas + 1 >= ends).any():
        return _one_by_one(block)
    stations, values = _numbers(text, starts, commas), _numbers(text, commas + 1, ends)
    if (stations >= STATIONS).any():
        return _one_by_one(block)
    sums = np.bincount(stations, weights=values, minlength=STATIONS)
    return Summary(len(ends), 0, sums.astype(np.int64))


def _numbers(text: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """The whole numbers that stand between places, read digit by digit from the right."""
    found, places = np.zeros(len(starts), np.int64), ends - 1
    power, width = 1, int((ends - starts).max())
    for _ in range(width):
        found += np.where(places >= starts, text[places] - np.uint8(ZERO), 0).astype(np.int64) * power
        places -= 1
        power *= 10
    return found


def _one_by_one(block: bytes) -> Summary:
    """The same for a block in which some line is no reading."""
    found = Summary()
    for line in block.splitlines():
        station, _, value = line.partition(b",")
        if station.isdigit() and value.isdigit() and int(station) < STATIONS:
            found.rows += 1
            found.sums[int(station)] += int(value)
        else:
            found.rejected += 1
    return found


def merge(total: Summary | None, part: Summary) -> Summary:
    """Both together; ``total`` is changed. None is nothing yet."""
    if total is None:
        return part
    total.rows, total.rejected = total.rows + part.rows, total.rejected + part.rejected
    total.sums += part.sums
    return total


def noted(block: bytes) -> Summary:
    """As :func:`summarise`, after a wait of 10 ms; notes when it began and ended, where, and the block's size."""
    note("enter", len(block))
    time.sleep(0.01)
    found = summarise(block)
    note("leave", len(block))
    return found


def first_stations(block: bytes) -> bytes:
    """The lines of stations 0 to 9 only."""
    return b"".join(line for line in block.splitlines(True) if line[1:2] == b",")


def failing(block: bytes) -> bytes:
    """As :func:`first_stations`, but a line ``broken`` raises ValueError."""
    if b"broken" in block:
        time.sleep(0.02)  # others are under way
        raise ValueError("a reading is broken")
    return first_stations(block)


def dying(block: bytes) -> bytes:
    """As :func:`failing`, but takes its process with it, as if the system had run out of memory."""
    if b"broken" in block:
        os._exit(1)
    return first_stations(block)


def note(kind: str, value: float) -> None:
    """One write to a file opened for appending: lines of several processes do not mix."""
    line = f"{time.monotonic()!r}\t{kind}\t{os.getpid()} {threading.get_ident()}\t{value}\n"
    descriptor = os.open(NOTES, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def read_notes(path: str | Path = NOTES) -> Trace:
    """What :func:`noted` noted: ``enter`` and ``leave``, ``"PID THREAD"`` as actor, bytes of the block as value."""
    rows = [line.split("\t") for line in Path(path).read_text().splitlines()] if Path(path).exists() else []
    return Trace(Event(float(when), kind, "", actor, float(value)) for when, kind, actor, value in rows)


def add_up(path: str | Path, size: int = 1 << 18) -> Summary:
    """The yardstick: one thread, blocks of ``size`` bytes cut at lines, and :func:`summarise`."""
    total, tail = Summary(), b""
    with open(path, "rb", buffering=0) as file:
        while read := file.read(size):
            cut = read.rfind(b"\n") + 1
            total = merge(total, summarise(tail + read[:cut])) if cut else total
            tail = read[cut:] if cut else tail + read
    return merge(total, summarise(tail)) if tail else total
