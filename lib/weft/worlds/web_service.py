"""The sites of a plan, served by aiohttp on ports of their own: in the running loop, or as a process of their own."""

from __future__ import annotations

import asyncio
import contextlib
import html
import logging
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from aiohttp import web

from weft.trace import Event, Trace
from weft.worlds.hosting import ignore_interrupts, obey
from weft.worlds.web_plan import ROBOTS, Page, Plan, Site

#: A dripping page is sent in so many pieces per second.
DRIPS = 20

#: aiohttp reports each connection that we reset on purpose; nobody reads that, and a pipe that is full would stop us.
SILENT = logging.Logger("web_service", logging.CRITICAL + 1)


class Web:
    """The web that a plan describes, while it is served. ``addresses``: name of a site to "http://127.0.0.1:port"."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.addresses: dict[str, str] = {}
        self._events: list[Event] = []
        self._hosts: list[Host] = []

    @property
    def trace(self) -> Trace:
        """What the sites saw. Times are those of the loop's clock.

        ``connect`` and ``disconnect`` (subject: the site; actor: a connection), ``arrive`` and ``depart`` (subject:
        "site:/path"; value of a departure: the status, 0 for a reset, 499 if the client left).
        """
        return Trace(self._events)

    def log(self, kind: str, subject: str, actor: str, value: float = 0.0) -> None:
        """Note an event now."""
        self._events.append(Event(asyncio.get_running_loop().time(), kind, subject, actor, value))

    def address(self, link: str, site: str) -> str:
        """The URL that a link on ``site`` leads to; what names no site of this web stays as it is."""
        name, _, path = link.partition(":")
        if name in self.addresses:
            return self.addresses[name] + path
        return self.addresses[site] + link if link.startswith("/") else link

    async def open(self) -> None:
        """Begin to serve."""
        for name, site in self.plan.sites.items():
            host = Host(self, name, site)
            self._hosts.append(host)
            self.addresses[name] = await host.open()

    async def close(self) -> None:
        """Serve no more; connections that are open are closed."""
        for host in self._hosts:
            await host.close()


@contextlib.asynccontextmanager
async def serve(plan: Plan) -> AsyncIterator[Web]:
    """The plan's web, in the running loop, as long as the context lasts."""
    pages = Web(plan)
    await pages.open()
    try:
        yield pages
    finally:
        await pages.close()


class Host(web.Server):
    """One site."""

    def __init__(self, pages: Web, name: str, site: Site) -> None:
        super().__init__(self.handle, access_log=None, logger=SILENT, handler_cancellation=True)
        self.web, self.name, self.site = pages, name, site
        self.began: float | None = None
        self.visits: Counter[str] = Counter()
        self._actors: dict[Any, str] = {}
        self._number = 0

    async def open(self) -> str:
        """Listen on a free port of the loopback; the address."""
        loop = asyncio.get_running_loop()
        self.listener = await loop.create_server(self, "127.0.0.1", 0, backlog=512)
        return f"http://127.0.0.1:{self.listener.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Close the listener and every connection."""
        self.listener.close()
        await self.shutdown(0.0)
        await self.listener.wait_closed()

    def connection_made(self, handler: Any, transport: asyncio.Transport) -> None:
        """Called by aiohttp for each connection."""
        self._number += 1
        self._actors[handler] = f"{self.name} {self._number}"
        self.web.log("connect", self.name, self._actors[handler])
        super().connection_made(handler, transport)

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        """Called by aiohttp when it has gone."""
        if actor := self._actors.pop(handler, None):
            self.web.log("disconnect", self.name, actor)
        super().connection_lost(handler, exc)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request, with both of its ends in the trace."""
        subject, actor = f"{self.name}:{request.path}", self._actors.get(request.protocol, "")
        self.web.log("arrive", subject, actor)
        status = 499
        try:
            response = await self._answer(request)
            status = response.status
            return response
        except ConnectionResetError:
            status = 0
            raise
        finally:
            self.web.log("depart", subject, actor, status)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path, now = request.path, asyncio.get_running_loop().time()
        self.began = now if self.began is None else self.began
        page = self._page(path)
        await asyncio.sleep(self.site.latency + (page.latency if page else 0.0))
        if self.site.down and self.site.down[0] <= now - self.began < self.site.down[1]:
            return web.Response(status=503)
        if page is None:
            return web.Response(status=404)
        self.visits[path] += 1
        if self.visits[path] <= len(page.faults):
            return self._fault(request, page, page.faults[self.visits[path] - 1])
        if page.redirect:
            return web.Response(status=302, headers={"Location": self.web.address(page.redirect, self.name)})
        return await self._send(request, page)

    def _page(self, path: str) -> Page | None:
        if path != ROBOTS:
            return self.site.pages.get(path)
        if self.site.robots is None and not self.site.robots_faults:
            return self.site.pages.get(path)
        return Page(title=self.site.robots or "", kind="text/plain", faults=self.site.robots_faults)

    def _fault(self, request: web.BaseRequest, page: Page, status: int) -> web.Response:
        if status == 0:
            assert request.transport is not None
            # Without lingering, closing sends RST instead of FIN.
            request.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            request.transport.abort()
            raise ConnectionResetError("on purpose")
        seconds = {"Retry-After": f"{page.retry_after:g}"} if status == 429 and page.retry_after else {}
        return web.Response(status=status, headers=seconds)

    async def _send(self, request: web.BaseRequest, page: Page) -> web.StreamResponse:
        data = self._text(page).encode() if page.kind.startswith("text/") else _bytes(page)
        headers = {"Content-Type": f"{page.kind}; charset=utf-8" if page.kind.startswith("text/") else page.kind}
        if page.header:
            headers["X-Padding"] = "x" * page.header
        if not page.drip:
            return web.Response(body=data, headers=headers)
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        size = max(1, int(page.drip / DRIPS))
        for start in range(0, len(data), size):
            await response.write(data[start : start + size])
            await asyncio.sleep(size / page.drip)
        await response.write_eof()
        return response

    def _text(self, page: Page) -> str:
        if page.kind != "text/html":
            return page.title + " " * page.size
        links = "".join(
            f'<li><a href="{html.escape(self.web.address(link, self.name) if ":" in link else link)}">{n}</a>'
            for n, link in enumerate(page.links)
        )
        title = html.escape(page.title)
        return f"<!doctype html><title>{title}</title><h1>{title}</h1><ul>{links}</ul>{' ' * page.size}"


def _bytes(page: Page) -> bytes:
    """What no decoder takes for text."""
    return page.title.encode() + bytes(range(256)) + b"\xff" * page.size


async def main() -> None:
    """As a process of its own: serve one plan after another."""
    pages = Web(Plan())
    closing: set[asyncio.Task[None]] = set()

    async def begin(plan: Plan) -> dict[str, str]:
        nonlocal pages
        old, pages = pages, Web(plan)
        task = asyncio.create_task(old.close())
        closing.add(task)
        task.add_done_callback(closing.discard)
        await pages.open()
        return pages.addresses

    async def command(order: dict[str, Any]) -> Any:
        match order:
            case {"do": "begin", "plan": plan}:
                return await begin(Plan.from_json(plan))
            case {"do": "trace"}:
                return [asdict(event) for event in pages.trace]
        raise ValueError(f"unknown order {order}")

    await obey({}, command)


if __name__ == "__main__":
    ignore_interrupts()
    asyncio.run(main())
