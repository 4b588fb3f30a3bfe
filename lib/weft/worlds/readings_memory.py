"""Memory that behaves as planned: a pressure that follows a script, steps that leak, and steps that only look so."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence


def scripted(values: Sequence[float]) -> Callable[[], float]:
    """A pressure reader that says these values one after the other, and then the last one for ever."""
    script = itertools.chain(values, itertools.repeat(values[-1]))
    return lambda: next(script)


class Leak:
    """A step that keeps ``size`` bytes for ever, at every ``nth`` call."""

    def __init__(self, size: int = 20_000, nth: int = 1) -> None:
        self._kept: list[bytes] = []
        self._size, self._nth, self._calls = size, nth, 0

    def __call__(self) -> None:
        """Once more."""
        self._calls += 1
        if self._calls % self._nth == 0:
            self._kept.append(bytes(self._size))


class Plateau:
    """A step that keeps ``size`` bytes for each of its first ``calls`` calls, and nothing more afterwards."""

    def __init__(self, size: int = 400_000, calls: int = 5) -> None:
        self._kept: list[bytes] = []
        self._size, self._left = size, calls

    def __call__(self) -> None:
        """Once more."""
        if self._left > 0:
            self._left -= 1
            self._kept.append(bytes(self._size))


def leaking(rounds: int, rate: float, noise: float = 0.0, base: float = 1e7, seed: int = 1) -> list[float]:
    """Sizes after each round of something that leaks ``rate`` bytes a round, in noise of ±``noise`` bytes."""
    chance = random.Random(seed)
    return [base + rate * number + chance.uniform(-noise, noise) for number in range(rounds)]


def filling(rounds: int, full: int, step: float, noise: float = 0.0, seed: int = 1) -> list[float]:
    """Sizes after each round of a cache that grows by ``step`` bytes for ``full`` rounds, and then stays."""
    chance = random.Random(seed)
    return [step * min(number, full) + chance.uniform(-noise, noise) for number in range(rounds)]


def sawtooth(rounds: int, period: int, step: float) -> list[float]:
    """Sizes after each round of a buffer that fills for ``period`` rounds and is emptied then."""
    return [step * (number % period) for number in range(rounds)]
