"""What a chat server's CPU time is measured against: ``websockets.broadcast``, and framing by hand. Nothing is checked.

It runs in a process of its own, and hosts one server after another.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from weft.worlds.chat_frames import CLOSE, frame, frames, response
from weft.worlds.chat_host import meet
from weft.worlds.hosting import ignore_interrupts, obey


class Broadcast:
    """Rooms of connections; a message is parsed once, written once, and broadcast."""

    def __init__(self) -> None:
        self.rooms: dict[str, set[ServerConnection]] = defaultdict(set)
        self.names: dict[ServerConnection, str] = {}

    async def start(self) -> int:
        """Listen; the port."""
        self.server = await serve(self.talk, "127.0.0.1", 0, compression=None, close_timeout=1)
        return int(self.server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close."""
        self.server.close()
        await self.server.wait_closed()

    async def talk(self, connection: ServerConnection) -> None:
        """One client."""
        self.names[connection] = ""
        with contextlib.suppress(ConnectionClosed):
            async for raw in connection:
                self.take(connection, json.loads(raw))

    def take(self, connection: ServerConnection, message: dict[str, Any]) -> None:
        """One message."""
        if message["type"] == "hello":
            self.names[connection] = message["name"]
            broadcast([connection], said("welcome", name=message["name"]))
            return
        room, name = message["room"], self.names[connection]
        if message["type"] == "join":
            self.rooms[room].add(connection)
            broadcast(self.rooms[room], said("joined", room=room, name=name))
        else:
            broadcast(self.rooms[room], said("said", room=room, by=name, text=message["text"]))


class Raw:
    """The same without a library: one frame is made, and handed to every transport."""

    def __init__(self) -> None:
        self.rooms: dict[str, set[asyncio.Transport]] = defaultdict(set)

    async def start(self) -> int:
        """Listen; the port."""
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: RawConnection(self.rooms), "127.0.0.1", 0)
        return int(self.server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close."""
        self.server.close()
        for transport in set().union(*self.rooms.values()):
            transport.abort()


class RawConnection(asyncio.Protocol):
    """One client."""

    def __init__(self, rooms: dict[str, set[Any]]) -> None:
        self.rooms, self.name, self.data, self.open = rooms, "", bytearray(), False

    def connection_made(self, transport: Any) -> None:
        """Called by asyncio."""
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        """Called by asyncio."""
        for members in self.rooms.values():
            members.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        self.data += data
        if not self.open:
            head, found, rest = bytes(self.data).partition(b"\r\n\r\n")
            if not found:
                return
            self.transport.write(response(head))
            self.data, self.open = bytearray(rest), True
        done = 0
        for first, payload, end in frames(self.data):
            done = end
            if first == CLOSE:
                self.transport.close()
            else:
                self.take(json.loads(payload))
        del self.data[:done]

    def take(self, message: dict[str, Any]) -> None:
        """One message."""
        if message["type"] == "hello":
            self.name = message["name"]
            self.transport.write(frame(said("welcome", name=self.name).encode()))
            return
        room = message["room"]
        if message["type"] == "join":
            self.rooms[room].add(self.transport)
            made = frame(said("joined", room=room, name=self.name).encode())
        else:
            made = frame(said("said", room=room, by=self.name, text=message["text"]).encode())
        for transport in self.rooms[room]:
            transport.write(made)


def said(kind: str, **fields: Any) -> str:
    """A message."""
    return json.dumps({"type": kind, **fields})


KINDS: dict[str, Callable[[], Broadcast | Raw]] = {"broadcast": Broadcast, "raw": Raw}


async def main() -> None:
    """Host one for each address that comes."""

    async def host(order: dict[str, Any]) -> None:
        server = KINDS[order["kind"]]()
        await meet(order["address"], await server.start(), server.stop)

    await obey({}, host)


if __name__ == "__main__":
    ignore_interrupts()
    asyncio.run(main())
