"""The chat over WebSockets: one task owns the chat; connections only put into its queue what they heard."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from protocol import LARGEST_FRAME, Message, Refused, encode, parse
from rooms import Chat, Delivery
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

logger = logging.getLogger(__name__)

# Looks up, in its own time, who comes with this name and key: "member", "admin", or None for nobody who may enter.
Authenticate = Callable[[str, str], Awaitable[str | None]]

TICK = 0.25  # seconds between two looks at who is no longer typing
GRACE = 1.0  # seconds in which a client may answer the closing of its connection
POLICY = 1008  # the WebSocket close code for "you broke the rules"


async def everybody(name: str, key: str) -> str | None:
    """Everybody may enter, as a member; nobody is an admin."""
    return "member"


@dataclass
class Said:
    """A frame of somebody who is in."""

    name: str
    connection: ServerConnection
    raw: str | bytes


@dataclass
class Came:
    """Somebody who said a good hello, and wants to know whether they are in."""

    name: str
    role: str
    connection: ServerConnection
    answer: asyncio.Future[None]


@dataclass
class Gone:
    """A connection that has ended."""

    name: str
    connection: ServerConnection


class ChatServer:
    """Serves one Chat on ``host`` and ``port`` (0: any free one; ``port`` tells which after start).

    A connection that has not been let in after ``patience`` seconds is closed. One for which more than ``backlog``
    bytes wait to be sent, because its client does not read, is dropped.
    """

    def __init__(
        self,
        authenticate: Authenticate = everybody,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        patience: float = 10.0,
        backlog: int = 1 << 20,
    ) -> None:
        self.authenticate = authenticate
        self.host, self.port = host, port
        self.patience, self.backlog = patience, backlog
        self.chat = Chat()
        self.connections: dict[str, ServerConnection] = {}  # of everybody who is in, by name
        self.inbox: asyncio.Queue[Said | Came | Gone] = asyncio.Queue(maxsize=1_000)
        self.dropped = 0  # how many were dropped because they did not read
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to serve."""
        self._owner = asyncio.create_task(self._own())
        self._server = await serve(
            self._talk, self.host, self.port, compression=None, max_size=LARGEST_FRAME, close_timeout=GRACE
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop to serve."""
        self._server.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), GRACE)
        for connection in self.connections.values():
            connection.transport.abort()
        await self._server.wait_closed()
        self._owner.cancel()
        await asyncio.gather(self._owner, *self._tasks, return_exceptions=True)

    def statistics(self) -> dict[str, Any]:
        """The chat's statistics, and how many were dropped so far."""
        return {**self.chat.statistics(), "dropped": self.dropped}

    async def _talk(self, connection: ServerConnection) -> None:
        name = ""
        try:
            name = await asyncio.wait_for(self._greet(connection), self.patience)
            async for raw in connection:
                await self.inbox.put(Said(name, connection, raw))
        except TimeoutError:
            await connection.close(POLICY, "no hello")
        except ConnectionClosed as ending:
            logger.debug("%s is gone: %s", name or "somebody", ending)
        finally:
            await self.inbox.put(Gone(name, connection))

    async def _greet(self, connection: ServerConnection) -> str:
        while True:
            raw = await connection.recv()
            try:
                hello = parse(raw)
                if hello["type"] != "hello":
                    raise Refused("say hello first")
                role = await self.authenticate(hello["name"], hello["key"])
                if role is None:
                    raise Refused("this key is not yours")
                answer = asyncio.get_running_loop().create_future()
                await self.inbox.put(Came(hello["name"], role, connection, answer))
                await answer
            except Refused as refusal:
                self._send([connection], {"type": "error", "reason": str(refusal)})
                continue
            return str(hello["name"])

    async def _own(self) -> None:
        """The only task that touches the chat."""
        loop = asyncio.get_running_loop()
        look = loop.time() + TICK
        while True:
            try:
                async with asyncio.timeout_at(look):
                    event = await self.inbox.get()
                self._take(event)
            except TimeoutError:
                look = loop.time() + TICK
                self._deliver(self.chat.expire())

    def _take(self, event: Said | Came | Gone) -> None:
        mine = self.connections.get(event.name) is event.connection
        try:
            if isinstance(event, Came):
                self._admit(event)
            elif mine and isinstance(event, Gone):
                self._deliver(self._forget(event.name))
            elif mine and isinstance(event, Said):
                self._deliver(self.chat.handle(event.name, parse(event.raw)))
        except Refused as refusal:
            self._send([event.connection], {"type": "error", "reason": str(refusal)})

    def _admit(self, event: Came) -> None:
        if event.answer.cancelled():
            return
        try:
            welcome = self.chat.enter(event.name, event.role)
        except Refused as refusal:
            event.answer.set_exception(refusal)
            return
        self.connections[event.name] = event.connection
        event.answer.set_result(None)
        self._deliver(welcome)

    def _send(self, connections: Iterable[ServerConnection], message: Message) -> None:
        broadcast(connections, encode(message))

    def _deliver(self, deliveries: Iterable[Delivery]) -> None:
        for delivery in deliveries:
            receivers = {name: self.connections[name] for name in delivery.to & self.connections.keys()}
            self._send(receivers.values(), delivery.message)
            for name, connection in receivers.items():
                if delivery.closes:
                    del self.connections[name]
                    task = asyncio.create_task(connection.close(POLICY, "kicked"))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
                elif connection.transport.get_write_buffer_size() > self.backlog:
                    self.dropped += 1
                    connection.transport.abort()
                    self._deliver(self._forget(name))

    def _forget(self, name: str) -> list[Delivery]:
        del self.connections[name]
        return self.chat.exit(name)
