"""A file server that misbehaves on request, in a process of its own, with a trace that no answer can reach."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from weft.trace import Event, Trace
from weft.worlds.contents import digest
from weft.worlds.errors import WorldError
from weft.worlds.faults import Fault


class FileServer:
    """The handle to the server's process. Use :func:`open_world`."""

    def __init__(self) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # not a pipe: nobody reads it before the end
        self._lock = threading.RLock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "weft.worlds.file_service"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            process_group=0,  # an interrupt from the keyboard is for us, not for it
        )
        self._port = 0
        self._prefix = secrets.token_hex(8)
        self._files: dict[str, int] = {}

    def reset(self) -> None:
        """Begin a fresh site.

        No files, no faults, no latency, an empty trace; addresses given out before lead nowhere.
        """
        self._prefix = secrets.token_hex(8)
        self._files = {}
        self._order(do="reset", prefix=self._prefix)

    def add(self, name: str, size: int, faults: Sequence[Fault] = ()) -> None:
        """Serve a file of ``size`` bytes under ``name``, with these faults, one after another."""
        self._files[name] = size
        self._order(do="add", name=name, size=size, faults=[fault.to_json() for fault in faults])

    def latency(self, seconds: float) -> None:
        """Let every request wait so long before it is answered."""
        self._order(do="set", name="latency", value=seconds)

    def connect_cost(self, seconds: float) -> None:
        """Let the first request of each new connection wait so much longer."""
        self._order(do="set", name="connect_cost", value=seconds)

    @property
    def items(self) -> list[dict[str, Any]]:
        """The manifest: ``{"url", "name", "size"}`` for each file, sizes in bytes."""
        return [{"url": self._url(name), "name": name, "size": size} for name, size in self._files.items()]

    @property
    def urls(self) -> list[str]:
        """The files' addresses."""
        return [self._url(name) for name in self._files]

    @property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of each file, in hexadecimal."""
        return {name: digest(name, size) for name, size in self._files.items()}

    @property
    def trace(self) -> Trace:
        """What the server saw since the last reset.

        ``connect`` and ``disconnect`` with the connection as actor, which begins with its first request for this site;
        ``arrive`` (value: the first byte asked for) and ``depart`` (value: the status, 0 for a reset or a cut, 499 if
        the client left) with the file as subject, and ``bytes`` (value: how many were handed to the network). After
        200,000 events one of kind ``overflow`` ends the trace.
        """
        return Trace(Event(*row) for row in self._order(do="trace"))

    def close(self) -> None:
        """End the server."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def _url(self, name: str) -> str:
        if not self._port:
            self._order(do="trace")
        return f"http://127.0.0.1:{self._port}/{self._prefix}/{quote(name)}"

    def _order(self, **order: Any) -> Any:
        try:
            with self._lock:
                if not self._port:
                    # Not before it is needed: the server starts while others do.
                    self._port = self._hear()["port"]
                    self._tell({"do": "reset", "prefix": self._prefix})
                return self._tell(order)
        except (OSError, ValueError):
            raise WorldError(f"The file server has died. {self._last_words()}") from None

    def _tell(self, order: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._hear()

    def _hear(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def _last_words(self) -> str:
        if self._errors.closed:
            return "It was closed."
        self._process.kill()
        self._process.wait()
        self._errors.seek(max(0, self._errors.seek(0, 2) - 1000))
        return self._errors.read().decode(errors="replace")


@contextlib.contextmanager
def open_world() -> Iterator[FileServer]:
    """A file server of one's own, as long as the context lasts."""
    server = FileServer()
    try:
        yield server
    finally:
        server.close()
