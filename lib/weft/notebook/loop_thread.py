"""An event loop in a thread of its own: a server that runs beside the kernel, while cells come and go."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable
from typing import TypeVar

Result = TypeVar("Result")


class LoopThread:
    """Runs coroutines in its own thread until it is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # A daemon: a loop that was forgotten must not keep the kernel from ending.
        self._thread = threading.Thread(target=self._loop.run_forever, name="loop", daemon=True)
        self._thread.start()

    def run(self, awaitable: Awaitable[Result], timeout: float | None = 30.0) -> Result:
        """Run it in the loop's thread; what it returns or raises. Raises TimeoutError after so many seconds.

        Must not be called from the loop's own thread, which would wait for itself.
        """

        async def wait() -> Result:
            return await awaitable

        return asyncio.run_coroutine_threadsafe(wait(), self._loop).result(timeout)

    def close(self) -> None:
        """Cancel what still runs, and end the thread. A second time does nothing."""
        if self._loop.is_closed():
            return
        self.run(_cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
