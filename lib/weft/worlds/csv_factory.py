"""A folder of CSV files with known truth: dirty rows, quoting, unequal sizes, and files that are no use at all.

The files travel to an answer's process as text and are written there; the truth stays with the judge.
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from weft.trace import Trace
from weft.worlds.csv_hook import Hook
from weft.worlds.csv_rows import COLUMNS, RowMaker
from weft.worlds.csv_truth import REASONS, Truth
from weft.worlds.notes import read_notes


@dataclass(frozen=True, slots=True)
class CsvFile:
    """One file: its header and its rows as bytes, the rows so many times, and what is in them all."""

    header: bytes
    body: bytes
    copies: int
    truth: Truth

    def to_json(self) -> dict[str, Any]:
        """As text in Latin-1, in which every byte has a character."""
        return {"header": self.header.decode("latin-1"), "body": self.body.decode("latin-1"), "copies": self.copies}


class CsvFactory:
    """The files between two resets. Use :func:`open_world`; ``home`` is a folder of this world's own."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._number = itertools.count()
        self.reset()

    def reset(self, seed: int | str | None = None) -> None:
        """Forget all files, and begin a new empty folder. Without a ``seed``, nobody can know what the rows will be."""
        self._seed = secrets.token_hex(8) if seed is None else str(seed)
        self._made: dict[str, CsvFile] = {}
        self.rejected: set[str] = set()
        self.folder = self._home / f"night-{next(self._number)}"
        self.folder.mkdir()

    def add(
        self,
        name: str,
        rows: int,
        *,
        dirt: float = 0.1,
        reasons: Sequence[str] = REASONS,
        awkward: float = 0.2,
        columns: Sequence[str] = COLUMNS,
        newline: str = "\n",
        copies: int = 1,
    ) -> None:
        """A file with ``rows`` rows, ``copies`` times over; the other words as :class:`RowMaker` has them."""
        maker = RowMaker(f"{self._seed} {name}", dirt, reasons, awkward)
        body = maker.body(rows, columns, newline)
        self._made[name] = CsvFile(",".join(columns).encode() + newline.encode(), body, copies, maker.truth)

    def add_useless(self, name: str, text: str = "") -> None:
        """A file with this text, none of whose rows can be used."""
        self._made[name] = CsvFile(b"", text.encode(), 1, Truth())
        self.rejected.add(name)

    def add_night(self, rows: int = 400) -> None:
        """What tills send in one night: the largest file has ``rows`` rows, the others fewer, and two are no use."""
        self.add("a-large.csv", rows)
        self.add("b-small.csv", max(1, rows // 40))
        self.add("c-reordered.csv", rows // 4, columns=COLUMNS[::-1])
        self.add("d-windows.csv", rows // 4, newline="\r\n")
        self.add("e-tidy.csv", rows // 8, dirt=0.0)
        self.add("f-filthy.csv", rows // 8, dirt=1.0)
        self.add("g-closed.csv", 0)
        self.add_useless("h-empty.csv")
        self.add_useless("i-unpriced.csv", "day,store,product,quantity,currency,note\n2026-01-01,store 1,tea,1,EUR,\n")

    def correct(self, name: str) -> None:
        """Correct a file: what was sold in March was sold in July. Its length in bytes stays the same."""
        old = self._made[name]
        truth = Truth(old.truth.rows, old.truth.dropped)
        truth.groups = {key.replace("2026-03 ", "2026-07 "): group for key, group in old.truth.groups.items()}
        self._made[name] = replace(old, body=old.body.replace(b"2026-03-", b"2026-07-"), truth=truth)

    def remove(self, name: str) -> None:
        """Take a file away."""
        del self._made[name]
        self.rejected.discard(name)

    @property
    def files(self) -> dict[str, dict[str, Any]]:
        """The files as they travel, for :func:`write_files`."""
        return {name: file.to_json() for name, file in self._made.items()}

    @property
    def truth(self) -> dict[str, Any]:
        """What is in all files together: ``rows``, ``dropped`` and ``groups`` as :class:`Truth` has them."""
        total = Truth()
        for file in self._made.values():
            total.merge(file.truth, file.copies)
        return total.to_json()

    def write(self) -> Path:
        """Write the files into this world's folder, for a notebook; returns it."""
        write_files(self.folder, self.files)
        return self.folder

    def hook(self, seconds: float = 0.0) -> Hook:
        """A stage that costs so much time for each piece, and shows in :attr:`trace`."""
        return Hook(str(self._log), seconds)

    @property
    def trace(self) -> Trace:
        """What this world's hooks noted since the last reset."""
        return read_notes(self._log)

    @property
    def _log(self) -> Path:
        return self.folder.with_suffix(".log")


def write_files(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> None:
    """Write files that have travelled as text."""
    for name, file in files.items():
        body = file["body"].encode("latin-1")
        with open(folder / name, "wb") as target:
            target.write(file["header"].encode("latin-1"))
            for _ in range(file["copies"]):
                target.write(body)


@contextlib.contextmanager
def open_world() -> Iterator[CsvFactory]:
    """A factory of one's own, with a temporary folder, as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="weft-csv-") as home:
        yield CsvFactory(Path(home))
