"""The file server's twin inside the answer's process: the same faces, faults and trace, on the clock that ``time`` has.

Under the schedule explorer that clock is virtual, so a download of a minute takes milliseconds, and is exact. What is
simulated is the connection alone: sessions, responses and errors are those of ``requests`` and ``urllib3``. The trace
lies within reach of the answer; whatever a check judges by it, another check should judge by the real server's. Bytes
leave when they are read, so a client that gives up has been sent less than the real server had handed to the network.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import requests
from requests.adapters import DEFAULT_POOLSIZE, BaseAdapter
from requests.models import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from weft.trace import Trace
from weft.worlds.contents import digest
from weft.worlds.faults import DRIPS, Fault
from weft.worlds.replies import Reply, first_byte, reply_to
from weft.worlds.site import File, Site

ADDRESS = "http://files.test/"


class SimulatedFiles:
    """Files, latency and faults as :class:`weft.worlds.file_server.FileServer` has them, without a server."""

    def __init__(self) -> None:
        self.site = Site()
        self.connections = 0

    def reset(self) -> None:
        """Begin afresh: no files, no faults, no latency, an empty trace."""
        self.site, self.connections = Site(), 0

    def add(self, name: str, size: int, faults: Sequence[Fault] = ()) -> None:
        """Serve a file of ``size`` bytes under ``name``, with these faults, one after another."""
        self.site.files[name] = File(name, size, list(faults))

    def latency(self, seconds: float) -> None:
        """Let every request wait so long before it is answered."""
        self.site.latency = seconds

    def connect_cost(self, seconds: float) -> None:
        """Let the first request of each new connection wait so much longer."""
        self.site.connect_cost = seconds

    @property
    def items(self) -> list[dict[str, Any]]:
        """The manifest: ``{"url", "name", "size"}`` for each file, sizes in bytes."""
        return [{"url": _url(name), "name": name, "size": file.size} for name, file in self.site.files.items()]

    @property
    def urls(self) -> list[str]:
        """The files' addresses."""
        return [_url(name) for name in self.site.files]

    @property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of each file, in hexadecimal."""
        return {name: digest(name, file.size) for name, file in self.site.files.items()}

    @property
    def trace(self) -> Trace:
        """What was asked for and sent so far, with the same events as the file server's."""
        return Trace(self.site.events)

    def session(self) -> requests.Session:
        """A session of ``requests`` whose requests come here, whatever their address."""
        session = requests.Session()
        session.trust_env = False  # no proxies, no .netrc: nothing leaves this process
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(self))
        return session


class _Adapter(BaseAdapter):
    """The transport of one session; it keeps its connections, as the pool of ``requests`` does."""

    def __init__(self, files: SimulatedFiles) -> None:
        super().__init__()
        self.files = files
        self.idle: list[str] = []

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """Answer one request, late, wrongly or not at all, as its file's faults say."""
        site, actor, cost = self.files.site, *self._connect()
        exchange = _Exchange(site, request, actor, self.idle, _patience(timeout))
        exchange.wait(site.latency + cost, requests.ReadTimeout("Read timed out: no answer from the simulated server"))
        response = exchange.answer()
        response.connection = self  # type: ignore[assignment]
        return response

    def _connect(self) -> tuple[str, float]:
        if self.idle:
            return self.idle.pop(), 0.0
        self.files.connections += 1
        actor = f"connection {self.files.connections}"
        self.files.site.log("connect", actor=actor)
        return actor, self.files.site.connect_cost

    def close(self) -> None:
        """Close the connections that are kept."""
        while self.idle:
            self.files.site.log("disconnect", actor=self.idle.pop())


class _Exchange:
    """One request and its answer. Its departure is noted before the client can know of it."""

    def __init__(
        self, site: Site, request: PreparedRequest, actor: str, idle: list[str], patience: float | None
    ) -> None:
        self.site, self.request, self.actor, self.idle, self.patience = site, request, actor, idle, patience
        self.name = unquote(str(urlsplit(request.url).path)).removeprefix("/")
        self.file = site.files.get(self.name)
        self.range = request.headers.get("Range", "")
        self.departed = False
        site.log("arrive", self.name, actor, first_byte(self.file, self.range))

    def depart(self, status: int, keep: bool) -> None:
        """Note that it is over, once; the connection is kept for the next request or lost."""
        if self.departed:
            return
        self.departed = True
        self.site.log("depart", self.name, self.actor, status)
        if keep and len(self.idle) < DEFAULT_POOLSIZE:
            self.idle.append(self.actor)
        else:
            self.site.log("disconnect", actor=self.actor)

    def wait(self, seconds: float, error: Exception) -> None:
        """Let time pass. Raises ``error``, and the client is gone, if its patience ends before."""
        if self.patience is not None and seconds > self.patience:
            time.sleep(self.patience)
            self.depart(499, keep=False)
            raise error
        if seconds:
            time.sleep(seconds)

    def answer(self) -> Response:
        """The response, whose body comes as it is read. Raises ``requests.ConnectionError`` for a reset."""
        fault = (self.file.next_fault() if self.file else None) or Fault("none")
        if fault.kind == "reset":
            self.depart(0, keep=False)
            raise requests.ConnectionError("Connection aborted: reset by the simulated server")
        method = self.request.method or "GET"
        reply = reply_to(self.file, fault, method, self.range)
        length = reply.end - reply.start
        body = _Body(self, fault, reply, b"" if self.file is None or method == "HEAD" else self.file.data)
        return self._response(body, {**reply.headers, "Content-Length": str(length)}, reply.status)

    def _response(self, body: _Body, headers: dict[str, str], status: int) -> Response:
        response, reason = Response(), http.client.responses.get(status, "")
        response.status_code, response.reason, response.headers = status, reason, CaseInsensitiveDict(headers)
        response.request, response.url = self.request, self.request.url or ""
        response.raw = HTTPResponse(
            body,  # type: ignore[arg-type]
            headers,
            status,
            reason=reason,
            preload_content=False,
            enforce_content_length=True,
            request_method=self.request.method,
        )
        return response


class _Body:
    """What ``http.client`` would give ``urllib3`` to read: whole pieces, silence, or a sudden end."""

    def __init__(self, exchange: _Exchange, fault: Fault, reply: Reply, data: bytes) -> None:
        self.exchange, self.fault, self.status = exchange, fault, reply.status
        self.at, self.end = reply.start, min(reply.end, len(data))
        self.is_cut = fault.kind == "cut" and self.at <= fault.at < self.end
        self.stop = fault.at if self.is_cut else self.end
        self.data = memoryview(data)
        self.closed = False
        self._finish()

    def read(self, amount: int | None = None) -> bytes:
        """At most ``amount`` bytes, all that is left for None; empty at the end.

        Raises TimeoutError for a silence longer than the client's patience, ``http.client.IncompleteRead`` if all that
        is left does not come.
        """
        if self.closed:
            return b""
        until = self.stop if amount is None or amount < 0 else min(self.at + amount, self.stop)
        start = self.at
        if self.fault.kind == "stall" and self.at <= self.fault.at < until:
            self._send(self.fault.at)
            self.exchange.wait(self.fault.amount, TimeoutError("timed out"))
            self.fault = Fault("none")
        self._send(until)
        self._finish()
        if self.is_cut and (amount is None or amount < 0):
            raise http.client.IncompleteRead(bytes(self.data[start:until]), self.end - until)
        return bytes(self.data[start:until])

    def close(self) -> None:
        """The client has had enough."""
        self.closed = True
        self.exchange.depart(499, keep=False)

    def _send(self, until: int) -> None:
        amount, self.at = until - self.at, until
        if amount and self.fault.kind == "drip":
            silence = max(1, int(self.fault.amount / DRIPS)) / self.fault.amount
            self.exchange.wait(silence, TimeoutError("timed out"))
            time.sleep(max(0.0, amount / self.fault.amount - silence))
        if amount:
            self.exchange.site.log("bytes", self.exchange.name, self.exchange.actor, amount)

    def _finish(self) -> None:
        """At the last byte, note that it is over."""
        if self.at == self.end:
            self.closed = True
            self.exchange.depart(self.status, keep=True)
        elif self.at == self.stop:
            self.exchange.depart(0, keep=False)


def _url(name: str) -> str:
    return ADDRESS + quote(name)


def _patience(timeout: Any) -> float | None:
    """The time-out for each silence, in seconds, from what ``requests`` was given."""
    seconds = timeout[1] if isinstance(timeout, tuple) else timeout
    return None if seconds is None else float(seconds)
