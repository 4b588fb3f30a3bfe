"""Reads so many bytes and then to the end of the line; a feeding thread is so far ahead as there are places."""

import os
import queue
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

LONGEST = 1 << 20


def blocks(path: str | Path, size: Callable[[], int]) -> Generator[bytes, None, None]:
    """``size()`` bytes and the rest of the line after them."""
    with open(path, "rb") as file:
        end, place = os.fstat(file.fileno()).st_size, 0
        while place < end:
            block = file.read(size())
            if block and not block.endswith(b"\n"):
                rest = file.readline(LONGEST + 1)
                if len(rest) > LONGEST:
                    raise ValueError(f"{path}: a line has no end")
                block += rest
            place += len(block)
            if place < end and not block.endswith(b"\n"):
                raise EOFError(f"{path}: {end - place} bytes are missing, somebody has cut it short")
            yield block


class Feeder(threading.Thread, Generic[Item, Result]):
    """Hands items to a pool, one for each free place; futures, then None or an error, come through ``fed``."""

    def __init__(self, pool: Executor, function: Callable[[Item], Result], items: Iterable[Item], window: int) -> None:
        super().__init__(name="feeder")
        self._pool, self._function, self._items = pool, function, items
        self.places, self._over = threading.Semaphore(window), threading.Event()
        self.fed = queue.SimpleQueue[Future[Result] | BaseException | None]()

    def run(self) -> None:
        """Until there are no more items, or nobody wants them."""
        try:
            source = iter(self._items)
            while self.places.acquire() and not self._over.is_set():
                self.fed.put(self._pool.submit(self._function, next(source)))
        except StopIteration:
            self.fed.put(None)
        except BaseException as problem:
            self.fed.put(problem)

    def stop(self) -> None:
        """End it, and cancel what nobody has asked for."""
        self._over.set()
        self.places.release()
        self.join()
        while not self.fed.empty():
            if isinstance(late := self.fed.get(), Future):
                late.cancel()


def bounded(
    pool: Executor, function: Callable[[Item], Result], items: Iterable[Item], window: int
) -> Generator[Result, None, None]:
    """A place is free again when the result has been taken, and the next one is asked for."""
    feeder = Feeder(pool, function, items, window)
    feeder.start()
    try:
        while isinstance(future := feeder.fed.get(), Future):
            result = future.result()
            del future
            yield result
            del result
            feeder.places.release()
        if future is not None:
            raise future
    finally:
        feeder.stop()
