"""What is in a simulated file: bytes that follow from its name and size, the same in every world."""

from __future__ import annotations

import functools
import hashlib
import random


@functools.lru_cache(maxsize=32)
def content(name: str, size: int) -> bytes:
    """``size`` bytes that look random and are the same for the same name."""
    return random.Random(name).randbytes(size)


@functools.lru_cache(maxsize=4096)
def digest(name: str, size: int) -> str:
    """The SHA-256 of :func:`content`, in hexadecimal."""
    return hashlib.sha256(content(name, size)).hexdigest()
