"""What a program holds of a log source: a stream to iterate over, and a sink to call. Both talk to another process."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any, TextIO

#: Seconds after which a silent source is taken for dead.
PATIENCE = 30.0


class SinkRefused(RuntimeError):
    """The sink does not want this record, now or ever."""


class LogStream:
    """The lines of one stream, one at a time: the next is asked for when the last is wanted no more."""

    def __init__(self, address: dict[str, Any], number: int) -> None:
        self.address, self.number = address, number

    def __iter__(self) -> Iterator[str]:
        with _connect(self.address, role="stream", number=self.number) as file:
            while line := _ask(file, ""):
                yield line


class LogSink:
    """Call it with something that has an ``id``; it blocks until the record is stored. Each thread has a connection.

    Raises SinkRefused for a record that it does not want, and ConnectionError if it is gone.
    """

    def __init__(self, address: dict[str, Any]) -> None:
        self.address = address
        self._local = threading.local()
        self._opened: list[TextIO] = []

    def __call__(self, record: Any) -> None:
        if not hasattr(self._local, "file"):
            self._local.file = _connect(self.address, role="sink")
            self._opened.append(self._local.file)
        if _ask(self._local.file, record.id) != "stored":
            raise SinkRefused(f"{record.id}: the sink refused it")

    def close(self) -> None:
        """Close the connections of all threads."""
        while self._opened:
            self._opened.pop().close()


def streams(address: dict[str, Any]) -> list[LogStream]:
    """All streams of a source."""
    return [LogStream(address, number) for number in range(address["streams"])]


def _connect(address: dict[str, Any], **hello: Any) -> TextIO:
    connection = socket.create_connection(("127.0.0.1", address["port"]), timeout=PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    file = connection.makefile("rw", encoding="utf-8", newline="\n")
    connection.close()  # the file keeps it open
    file.write(json.dumps({"key": address["key"], **hello}) + "\n")
    return file


def _ask(file: TextIO, question: str) -> str:
    """Send one line and return the answer. Raises ConnectionError if there is none."""
    file.write(f"{question}\n")
    file.flush()
    answer = file.readline()
    if not answer:
        raise ConnectionError("the log source has hung up")
    return answer.rstrip("\n")
