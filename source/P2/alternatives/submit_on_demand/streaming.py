"""Waits for whichever is done first, keeps what is done early, and reads lines by a buffer that grows."""

import os
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from itertools import islice
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

LONGEST = 1 << 20


def blocks(path: str | Path, size: Callable[[], int]) -> Generator[bytes, None, None]:
    """Reads by descriptor, at places of its own."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        place, end = 0, os.fstat(descriptor).st_size
        while place < end:
            read, wanted = b"", size()
            while place + len(read) < end and b"\n" not in read:
                more = os.pread(descriptor, min(wanted, end - place - len(read)), place + len(read))
                if not more:
                    raise EOFError(f"{path} ends at {place + len(read)}, and had {end} bytes")
                read += more
                if len(read) > LONGEST + wanted:
                    raise ValueError(f"{path} has no newline after {place}")
            if place + len(read) < end:
                read = read[: read.rindex(b"\n") + 1]
            place += len(read)
            yield read
    finally:
        os.close(descriptor)


def bounded(
    pool: Executor, function: Callable[[Item], Result], items: Iterable[Item], window: int
) -> Generator[Result, None, None]:
    """As many under way as there are free places; results that are early wait under their number."""
    source, early = enumerate(items), dict[int, Result]()
    under_way: dict[Future[Result], int] = {}
    following = 0
    try:
        while True:
            for number, item in islice(source, max(0, window - len(under_way) - len(early))):
                under_way[pool.submit(function, item)] = number
                del item
            if following in early:
                yield early.pop(following)
                following += 1
                continue
            if not under_way:
                return
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                early[under_way.pop(future)] = future.result()
            del done, future
    finally:
        for future in under_way:
            future.cancel()
