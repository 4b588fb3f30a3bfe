"""The file server's own process: aiohttp serves, standard input commands, standard output answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import sys
import time
from dataclasses import asdict
from typing import Any

from aiohttp import web

from weft.worlds.contents import content
from weft.worlds.faults import Fault
from weft.worlds.site import File, Site, range_start

#: Bytes sent at a time, and bytes per second of a tick of a dripping file.
PIECE = 1 << 18

#: A dripping file is sent in so many pieces per second.
DRIPS = 100


class Service:
    """Serves the current site; requests for an earlier one get 410 and leave no trace."""

    def __init__(self) -> None:
        self.site = Site()
        self._connections: dict[Any, str] = {}
        self._numbers = 0

    def command(self, order: dict[str, Any]) -> Any:
        """Do what the handle asks for."""
        match order:
            case {"do": "reset", "prefix": prefix}:
                self.site = Site(prefix)
            case {"do": "add", "name": name, "size": size, "faults": faults}:
                self.site.files[name] = File(size, [Fault(**fault) for fault in faults])
                content(name, size)  # made now, not while somebody waits for it
            case {"do": "set", "name": ("latency" | "connect_cost") as name, "value": value}:
                setattr(self.site, name, value)
            case {"do": "trace"}:
                return [asdict(event) for event in self.site.events]
        return None

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request."""
        site, connection = self.site, request.protocol
        prefix, _, name = request.path.strip("/").partition("/")
        if prefix != site.prefix:
            return web.Response(status=410)
        is_new = connection not in self._connections
        if is_new:
            self._numbers += 1
            self._connections[connection] = f"connection {self._numbers}"
            site.log("connect", actor=self._connections[connection])
        exchange = Exchange(site, request, name, self._connections[connection])
        await asyncio.sleep(site.latency + (site.connect_cost if is_new else 0.0))
        return await exchange.answer()

    def forget(self, connection: Any) -> None:
        """A connection is gone."""
        if actor := self._connections.pop(connection, None):
            self.site.log("disconnect", actor=actor)


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
        self.start = range_start(request.headers.get("Range", ""))
        self.departed = False
        site.log("arrive", name, actor, self.start)

    def depart(self, status: int) -> None:
        """Note that it is over, once."""
        if not self.departed:
            self.departed = True
            self.site.log("depart", self.name, self.actor, status)

    async def answer(self) -> web.StreamResponse:
        """Serve, misbehave, or say no; the departure is noted also if the client goes away."""
        try:
            return await self._answer()
        finally:
            self.depart(499)

    async def _answer(self) -> web.StreamResponse:
        if self.file is None:
            return self._refuse(404)
        fault = self.file.next_fault() or Fault("none")
        if fault.kind == "status":
            return self._refuse(int(fault.amount))
        if fault.kind == "reset":
            self.depart(0)
            return self._hang_up(reset=True)
        if fault.kind == "no range":
            self.start = 0
        if self.start > self.file.size:
            return self._refuse(416)
        return await self._send(self.file, fault)

    def _refuse(self, status: int) -> web.Response:
        self.depart(status)
        return web.Response(status=status)

    def _hang_up(self, reset: bool = False) -> web.StreamResponse:
        transport = self.request.transport
        if transport is not None and reset:
            # Without lingering, closing sends RST instead of FIN.
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        elif transport is not None:
            transport.close()
        raise ConnectionResetError("on purpose")

    async def _send(self, file: File, fault: Fault) -> web.StreamResponse:
        end = file.size - (int(fault.amount) if fault.kind == "short" else 0)
        status = 206 if self.start else 200
        response = web.StreamResponse(status=status, headers={"Accept-Ranges": "bytes"})
        response.content_length = max(0, end - self.start)
        if self.start:
            response.headers["Content-Range"] = f"bytes {self.start}-{end - 1}/{file.size}"
        await response.prepare(self.request)
        data = memoryview(content(self.name, file.size))
        stop = fault.at if fault.kind == "cut" and self.start <= fault.at < end else end
        told = status if stop == end else 0
        if fault.kind == "stall" and self.start <= fault.at < end:
            await self._pieces(response, data[self.start : fault.at], last=False)
            await asyncio.sleep(fault.amount)
            self.start = fault.at
        if fault.kind == "drip":
            await self._drip(response, data[self.start : stop], fault.amount, told)
        else:
            await self._pieces(response, data[self.start : stop], last=True, status=told)
        self.depart(told)
        if stop < end:
            await asyncio.sleep(0)
            return self._hang_up()
        await response.write_eof()
        return response

    async def _pieces(self, response: web.StreamResponse, data: memoryview, last: bool, status: int = 0) -> None:
        """Send ``data``; the very last byte goes out after the departure is noted."""
        keep = 1 if last and data else 0
        body = data[: len(data) - keep]
        for start in range(0, len(body), PIECE):
            await self._write(response, body[start : start + PIECE])
        if keep:
            self.depart(status)
            await self._write(response, data[-1:])

    async def _drip(self, response: web.StreamResponse, data: memoryview, rate: float, status: int) -> None:
        size = max(1, int(rate / DRIPS))
        began, sent = time.monotonic(), 0
        while len(data) - sent > size:
            await self._write(response, data[sent : sent + size])
            sent += size
            await asyncio.sleep(max(0.0, began + sent / rate - time.monotonic()))
        await self._pieces(response, data[sent:], last=True, status=status)

    async def _write(self, response: web.StreamResponse, piece: memoryview) -> None:
        if len(piece):
            self.site.log("bytes", self.name, self.actor, len(piece))
            await response.write(bytes(piece))


async def serve() -> None:
    """Listen on a free port of the loopback, tell it, and obey until standard input ends."""
    service = Service()
    server = Connections(service, access_log=None, keepalive_timeout=60, handler_cancellation=True)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(server, "127.0.0.1", 0, backlog=512)
    orders = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    _say({"port": listener.sockets[0].getsockname()[1]})
    while line := await orders.readline():
        _say(service.command(json.loads(line)))
    os._exit(0)


def _say(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is our owner's business; it closes our input
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())
