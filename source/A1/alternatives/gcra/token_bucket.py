"""A bucket without tokens: the moment at which the next request is due (GCRA), and a lock for the line."""

import asyncio
import time


class TokenBucket:
    """At most ``burst`` at once, ``rate`` per second in the long run."""

    def __init__(self, rate: float, burst: int) -> None:
        if not rate > 0 or burst < 1:
            raise ValueError(f"rate {rate}, burst {burst}")
        self.interval = 1 / rate
        self.tolerance = (burst - 1) / rate
        self.due = float("-inf")
        self.line = asyncio.Lock()

    async def acquire(self) -> None:
        """Wait for the turn, then until the request is due."""
        async with self.line:
            early = self.due - self.tolerance - time.monotonic()
            if early > 0:
                await asyncio.sleep(early)
            self.due = max(self.due, time.monotonic()) + self.interval
