"""The ledger itself: one look before, as many as it takes for things to end after, and the difference."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Collection, Hashable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from weft.probes.leaks import descriptors, files, processes, shared_memory, threads
from weft.probes.leaks.left import KINDS, Left

# Kept from the start: a virtual clock may replace the module's functions.
_now, _sleep = time.monotonic, time.sleep

#: What one instrument sees at a moment: each thing under a key of its own, with a function that describes it.
Seen = dict[Hashable, Callable[[], Left]]


@dataclass
class Book:
    """What is ``left``, and in ``notes`` what could not be told. Both are filled in when the ledger is closed."""

    left: list[Left] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing is left."""
        return not self.left

    def of(self, kind: str) -> list[Left]:
        """What is left of one of the ``KINDS``."""
        return [one for one in self.left if one.kind == kind]

    def sentences(self) -> list[str]:
        """One for each thing that is left, for the facts of a drive."""
        return [str(one) for one in self.left]

    def to_json(self) -> dict[str, Any]:
        """``left`` as rows, ``counts`` by kind (all of them), ``notes``."""
        counts = {kind: len(self.of(kind)) for kind in KINDS}
        return {"left": [asdict(one) for one in self.left], "counts": counts, "notes": self.notes}


@contextlib.contextmanager
def ledger(*, settle: float = 0.5, folders: Collection[str] | None = None) -> Iterator[Book]:
    """Tell what the block leaves behind: threads, children, sockets, other descriptors, shared memory, temporary files.

    Things that are about to end have ``settle`` real seconds for it; a clean block is not waited for. What only waits
    for the garbage collector is not left: it is collected first. ``folders`` are where temporary files are looked for,
    in their subfolders too; without them, where :mod:`tempfile` puts them.

    The book is filled in also if the block raises. What the standard library keeps for later (multiprocessing's
    resource tracker, fork server and empty arenas) is not left behind. See ``notes`` of the book for what is not seen.
    """
    book = Book()
    with shared_memory.noted() as memory:
        watching: list[Any] = [threads.Threads(), processes.Processes(), descriptors.Descriptors(), memory]
        watching.append(files.Files(folders))
        before = [one.seen() for one in watching]
        try:
            yield book
        finally:
            _fill(book, watching, before, settle)


def _fill(book: Book, watching: list[Any], before: list[Seen], settle: float) -> None:
    end, pause = _now() + settle, 0.002
    gc.collect()
    while left := _difference(watching, before):
        if _now() > end:
            break
        _sleep(pause)
        pause = min(2 * pause, 0.05)
    book.left = sorted((describe() for describe in left), key=lambda one: (KINDS.index(one.kind), one.name))
    book.notes = [note for one in watching for note in one.notes()]


def _difference(watching: list[Any], before: list[Seen]) -> list[Callable[[], Left]]:
    found = []
    for one, old in zip(watching, before, strict=True):
        found += [describe for key, describe in one.seen().items() if key not in old]
    return found
