"""Who holds which asyncio lock or semaphore, and since which line."""

from __future__ import annotations

import asyncio
import weakref
from typing import Any, NamedTuple

from weft.probes.virtual_clock.places import here


class Hold(NamedTuple):
    task: Any
    since: str


class Holders:
    """Kept by wrapping ``acquire`` and ``release`` of the two classes: their subclasses and conditions come along."""

    def __init__(self) -> None:
        self.table: weakref.WeakKeyDictionary[Any, list[Hold]] = weakref.WeakKeyDictionary()

    def of(self, lock: Any) -> list[Hold]:
        return self.table.get(lock, [])

    def held_by(self, task: Any) -> list[tuple[Any, Hold]]:
        return [(lock, hold) for lock, holds in list(self.table.items()) for hold in holds if hold.task is task]

    def replacements(self) -> list[tuple[Any, str, Any]]:
        return [pair for kind in (asyncio.Lock, asyncio.Semaphore) for pair in self._wrapped(kind)]

    def _wrapped(self, kind: Any) -> list[tuple[Any, str, Any]]:
        real_acquire, real_release = kind.acquire, kind.release

        async def acquire(lock: Any) -> Any:
            got = await real_acquire(lock)
            self.table.setdefault(lock, []).append(Hold(asyncio.current_task(), here()))
            return got

        def release(lock: Any) -> None:
            real_release(lock)
            holds = self.table.get(lock)
            if holds:
                task = asyncio.current_task() if asyncio._get_running_loop() else None
                own = next((index for index, hold in enumerate(holds) if hold.task is task), 0)
                del holds[own]

        return [(kind, "acquire", acquire), (kind, "release", release)]
