"""Temporary files and folders that were made and are still there."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Collection, Hashable, Iterator
from itertools import islice

from weft.probes.leaks import kept
from weft.probes.leaks.left import FILE, Left

#: So many entries are looked at.
MOST = 20_000


class Files:
    """Entries of this user in the given folders, or where :mod:`tempfile` puts its files."""

    def __init__(self, folders: Collection[str] | None = None) -> None:
        self.folders = sorted(map(os.path.realpath, folders)) if folders is not None else _usual()
        self._given, self._all = folders is not None, True

    def seen(self) -> dict[Hashable, Callable[[], Left]]:
        """Each under its path and its number in the file system."""
        entries = (entry for folder in self.folders for entry in _walk(folder, kept.folder()))
        found: dict[Hashable, Callable[[], Left]] = {
            (entry.path, entry.inode()): _describing(entry.path) for entry in islice(entries, MOST)
        }
        self._all = self._all and next(entries, None) is None
        return found

    def notes(self) -> list[str]:
        """What is not seen, and what may be another's."""
        found = [] if self._all else [f"Of the temporary files, only {MOST} were looked at."]
        if not self._given and self.folders != [os.path.realpath(os.getcwd())]:
            found.append(f"Other programs of this user may have made files in {' and '.join(self.folders)} meanwhile.")
        return found


def _usual() -> list[str]:
    """TMPDIR is looked up again: :mod:`tempfile` keeps what it was at the first call."""
    return sorted({os.path.realpath(folder) for folder in (tempfile.gettempdir(), os.environ.get("TMPDIR")) if folder})


def _walk(folder: str, left_out: str | None) -> Iterator[os.DirEntry[str]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.path == left_out or entry.name == "__pycache__":
            continue
        with contextlib.suppress(OSError):
            if entry.stat(follow_symlinks=False).st_uid != os.geteuid():
                continue
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, left_out)


def _describing(path: str) -> Callable[[], Left]:
    def describe() -> Left:
        with contextlib.suppress(OSError):
            if os.path.isdir(path):
                return Left(FILE, path, ", a folder")
            return Left(FILE, path, f", {os.path.getsize(path)} bytes")
        return Left(FILE, path)

    return describe
