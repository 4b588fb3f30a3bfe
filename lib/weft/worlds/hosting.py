"""A world's service in a process of its own: orders go in as lines of JSON, answers come out, and it ends with us.

The service's module is started with ``python -m``. The first line that it prints is what it has to say about itself
(its ports); then it answers each line with one line, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from weft.worlds.errors import WorldError

#: The longest line that a service reads, bytes.
LONGEST = 1 << 26


class Hosted:
    """The handle's end. The process starts at once and is waited for when the first order is given."""

    def __init__(self, module: str, called: str) -> None:
        self._called = called
        self._about: dict[str, Any] | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def about(self) -> dict[str, Any]:
        """What the service said when it was ready."""
        if self._about is None:
            self._about = self._guarded(self._read)
        return self._about

    def order(self, **order: Any) -> Any:
        """Give an order and return the answer. Raises WorldError if the service has died."""
        _ = self.about
        return self._guarded(lambda: self._tell(order))

    def close(self) -> None:
        """End the service."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def _tell(self, order: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _guarded(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except (OSError, ValueError):
            self._process.kill()
            raise WorldError(f"{self._called} has died. {self._process.communicate()[1][-1000:]}") from None


async def obey(about: dict[str, Any], command: Callable[[dict[str, Any]], Awaitable[Any]]) -> None:
    """The service's end: say ``about``, then answer each order with what ``command`` gives, until there are no more.

    Then the process ends, whatever it is in the middle of. An order that fails ends it too, with the error on stderr.
    """
    orders = asyncio.StreamReader(limit=LONGEST)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    _say(about)
    while line := await orders.readline():
        _say(await command(json.loads(line)))
    os._exit(0)


def ignore_interrupts() -> None:
    """An interrupt is our owner's business: it closes our input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _say(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
