"""The classic bucket: tokens drip in, a turn takes one, and who finds none comes back when one may be there."""

import threading
import time


class RateLimiter:
    """At most ``rate`` turns per second, and up to ``burst`` at once."""

    def __init__(self, rate: float, burst: int = 1) -> None:
        if burst < 1 or not rate > 0:
            raise ValueError(f"{rate} turns per second and bursts of {burst}: one of them cannot work")
        self.rate, self.burst = rate, burst
        self.tokens = float(burst)
        self.filled = time.monotonic()
        self.lock = threading.Lock()

    def acquire(self, cancelled: threading.Event) -> bool:
        """Wait for a turn; False if cancelled."""
        while (missing := self._take()) > 0:
            if cancelled.wait(missing):
                return False
        return True

    def delay(self) -> float:
        """Seconds until there is a token, as it looks now."""
        with self.lock:
            self._fill()
            return self._until_next()

    def _take(self) -> float:
        """Take a token and return 0.0, or return the seconds until there may be one."""
        with self.lock:
            self._fill()
            wait = self._until_next()
            if not wait:
                self.tokens -= 1
            return wait

    def _until_next(self) -> float:
        return max(0.0, 1 - 1e-9 - self.tokens) / self.rate

    def _fill(self) -> None:
        now = time.monotonic()
        if now > self.filled:
            self.tokens = min(self.burst, self.tokens + (now - self.filled) * self.rate)
            self.filled = now
