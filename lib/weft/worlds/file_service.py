"""The file server's own process: aiohttp serves, standard input commands, standard output answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import struct
import sys
import time
import traceback
from typing import Any

from aiohttp import web

from weft.worlds.faults import DRIPS, Fault
from weft.worlds.replies import Reply, first_byte, reply_to
from weft.worlds.site import File, Site

#: Bytes sent at a time.
PIECE = 1 << 18


class Service:
    """Serves the current site; requests for an earlier one get 410 and leave no trace."""

    def __init__(self) -> None:
        self.site = Site()
        self._connections: dict[Any, Connection] = {}
        self._numbers = 0

    def command(self, order: dict[str, Any]) -> Any:
        """Do what the handle asks for."""
        match order:
            case {"do": "reset", "prefix": prefix}:
                self.site = Site(prefix)
                self._connections, self._numbers = {}, 0
            case {"do": "add", "name": name, "size": size, "faults": faults}:
                self.site.files[name] = File(name, size, [Fault(**fault) for fault in faults])
            case {"do": "set", "name": ("latency" | "connect_cost") as name, "value": value}:
                setattr(self.site, name, value)
            case {"do": "trace"}:
                return [(event.time, event.kind, event.subject, event.actor, event.value) for event in self.site.events]
        return None

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request. If we fail, our process ends, so that the handle knows: the client must not be blamed."""
        prefix, _, name = request.path.removeprefix("/").partition("/")
        if prefix != self.site.prefix:
            return web.Response(status=410)
        wait, connection = self.site.latency, self._connections.get(request.protocol)
        if connection is None:
            wait += self.site.connect_cost
            self._numbers += 1
            connection = self._connections[request.protocol] = Connection(f"connection {self._numbers}")
            self.site.log("connect", actor=connection.actor)
        connection.exchange = exchange = Exchange(self.site, request, name, connection.actor)
        try:
            return await exchange.answer(wait)
        except ConnectionError:
            raise
        except Exception:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)

    def forget(self, protocol: Any) -> None:
        """A connection is gone, and what was under way on it is over."""
        if connection := self._connections.pop(protocol, None):
            if connection.exchange:
                connection.exchange.depart(499)
            self.site.log("disconnect", actor=connection.actor)


class Connection:
    """What the trace calls it, and the latest request on it."""

    def __init__(self, actor: str) -> None:
        self.actor = actor
        self.exchange: Exchange | None = None


class Connections(web.Server):
    """aiohttp's server, which tells the service when a connection ends."""

    def __init__(self, service: Service, **options: Any) -> None:
        super().__init__(service.handle, **options)
        self._service = service

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        """Called by aiohttp for each connection."""
        self._service.forget(handler)
        super().connection_lost(handler, exc)


class Exchange:
    """One request and its answer.

    The departure is noted just before the last byte is sent, or before anything else that tells the client that it is
    over: a client that opens its next connection at once then never looks like one transfer more than there are.
    """

    def __init__(self, site: Site, request: web.BaseRequest, name: str, actor: str) -> None:
        self.site, self.request, self.name, self.actor = site, request, name, actor
        self.file = site.files.get(name)
        self.range = request.headers.get("Range", "")
        self.departed = False
        site.log("arrive", name, actor, first_byte(self.file, self.range))

    def depart(self, status: int) -> None:
        """Note that it is over, once."""
        if not self.departed:
            self.departed = True
            self.site.log("depart", self.name, self.actor, status)

    async def answer(self, wait: float) -> web.StreamResponse:
        """Serve, misbehave, or say no, after so many seconds; the departure is noted also if the client goes away."""
        try:
            await asyncio.sleep(wait)
            return await self._answer()
        finally:
            self.depart(499)

    async def _answer(self) -> web.StreamResponse:
        fault = (self.file.next_fault() if self.file else None) or Fault("none")
        if fault.kind == "reset":
            self.depart(0)
            return self._hang_up(reset=True)
        reply = reply_to(self.file, fault, self.request.method, self.range)
        response = web.StreamResponse(status=reply.status, headers=reply.headers)
        response.content_length = reply.end - reply.start
        if self.file is None or reply.start == reply.end or self.request.method == "HEAD":
            self.depart(reply.status)
            await response.prepare(self.request)
        else:
            await response.prepare(self.request)
            await self._send(response, self.file, fault, reply)
        await response.write_eof()
        return response

    def _hang_up(self, reset: bool = False) -> web.StreamResponse:
        transport = self.request.transport
        if transport is not None and reset:
            # Without lingering, closing sends RST instead of FIN.
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        elif transport is not None:
            transport.close()
        raise ConnectionResetError("on purpose")

    async def _send(self, response: web.StreamResponse, file: File, fault: Fault, reply: Reply) -> None:
        data, start = memoryview(file.data), reply.start
        is_ahead = start <= fault.at < reply.end
        stop = fault.at if fault.kind == "cut" and is_ahead else reply.end
        told = reply.status if stop == reply.end else 0
        if fault.kind == "stall" and is_ahead:
            await self._pieces(response, data[start : fault.at])
            await asyncio.sleep(fault.amount)
            start = fault.at
        if fault.kind == "drip":
            start += await self._drip(response, data[start:stop], fault.amount)
        # The very last byte goes out after the departure is noted.
        last = max(start, stop - 1)
        await self._pieces(response, data[start:last])
        self.depart(told)
        await self._pieces(response, data[last:stop])
        if not told:
            self._hang_up()

    async def _drip(self, response: web.StreamResponse, data: memoryview, rate: float) -> int:
        """Send all but the last drip; returns how many bytes that was."""
        size = max(1, int(rate / DRIPS))
        began, sent = time.monotonic(), 0
        while len(data) - sent > size:
            await self._pieces(response, data[sent : sent + size])
            sent += size
            await asyncio.sleep(max(0.0, began + sent / rate - time.monotonic()))
        return sent

    async def _pieces(self, response: web.StreamResponse, data: memoryview) -> None:
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            self.site.log("bytes", self.name, self.actor, len(piece))
            await response.write(piece)


async def serve() -> None:
    """Listen on a free port of the loopback, tell it, and obey until standard input or our parent ends."""
    service = Service()
    server = Connections(service, access_log=None, keepalive_timeout=60, handler_cancellation=True)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(server, "127.0.0.1", 0, backlog=512)
    orders = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    watch = asyncio.create_task(_end_with(os.getppid()))
    _say({"port": listener.sockets[0].getsockname()[1]})
    while line := await orders.readline():
        _say(service.command(json.loads(line)))
    watch.cancel()
    os._exit(0)


async def _end_with(parent: int) -> None:
    """End when ``parent`` has: a child that it forked may still hold our standard input open."""
    while os.getppid() == parent:
        await asyncio.sleep(1)
    os._exit(0)


def _say(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is our owner's business; it closes our input
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)  # what clients send amiss is no error of ours
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())
