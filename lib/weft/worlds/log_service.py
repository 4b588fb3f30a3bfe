"""The log source's own process: streams and sink on one port, commands on standard input, answers on standard output.

A client's first line says who it is: ``{"key": …, "role": "stream", "number": 0}`` or ``{"key": …, "role": "sink"}``. A
stream then answers each empty line with the next line of the log, and with an empty one at its end. A sink answers each
line that is a record's id with ``stored`` or ``refused``. So the source sees exactly what is under way.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from dataclasses import asdict
from typing import Any

from weft.trace import Event
from weft.worlds.log_plan import Plan

STORED, REFUSED = 200, 422


class Desk:
    """One plan under way: who reads which stream, what the sink has, and the trace of it."""

    def __init__(self, key: str = "", plan: Plan | None = None) -> None:
        self.key, self.plan = key, plan or Plan()
        self.sent = [0] * self.plan.streams
        self.levels = {line.id: line.level for line in self.plan.all_lines()}
        self.refused = self.plan.refused_ids()
        self.taken = self.sinks = 0
        self.silent_until = 0.0
        self.events: list[Event] = []

    def log(self, kind: str, subject: str = "", actor: str = "", value: float = 0.0) -> None:
        """Write down what happens now."""
        self.events.append(Event(time.monotonic(), kind, subject, actor, value))

    async def next_line(self, stream: int) -> str:
        """The next line of a stream, when it is due; empty at the end."""
        number, plan = self.sent[stream], self.plan
        if number >= len(plan.lines(stream)):
            return ""
        self.sent[stream] += 1
        if plan.burst and number and number % plan.burst == 0:
            await asyncio.sleep(plan.pause)
        line = plan.lines(stream)[number]
        self.log("emit", line.id, f"stream {stream}", line.level)
        return line.text

    async def store(self, name: str, actor: str) -> str:
        """Take one record; slowly, not now, or not at all, as the plan says."""
        self.log("arrive", name, actor, self.levels.get(name, -1))
        self.taken += 1
        if self.plan.stall and self.taken == self.plan.stall_after:
            self.silent_until = time.monotonic() + self.plan.stall
            self.log("stall", name, actor, self.plan.stall)
        await asyncio.sleep(max(self.plan.latency, self.silent_until - time.monotonic()))
        status = REFUSED if name in self.refused or name not in self.levels else STORED
        self.log("depart", name, actor, status)
        return "stored" if status == STORED else "refused"


class Service:
    """Serves the desk of the last reset; clients of an earlier one are hung up on."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.port = 0

    def command(self, order: dict[str, Any]) -> Any:
        """Do what the handle asks for."""
        match order:
            case {"do": "reset", "key": key, "plan": plan}:
                self.desk = Desk(key, Plan(**plan))
            case {"do": "trace"}:
                return [asdict(event) for event in self.desk.events]
        return self.port

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its first line to its end."""
        with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError):
            await self._serve(json.loads(await reader.readline()), reader, writer)
        writer.close()

    async def _serve(self, hello: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        desk = self.desk
        if not isinstance(hello, dict) or hello.get("key") != desk.key:
            return
        stream = hello.get("number", 0)
        if hello.get("role") == "sink":
            desk.sinks += 1
            actor = f"sink {desk.sinks}"
        else:
            actor = f"stream {stream}"
        desk.log("connect", actor=actor)
        while (line := await reader.readline()) and desk is self.desk:
            name = line.decode("utf-8", "replace").rstrip("\n")
            answer = await (desk.store(name, actor) if actor.startswith("sink") else desk.next_line(stream))
            writer.write(f"{answer}\n".encode())
            await writer.drain()
        desk.log("disconnect", actor=actor)


async def serve() -> None:
    """Listen on a free port of the loopback, and obey until standard input ends."""
    service = Service()
    listener = await asyncio.start_server(service.client, "127.0.0.1", 0, backlog=256)
    service.port = listener.sockets[0].getsockname()[1]
    orders = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        sys.stdout.write(json.dumps(service.command(json.loads(line))) + "\n")
        sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is our owner's business; it closes our input
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())
