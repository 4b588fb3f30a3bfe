"""The fleet's clients: guests, who use the ``websockets`` library, and walk-ons, who frame by hand and cost little."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from weft.trace import Event
from weft.worlds.chat_frames import CLOSE, frame, frames, request

#: No closing handshake came: what RFC 6455 calls an abnormal closure.
ABNORMAL = 1006

#: What the socket of a client that never reads may hold, bytes.
SMALL = 4096


def subject_of(message: dict[str, Any]) -> str:
    """By what a message is known on both ends: the text that is said in a room, a file's name, or else its type."""
    kind = message.get("type")
    field = {"say": "text", "said": "text", "file": "filename"}.get(str(kind), "type")
    return str(message.get(field))[:32]


def digest_of(data: Any) -> str:
    """The SHA-256 of a file's ``data``, base64; empty if it is none."""
    try:
        return hashlib.sha256(base64.b64decode(data, validate=True)).hexdigest()
    except (TypeError, ValueError):
        return ""


class Log:
    """What all clients of one scenario saw: events, and the messages that each heard, a file's data as a digest."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.heard: dict[str, list[dict[str, Any]]] = {}
        self.codes: dict[str, int] = {}

    def note(self, kind: str, subject: str, actor: str, value: float = 0.0) -> None:
        """Write down what happens now."""
        self.events.append(Event(time.monotonic(), kind, subject, actor, value))

    def message(self, who: str, raw: str | bytes, now: bool = True) -> None:
        """Write down what ``who`` heard, as an event too if it is ``now``. No JSON object: type "no JSON"."""
        try:
            message = json.loads(raw)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            message = {"type": "no JSON", "raw": repr(raw)[:100]}
        if "data" in message:
            message["data"] = digest_of(message["data"])
        self.heard[who].append(message)
        if now:
            self.note("hear", subject_of(message), who, len(raw))

    def closed(self, who: str, code: int) -> None:
        """Write down that the connection of ``who`` is closed."""
        self.codes[who] = code
        self.note("disconnect", "", who, code)


class Guest:
    """One client on the ``websockets`` library, which reads whatever comes."""

    def __init__(self, who: str, log: Log) -> None:
        self.who, self.log = who, log
        self.over = asyncio.Event()
        self._news = asyncio.Event()

    async def open(self, port: int) -> None:
        """Connect. Raises OSError or websockets.InvalidHandshake."""
        self.log.heard[self.who] = []
        self.connection: ClientConnection = await connect(
            f"ws://127.0.0.1:{port}", compression=None, max_size=None, ping_interval=None, proxy=None, close_timeout=2
        )
        self.log.note("connect", "", self.who)
        self._reader = asyncio.create_task(self._read(), name=f"{self.who} reads")

    async def send(self, data: str | bytes) -> None:
        """Send one frame. A connection that is closed takes it and says nothing, as a network does."""
        with contextlib.suppress(ConnectionClosed):
            await self.connection.send(data)

    async def until(self, there: Callable[[], bool], patience: float) -> bool:
        """Wait until ``there()``, which is asked whenever something is heard; False if it does not come about."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not there() and not self.over.is_set():
                    self._news.clear()
                    await self._news.wait()
        return there()

    async def close(self) -> None:
        """Leave with a closing handshake."""
        await self.connection.close()
        await self._reader

    def drop(self) -> None:
        """Reset the TCP connection."""
        reset(self.connection.transport)

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for raw in self.connection:
                self.log.message(self.who, raw)
                self._news.set()
        self.log.closed(self.who, self.connection.close_code or ABNORMAL)
        self.over.set()
        self._news.set()


class WalkOn(asyncio.Protocol):
    """One client that frames by hand: it keeps bytes as they come and reads them later, or never reads at all."""

    def __init__(self, who: str, log: Log) -> None:
        self.who, self.log = who, log
        self.data = bytearray()
        self.over = asyncio.Event()
        self._wanted = b"\r\n\r\n"
        self._came = asyncio.Event()

    async def open(self, port: int, small: bool = False) -> None:
        """Connect; with ``small``, through a socket that holds little. Raises OSError or TimeoutError."""
        self.log.heard[self.who] = []
        made = socket.socket()
        made.setblocking(False)
        if small:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(made, ("127.0.0.1", port))
        self.transport, _ = await loop.create_connection(lambda: self, sock=made)
        self.transport.write(request(port))
        async with asyncio.timeout(5):
            await self._came.wait()
        del self.data[: self.data.index(b"\r\n\r\n") + 4]
        self.log.note("connect", "", self.who)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio: keep it, and see whether what is waited for is in it."""
        since = max(0, len(self.data) - len(self._wanted))
        self.data += data
        if not self._came.is_set() and self.data.find(self._wanted, since) >= 0:
            self._came.set()

    def connection_lost(self, error: Exception | None) -> None:
        """Called by asyncio at the end."""
        self.read()
        self.log.codes.setdefault(self.who, ABNORMAL)
        self.log.note("disconnect", "", self.who, self.log.codes[self.who])
        self.over.set()
        self._came.set()

    async def send(self, data: str | bytes) -> None:
        """Send one frame."""
        self.transport.write(frame(data.encode() if isinstance(data, str) else data, masked=True))

    async def until_bytes(self, wanted: bytes, patience: float) -> bool:
        """Wait until these bytes have come; False if they do not."""
        self._wanted = wanted
        self._came.clear()
        if wanted in self.data:
            return True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._came.wait()
        return wanted in self.data

    def read_no_more(self) -> None:
        """Leave whatever comes in the socket, which the kernel fills until it takes no more."""
        self.transport.pause_reading()

    def read(self) -> None:
        """Log every message that has come."""
        done = 0
        for first, payload, end in frames(self.data):
            done = end
            if first == CLOSE and len(payload) >= 2:
                (self.log.codes[self.who],) = struct.unpack(">H", payload[:2])
            elif first & 15 == 1:
                self.log.message(self.who, payload, now=False)
        del self.data[:done]

    async def close(self) -> None:
        """Hang up."""
        self.transport.abort()

    def drop(self) -> None:
        """Reset the TCP connection."""
        reset(self.transport)


def reset(transport: Any) -> None:
    """Without lingering, closing sends RST instead of FIN."""
    if made := transport.get_extra_info("socket"):
        with contextlib.suppress(OSError):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
