"""Stand-ins for clients of servers that are not there: each call waits 20 ms, blocking or awaited."""

from __future__ import annotations

import asyncio
import sys
import time
import types
import urllib.request
from typing import Any

WAIT = 0.02  # seconds for each call
BLOCKING = ("requests", "psycopg2", "smtplib", "ftplib")
AWAITED = ("aiohttp", "httpx", "asyncpg", "websockets")
MAKERS = {"Session", "cursor", "json", "strip", "ClientSession", "AsyncClient", "acquire"}

#: How many calls have waited, and how often a stand-in was asked whether there is more.
calls, looks = 0, 0


def count() -> None:
    """One more call."""
    global calls
    calls += 1


class Blocking:
    """Every call waits; the text of it is short, its price 1.5, and after twenty looks there is nothing more."""

    text, content, status_code = "text", b"content", 200

    def __call__(self, *args: object, **kwargs: object) -> Blocking:
        count()
        time.sleep(WAIT)
        return self

    def __getattr__(self, name: str) -> Any:
        return (lambda *args, **kwargs: self) if name in MAKERS else self

    def __getitem__(self, key: object) -> Any:
        return {"price": 1.5, "total": 1.5, "items": [1], "events": [1]}.get(str(key), self)

    def __bool__(self) -> bool:
        global looks
        looks += 1
        return looks < 20

    def __enter__(self) -> Blocking:
        return self

    def __exit__(self, *error: object) -> None: ...

    def __len__(self) -> int:
        return 2


class Text(str):
    """A text; called, one to be awaited."""

    async def __call__(self) -> str:
        """Itself, after 20 ms."""
        count()
        await asyncio.sleep(WAIT)
        return str(self)


class Awaited:
    """Every call gives something to await, to enter or to loop over, which lets the event loop go on for 20 ms."""

    status = 200

    @property
    def text(self) -> Text:
        """Short, and awaited where a client makes it a method."""
        return Text("text")

    def __call__(self, *args: object, **kwargs: object) -> Awaited:
        return self

    def __getattr__(self, name: str) -> Any:
        return self

    def __getitem__(self, key: object) -> float:
        return 1.5

    def __await__(self) -> Any:
        count()
        yield from asyncio.sleep(WAIT).__await__()
        return self

    async def __aenter__(self) -> Awaited:
        return await self

    async def __aexit__(self, *error: object) -> None: ...

    async def __aiter__(self) -> Any:
        for letter in "abcd":
            await asyncio.sleep(WAIT)
            yield letter


class Stream:
    """A stream of four lines, for reading and writing."""

    def __init__(self) -> None:
        self.left = 4

    async def readline(self) -> bytes:
        """The next line, after 20 ms."""
        await asyncio.sleep(WAIT)
        self.left -= 1
        return b"line" if self.left > 0 else b""

    async def __aiter__(self) -> Any:
        while line := await self.readline():
            yield line

    def write(self, data: bytes) -> None:
        """Take it."""

    async def drain(self) -> None:
        """Wait 20 ms."""
        await asyncio.sleep(WAIT)

    def close(self) -> None:
        """Nothing to close."""


class Queue(Stream):
    """A queue of four jobs."""

    get = Stream.readline

    def empty(self) -> bool:
        """Whether all were taken."""
        return self.left <= 0

    def task_done(self) -> None:
        """Nothing to count."""


def install() -> dict[str, Any]:
    """Put the stand-ins where the snippets import them; returns the names that their run expressions use."""
    for name in BLOCKING + AWAITED:
        module: Any = types.ModuleType(name)
        module.__getattr__ = Blocking().__getattr__ if name in BLOCKING else Awaited().__getattr__
        sys.modules[name] = module
    blocking: Any = Blocking()
    urllib.request.urlopen = blocking
    import socket

    socket.create_connection = socket.gethostbyname = blocking  # type: ignore[assignment]
    return {"FakeStream": Stream, "FakeQueue": Queue}
