"""A bucket with a filler: the next token is handed to whoever has waited longest, by a timer of the loop."""

import asyncio
import time
from collections import deque


class TokenBucket:
    """Futures stand in line; a timer serves them."""

    def __init__(self, rate: float, burst: int) -> None:
        if rate <= 0:
            raise ValueError("rate")
        if burst < 1:
            raise ValueError("burst")
        self.rate, self.burst = rate, burst
        self.level = float(burst)
        self.when: float | None = None
        self.line: deque[asyncio.Future[None]] = deque()
        self.timer: asyncio.TimerHandle | None = None

    async def acquire(self) -> None:
        """Stand in line."""
        place = asyncio.get_running_loop().create_future()
        self.line.append(place)
        self._serve()
        try:
            await place
        except asyncio.CancelledError:
            if place in self.line:
                self.line.remove(place)
            elif not place.cancelled():
                self.level += 1
                self._serve()
            raise

    def _serve(self) -> None:
        now = time.monotonic()
        if self.when is not None:
            self.level = min(float(self.burst), self.level + (now - self.when) * self.rate)
        self.when = now
        while self.line and self.level >= 1 - 1e-9:
            place = self.line.popleft()
            if not place.done():
                self.level -= 1
                place.set_result(None)
        if self.timer:
            self.timer.cancel()
        if self.line:
            self.timer = asyncio.get_running_loop().call_later((1 - self.level) / self.rate, self._serve)
