"""The ways in which a file can be trouble. Each is a small value that travels as JSON to the process that serves it.

A fault applies to the first ``times`` requests of its file (``None``: to all); faults of one file apply one after
another. Byte numbers count from the start of the file, also in a resumed request.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

#: A dripping file is sent in so many pieces per second, or in single bytes if that is slower.
DRIPS = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: its ``kind``, how often it applies, and what the kind needs besides (0 where it needs nothing)."""

    kind: str
    times: int | None = 1
    at: int = 0
    amount: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """As a dictionary."""
        return asdict(self)


def unavailable(times: int | None = 1, status: int = 503) -> Fault:
    """Answers ``status`` instead of the file."""
    return Fault("status", times, amount=status)


def missing() -> Fault:
    """Answers 404, every time."""
    return Fault("status", None, amount=404)


def reset(times: int | None = 1) -> Fault:
    """Resets the connection before a word of reply."""
    return Fault("reset", times)


def cut(at: int, times: int | None = 1) -> Fault:
    """Announces everything and closes the connection after byte ``at``; a request that begins beyond it is not cut."""
    return Fault("cut", times, at=at)


def stall(at: int, seconds: float, times: int | None = 1) -> Fault:
    """Sends nothing for so many seconds once byte ``at`` is out, then goes on."""
    return Fault("stall", times, at=at, amount=seconds)


def wrong_length(missing: int, times: int | None = 1) -> Fault:
    """Announces and sends ``missing`` bytes too few. Only who knows the file's size can tell."""
    return Fault("short", times, amount=missing)


def drip(rate: float, times: int | None = None) -> Fault:
    """Sends so many bytes per second, evenly."""
    return Fault("drip", times, amount=rate)


def ignores_range(times: int | None = None) -> Fault:
    """Answers 200 with the whole file to a request for a part of it."""
    return Fault("no range", times)
