"""What is done, in a database: SQLite writes all of it or nothing."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from aggregating import Totals


class CheckpointError(Exception):
    """A checkpoint cannot be written or read."""


@dataclass
class FileState:
    """How far one file is."""

    mark: str
    done: set[int] = field(default_factory=set)
    totals: Totals = field(default_factory=Totals)


def mark_of(path: Path, chunk_size: int) -> str:
    """Time of the last change, size, and how it is cut."""
    about = path.stat()
    return json.dumps([about.st_mtime_ns, about.st_size, chunk_size])


def save(path: Path, states: Mapping[str, FileState]) -> None:
    """Replace all rows in one transaction."""
    rows = [
        (name, state.mark, json.dumps(sorted(state.done)), json.dumps(state.totals.to_json()))
        for name, state in states.items()
    ]
    try:
        with closing(sqlite3.connect(path)) as base, base:
            base.execute("create table if not exists states (name primary key, mark, done, totals)")
            base.execute("delete from states")
            base.executemany("insert into states values (?, ?, ?, ?)", rows)
    except sqlite3.Error as error:
        raise CheckpointError(f"{path} cannot be written: {error}") from error


def load(path: Path) -> dict[str, FileState]:
    """All rows, if there is a database."""
    if not path.exists():
        return {}
    try:
        with closing(sqlite3.connect(path)) as base:
            rows = base.execute("select name, mark, done, totals from states").fetchall()
        return {
            name: FileState(mark, set(json.loads(done)), Totals.from_json(json.loads(totals)))
            for name, mark, done, totals in rows
        }
    except (sqlite3.Error, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
