"""A fleet of chat clients in a process of its own: real WebSocket connections, and a record that no answer can reach.

The server is the answer's, in the answer's process. The two meet on the loopback: the fleet says where it listens; who
hosts the server comes there with the server's port (:func:`weft.worlds.chat_host.meet`), is told when to look at its
statistics and when to stop, and learns nothing else.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from weft.trace import Trace
from weft.worlds.chat_plan import FILE, Step
from weft.worlds.contents import digest
from weft.worlds.errors import WorldError
from weft.worlds.hosting import Hosted

Message = dict[str, Any]


@dataclass
class Record:
    """What the clients saw.

    ``heard`` maps a client to the messages that it heard, in order, with a digest in place of a file's ``data``;
    ``codes`` to the code with which its connection was closed (1006: without a closing handshake). ``looks`` are the
    server's statistics each time the steps said so, ``marks`` CPU seconds of its process, ``stopping`` the seconds that
    its end took. ``trouble`` says who waited for what in vain; empty if nobody did. ``facts`` is what the host of the
    server returned.
    """

    trace: Trace = field(default_factory=Trace)
    heard: dict[str, list[Message]] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    looks: list[Any] = field(default_factory=list)
    marks: list[float] = field(default_factory=list)
    stopping: float = 0.0
    trouble: str = ""
    facts: Any = None

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Record:
        """From what the fleet's process tells."""
        told = row["told"]
        return cls(
            trace=Trace.from_json(row["events"]),
            heard=row["heard"],
            codes=row["codes"],
            looks=told.get("look", []),
            marks=told.get("mark", []),
            stopping=told.get("stop", [0.0])[0],
            trouble=row["trouble"],
        )

    def messages(self, who: str, kind: str) -> list[Message]:
        """What ``who`` heard of one kind."""
        return [message for message in self.heard.get(who, []) if message.get("type") == kind]

    def texts(self, who: str, kind: str = "said") -> list[str]:
        """The texts of what ``who`` heard of one kind, without padding."""
        return [str(message.get("text")).rstrip(".") for message in self.messages(who, kind)]


class ChatFleet:
    """The handle to the fleet's process. Use :func:`open_world`."""

    def __init__(self) -> None:
        self._hosted = Hosted("weft.worlds.chat_service", "The fleet of chat clients")
        self._yardstick: Hosted | None = None
        self._record: Record | None = None

    def reset(self) -> None:
        """No scenario."""
        self._hosted.order(do="begin", key=secrets.token_hex(8), steps=[])
        self._record = None

    def begin(self, *steps: Step, port: int | None = None) -> dict[str, Any]:
        """Be ready to run these steps when a host comes to the address returned, or at once against ``port``."""
        key = secrets.token_hex(8)
        self._record = None
        self._hosted.order(do="begin", key=key, steps=list(steps), port=port)
        return {"port": self._hosted.about["port"], "key": key}

    def record(self, patience: float = 5.0) -> Record:
        """What the clients saw. Waits so many seconds for the scenario to end, and ends it then."""
        if self._record is None:
            self._record = Record.from_json(self._hosted.order(do="record", patience=patience))
        return self._record

    @property
    def trace(self) -> Trace:
        """What the clients saw.

        ``connect`` and ``disconnect`` (actor: a client; value: the close code), ``say`` and ``hear`` (actor: a client;
        subject: the text of a message to a room, shortened, a file's name, or else the type; value of ``hear``:
        bytes). What slow clients and crowds hear is no event, for they read it later or never.
        """
        return self.record().trace

    def play(self, drive: Callable[..., Any], host: Callable[..., Any], *steps: Step, **options: Any) -> Record:
        """Let ``drive(host, address, **options)`` host a server while the fleet runs these steps; return the record.

        Raises AssertionError, with a sentence, if a step waited in vain: the server did not do what it should.
        """
        facts = drive(host, self.begin(*steps), **options)
        record = self.record()
        record.facts = facts
        if record.trouble:
            raise AssertionError(record.trouble + _of_errors(facts))
        return record

    def yardstick(self, *steps: Step, kind: str = "broadcast") -> Record:
        """The same against a server of our own: ``broadcast`` or ``raw``; see :mod:`weft.worlds.chat_yardstick`."""
        if self._yardstick is None:
            self._yardstick = Hosted("weft.worlds.chat_yardstick", "The yardstick of chat servers")
        self._yardstick.order(kind=kind, address=self.begin(*steps))
        record = self.record()
        if record.trouble:
            raise WorldError(f"The yardstick failed: {record.trouble}")
        return record

    @staticmethod
    def digest_of_file(size: int) -> str:
        """The SHA-256 of a file of that size, as the step ``files`` sends it."""
        return digest(FILE, size)

    @staticmethod
    def files_to_overflow(size: int) -> int:
        """How many files of that size are more than a client that never reads can be sent, and a megabyte besides.

        What the kernel keeps for it on the way is a limit of the machine's.
        """
        try:
            kernel = int(Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()[2])
        except (OSError, ValueError, IndexError):
            kernel = 4 << 20
        return 1 + (min(kernel, 16 << 20) + (2 << 20)) * 3 // (4 * size)

    def close(self) -> None:
        """End the fleet."""
        self._hosted.close()
        if self._yardstick:
            self._yardstick.close()


def _of_errors(facts: Any) -> str:
    """What the server logged, if its host tells."""
    errors = facts.get("errors") if isinstance(facts, dict) else None
    return f" Your server logged: {errors[0]}" if errors else ""


@contextlib.contextmanager
def open_world() -> Iterator[ChatFleet]:
    """A fleet of one's own, as long as the context lasts."""
    fleet = ChatFleet()
    try:
        yield fleet
    finally:
        fleet.close()
