"""The chat over WebSockets: each connection has a bounded queue, and a second task that writes what is in it."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any

from protocol import LARGEST_FRAME, Refused, encode, parse
from rooms import Chat, Delivery
from websockets.asyncio.server import ServerConnection, serve
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


class Member:
    """Somebody who is in: a connection, what waits for it, and the task that writes it."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.waiting: deque[str] = deque()
        self.size = 0  # characters that wait
        self.last = False  # nothing comes after what waits now
        self.news = asyncio.Event()

    def put(self, text: str) -> None:
        """Let this be sent when its turn comes."""
        self.waiting.append(text)
        self.size += len(text)
        self.news.set()

    async def write(self) -> None:
        """Send what waits, one after another, until the connection is closed or the last is sent."""
        try:
            while self.waiting or not self.last:
                if not self.waiting:
                    self.news.clear()
                    await self.news.wait()
                    continue
                text = self.waiting.popleft()
                await self.connection.send(text)
                self.size -= len(text)
            await self.connection.close(POLICY, "kicked")
        except ConnectionClosed as ending:
            logger.debug("nobody to write to: %s", ending)


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
        self.members: dict[str, Member] = {}  # everybody who is in, by name
        self.dropped = 0  # how many were dropped because they did not read
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to serve."""
        self._server = await serve(
            self._talk, self.host, self.port, compression=None, max_size=LARGEST_FRAME, close_timeout=GRACE
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._start(self._tick())

    async def stop(self) -> None:
        """Stop to serve."""
        self._server.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), GRACE)
        for connection in (member.connection for member in self.members.values()):
            connection.transport.abort()
        await self._server.wait_closed()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def statistics(self) -> dict[str, Any]:
        """The chat's statistics, and how many were dropped so far."""
        return {**self.chat.statistics(), "dropped": self.dropped}

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _talk(self, connection: ServerConnection) -> None:
        me = Member(connection)
        name = ""
        try:
            name = await asyncio.wait_for(self._greet(me), self.patience)
            writer = self._start(me.write())
            try:
                await self._listen(name, me)
            finally:
                if not me.last:
                    writer.cancel()
        except TimeoutError:
            await connection.close(POLICY, "no hello")
        except ConnectionClosed as ending:
            logger.debug("%s is gone: %s", name or "somebody", ending)
        finally:
            if self.members.get(name) is me:
                self._deliver(self._forget(name))

    async def _greet(self, me: Member) -> str:
        while True:
            raw = await me.connection.recv()
            try:
                hello = parse(raw)
                if hello["type"] != "hello":
                    raise Refused("say hello first")
                name = str(hello["name"])
                if not (role := await self.authenticate(name, hello["key"])):
                    raise Refused("this key is not yours")
                welcome = self.chat.enter(name, role)
            except Refused as refusal:
                await me.connection.send(encode({"type": "error", "reason": str(refusal)}))
                continue
            self.members[name] = me
            self._deliver(welcome)
            return name

    async def _listen(self, name: str, me: Member) -> None:
        async for raw in me.connection:
            if self.members.get(name) is not me:
                return
            try:
                self._deliver(self.chat.handle(name, parse(raw)))
            except Refused as refusal:
                me.put(encode({"type": "error", "reason": str(refusal)}))

    def _deliver(self, deliveries: Iterable[Delivery]) -> None:
        waiting = deque(deliveries)
        while waiting:
            delivery = waiting.popleft()
            text = encode(delivery.message)
            for name in delivery.to:
                if member := self.members.get(name):
                    member.put(text)
                    if delivery.closes:
                        del self.members[name]
                        member.last = True
                    elif member.size > self.backlog:
                        self.dropped += 1
                        member.connection.transport.abort()
                        waiting.extend(self._forget(name))

    def _forget(self, name: str) -> list[Delivery]:
        del self.members[name]
        return self.chat.exit(name)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._deliver(self.chat.expire())
