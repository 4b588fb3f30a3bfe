"""The fleet's own process: it waits for whoever hosts a chat server, runs a scenario against it, keeps the record."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import asdict
from typing import Any

from weft.worlds.chat_plan import Step
from weft.worlds.chat_scenario import Scenario
from weft.worlds.hosting import ignore_interrupts, obey

#: Seconds in which a host must do what it is told to, and in which a scenario whose host has ended must have ended too.
PATIENCE, GRACE = 15.0, 5.0


class Fleet:
    """One scenario at a time."""

    def __init__(self) -> None:
        self.port = 0  # where hosts come to
        self.key, self.steps = "", list[Step]()
        self.scenario: Scenario | None = None
        self.told: dict[str, list[Any]] = {}
        self.over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def begin(self, key: str, steps: list[Step], port: int | None = None) -> None:
        """Forget the last scenario and be ready for the next.

        It starts when a host with this ``key`` comes, or at once against ``port``.
        """
        await self.cancel()
        self.key, self.steps, self.scenario, self.told = key, steps, None, {}
        self.over = asyncio.Event()
        if port is not None:
            self._task = asyncio.create_task(self._run(port, None, None))

    async def cancel(self) -> None:
        """End whatever goes on."""
        if self._task and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    async def host(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Whoever hosts a server has come."""
        with contextlib.suppress(ValueError, OSError):
            hello = json.loads(await reader.readline())
            if isinstance(hello, dict) and hello.get("key") == self.key and self.scenario is None:
                self._task = asyncio.create_task(self._run(int(hello["port"]), reader, writer))
                await asyncio.wait([self._task])
        writer.close()

    async def _run(self, port: int, reader: asyncio.StreamReader | None, writer: asyncio.StreamWriter | None) -> None:
        async def tell(order: str) -> None:
            if reader is None or writer is None or "stop" in self.told:
                return
            writer.write(f"{order}\n".encode())
            with contextlib.suppress(OSError, ValueError, TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    answer = json.loads(await reader.readline())
                    self.told.setdefault(order, []).append(answer)

        self.scenario = scenario = Scenario(self.steps, port, tell)
        try:
            await scenario.run()
            await tell("stop")
            await scenario.end()
        finally:
            self.over.set()

    async def record(self, patience: float) -> dict[str, Any]:
        """Everything that was seen, when it is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self.over.wait()
        if not self.over.is_set():
            await self.cancel()
        scenario = self.scenario or Scenario([], 0, _nobody)
        return {
            "trouble": scenario.trouble if self.scenario else "No server was ever there for the clients.",
            "events": [asdict(event) for event in scenario.log.events],
            "heard": scenario.log.heard,
            "codes": scenario.log.codes,
            "told": self.told,
        }


async def _nobody(order: str) -> None:
    """There is nobody to tell."""


async def main() -> None:
    """As a process of its own."""
    fleet = Fleet()
    listener = await asyncio.start_server(fleet.host, "127.0.0.1", 0)
    fleet.port = listener.sockets[0].getsockname()[1]

    async def command(order: dict[str, Any]) -> Any:
        match order.pop("do"):
            case "begin":
                return await fleet.begin(**order)
            case "record":
                return await fleet.record(**order)
        raise ValueError(f"unknown order {order}")

    await obey({"port": fleet.port}, command)


if __name__ == "__main__":
    ignore_interrupts()
    asyncio.run(main())
