"""A breaker whose state is a word, changed where something happens."""

import time


class CircuitBreaker:
    """closed, open, half-open; ``probing`` is half-open with somebody out."""

    def __init__(self, threshold: int = 3, cooldown: float = 5.0) -> None:
        if threshold <= 0 or cooldown <= 0:
            raise ValueError((threshold, cooldown))
        self.threshold, self.cooldown = threshold, cooldown
        self.word, self.until, self.row, self.times_opened = "closed", 0.0, 0, 0

    @property
    def remaining(self) -> float:
        """Seconds of the cool-down that are left."""
        return max(0.0, self.until - time.monotonic()) if self.word == "open" else 0.0

    @property
    def state(self) -> str:
        """The word."""
        if self.word == "open" and not self.remaining:
            self.word = "half-open"
        return "half-open" if self.word == "probing" else self.word

    def allow(self) -> bool:
        """Whether one may go."""
        if self.state == "half-open" and self.word != "probing":
            self.word = "probing"
            return True
        return self.word == "closed"

    def succeeded(self) -> None:
        """Well."""
        self.word, self.row, self.times_opened = "closed", 0, 0

    def failed(self) -> None:
        """Not well."""
        self.row += 1
        if self.word == "probing" or (self.word == "closed" and self.row >= self.threshold):
            self.word, self.until = "open", time.monotonic() + self.cooldown
            self.times_opened += 1

    def abandoned(self) -> None:
        """Neither."""
        if self.word == "probing":
            self.word = "half-open"
