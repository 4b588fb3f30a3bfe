"""A file of readings, ``station,value`` a line, as large as one likes, with sums that are known beforehand.

A plan travels to an answer's process and is written to disk there, block by block: neither end ever holds the file.
"""

from __future__ import annotations

import contextlib
import functools
import random
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from weft.trace import Event, Trace

#: Stations are numbered from 0; values are whole numbers below the second.
STATIONS, VALUES = 500, 100_000

#: What travels: ``seed`` and ``rows`` of one block, how many ``copies`` of it there are, and a ``tail`` after them.
Plan = dict[str, Any]


@functools.lru_cache(maxsize=4)
def block(seed: str, rows: int) -> bytes:
    """The lines of one block: the same for the same seed."""
    chance = random.Random(seed)
    stations, values = chance.choices(range(STATIONS), k=rows), chance.choices(range(VALUES), k=rows)
    return "".join(f"{station},{value}\n" for station, value in zip(stations, values, strict=True)).encode()


def write(path: str | Path, plan: Plan) -> int:
    """Write a planned file, and return its size in bytes."""
    piece = block(plan["seed"], plan["rows"])
    with open(path, "wb") as file:
        for _ in range(plan["copies"]):
            file.write(piece)
        file.write(plan["tail"].encode())
        return file.tell()


def truth(plan: Plan) -> dict[str, Any]:
    """``rows``, ``rejected`` lines, and ``sums`` by station, of a planned file."""
    sums = [0] * STATIONS
    for line in block(plan["seed"], plan["rows"]).splitlines():
        station, value = line.split(b",")
        sums[int(station)] += int(value) * plan["copies"]
    rows, rejected = plan["rows"] * plan["copies"], 0
    for line in plan["tail"].splitlines():
        station, _, value = line.partition(",")
        if station.isdigit() and value.isdigit():
            rows, sums[int(station)] = rows + 1, sums[int(station)] + int(value)
        else:
            rejected += 1
    return {"rows": rows, "rejected": rejected, "sums": sums}


class Readings:
    """The files between two resets. Use :func:`open_world`."""

    def __init__(self) -> None:
        self.reset()

    def reset(self, seed: int | str | None = None) -> None:
        """Forget all plans. Without a ``seed``, nobody can know what the next readings will be."""
        self._seed = secrets.token_hex(8) if seed is None else str(seed)
        self.plans: list[Plan] = []
        self.trace = Trace()

    def plan(self, rows: int = 1000, copies: int = 1, tail: str = "") -> Plan:
        """So many copies of so many random rows, and at the end ``tail`` as it is; a row has 9 bytes or so."""
        made: Plan = {"seed": f"{self._seed} {len(self.plans)}", "rows": rows, "copies": copies, "tail": tail}
        self.plans.append(made)
        self.trace = Trace([*self.trace, Event(time.monotonic(), "planned", f"{rows} × {copies}")])
        return made

    def plan_bytes(self, size: int, tail: str = "") -> Plan:
        """A file of about so many bytes, never less."""
        rows = min(30_000, max(1, size // 9))
        made = self.plan(rows, 1, tail)
        made["copies"] = -(-size // len(block(made["seed"], rows)))
        return made


@contextlib.contextmanager
def open_world() -> Iterator[Readings]:
    """Plans of one's own."""
    yield Readings()
