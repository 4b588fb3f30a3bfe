"""The file server's twin inside the answer's process: the same faces, faults and trace, on the clock that ``time`` has.

Under the schedule explorer that clock is virtual, so a download of a minute takes milliseconds, and is exact. What is
simulated is the transport alone: sessions, headers, responses and errors are those of ``requests``. The trace lies
within reach of the answer; whatever a check judges by it, another check should judge by the real server's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import requests
from requests.adapters import BaseAdapter
from requests.models import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict

from weft.trace import Trace
from weft.worlds.contents import content, digest
from weft.worlds.faults import Fault
from weft.worlds.site import File, Site, range_start

ADDRESS = "http://files.test/"


class SimulatedFiles:
    """Files, latency and faults as :class:`weft.worlds.file_server.FileServer` has them, without a server."""

    def __init__(self) -> None:
        self.site = Site()
        self.connections = 0

    def add(self, name: str, size: int, faults: Sequence[Fault] = ()) -> None:
        """Serve a file of ``size`` bytes under ``name``, with these faults, one after another."""
        self.site.files[name] = File(size, list(faults))
        content(name, size)  # made now, not while somebody waits for it

    def latency(self, seconds: float) -> None:
        """Let every request wait so long before it is answered."""
        self.site.latency = seconds

    def connect_cost(self, seconds: float) -> None:
        """Let the first request of each new connection wait so much longer."""
        self.site.connect_cost = seconds

    @property
    def items(self) -> list[dict[str, Any]]:
        """The manifest: ``{"url", "name", "size"}`` for each file, sizes in bytes."""
        return [{"url": ADDRESS + name, "name": name, "size": file.size} for name, file in self.site.files.items()]

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
        if request.method not in ("GET", "HEAD"):
            raise NotImplementedError(f"The simulated files answer GET and HEAD, not {request.method}.")
        site, actor, cost = self.files.site, *self._connect()
        name = (request.url or "").rpartition("/")[2]
        start = range_start(request.headers.get("Range", ""))
        exchange = _Exchange(site, name, actor, self.idle)
        site.log("arrive", name, actor, start)
        _wait(site.latency + cost, _patience(timeout), "no answer")
        return exchange.answer(request, start, _patience(timeout))

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

    def __init__(self, site: Site, name: str, actor: str, idle: list[str]) -> None:
        self.site, self.name, self.actor, self.idle = site, name, actor, idle
        self.departed = False

    def depart(self, status: int, keep: bool) -> None:
        """Note that it is over, once; the connection is kept for the next request or lost."""
        if self.departed:
            return
        self.departed = True
        self.site.log("depart", self.name, self.actor, status)
        if keep:
            self.idle.append(self.actor)
        else:
            self.site.log("disconnect", actor=self.actor)

    def answer(self, request: PreparedRequest, start: int, patience: float | None) -> Response:
        """The response, whose body comes as it is read."""
        file = self.site.files.get(self.name)
        fault = (file.next_fault() if file else None) or Fault("none")
        if fault.kind == "reset":
            self.depart(0, keep=False)
            raise requests.ConnectionError("Connection aborted: reset by the simulated server")
        start = 0 if fault.kind == "no range" else start
        if file is None or fault.kind == "status" or start > file.size:
            status = 404 if file is None else int(fault.amount) if fault.kind == "status" else 416
            return self._response(request, status, _Body(self, status, b""))
        end = file.size - (int(fault.amount) if fault.kind == "short" else 0)
        status = 206 if start else 200
        data = memoryview(content(self.name, file.size))[start:end] if request.method == "GET" else b""
        response = self._response(request, status, _Body(self, status, data, start, fault, patience))
        response.headers["Content-Length"] = str(max(0, end - start))
        if start:
            response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
        return response

    def _response(self, request: PreparedRequest, status: int, body: _Body) -> Response:
        response = Response()
        response.status_code, response.request, response.url = status, request, request.url or ""
        response.headers = CaseInsensitiveDict({"Accept-Ranges": "bytes", "Content-Length": "0"})
        response.raw = body
        if not len(body.data):
            self.depart(status, keep=True)
        return response


class _Body:
    """A response's body, as far as ``requests`` reads it: ``read`` and ``close``."""

    def __init__(
        self,
        exchange: _Exchange,
        status: int,
        data: bytes | memoryview,
        start: int = 0,
        fault: Fault = Fault("none"),  # noqa: B008
        patience: float | None = None,
    ) -> None:
        self.exchange, self.status, self.data = exchange, status, data
        self.start, self.fault, self.patience = start, fault, patience
        self.sent = 0

    def read(self, amount: int = -1, decode_content: bool = True) -> bytes:
        """At most ``amount`` bytes, all that is left for a negative number; empty at the end."""
        left = len(self.data) - self.sent
        amount = left if amount is None or amount < 0 else min(amount, left)
        amount = self._until_the_fault(amount)
        if amount and self.fault.kind == "drip":
            _wait(amount / self.fault.amount, self.patience, "silence")
        piece = bytes(self.data[self.sent : self.sent + amount])
        self.sent += amount
        if amount:
            self.exchange.site.log("bytes", self.exchange.name, self.exchange.actor, amount)
        if self.sent == len(self.data):
            self.exchange.depart(self.status, keep=True)
        return piece

    def close(self) -> None:
        """The client has had enough."""
        self.exchange.depart(499, keep=False)

    def _until_the_fault(self, amount: int) -> int:
        """How much may be sent before something happens; makes it happen if it is due."""
        ahead = self.fault.at - self.start - self.sent
        if self.fault.kind not in ("cut", "stall") or ahead < 0:
            return amount
        if ahead == 0 and self.fault.kind == "cut" and self.sent < len(self.data):
            self.exchange.depart(0, keep=False)
            raise requests.exceptions.ChunkedEncodingError("Connection broken by the simulated server")
        if ahead == 0:
            seconds, self.fault = self.fault.amount, Fault("none")
            _wait(seconds, self.patience, "silence")
            return amount
        return min(amount, ahead)


def _patience(timeout: Any) -> float | None:
    """The time-out for each silence, in seconds, from what ``requests`` was given."""
    seconds = timeout[1] if isinstance(timeout, tuple) else timeout
    return None if seconds is None else float(seconds)


def _wait(seconds: float, patience: float | None, what: str) -> None:
    """Let time pass. Raises ``requests.ReadTimeout`` if the client's patience ends before."""
    if patience is not None and seconds > patience:
        time.sleep(patience)
        raise requests.ReadTimeout(f"Read timed out after {patience:g} s: {what}")
    if seconds:
        time.sleep(seconds)
