"""How whoever hosts a chat server meets the fleet: says its port, obeys a few orders, and stops when it is told to.

It runs in the answer's process (or in a yardstick's), and learns nothing there but when to look and when to stop.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any


async def meet(
    address: dict[str, Any],
    port: int,
    stop: Callable[[], Awaitable[None]],
    statistics: Callable[[], Any] = lambda: None,
) -> None:
    """Tell the fleet at ``address`` that the server listens on ``port``; return when ``stop()`` has returned.

    ``statistics()`` is called whenever the fleet wants to look; what it gives goes into the fleet's record, as do the
    CPU seconds of this process. If the fleet hangs up, the server is stopped as well.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", address["port"])
    try:
        _say(writer, {"key": address["key"], "port": port})
        while (order := (await reader.readline()).decode().strip()) not in ("stop", ""):
            _say(writer, statistics() if order == "look" else time.process_time())
        started = time.monotonic()
        await stop()
        _say(writer, time.monotonic() - started)
    finally:
        writer.close()


def _say(writer: asyncio.StreamWriter, thing: Any) -> None:
    writer.write(json.dumps(thing, default=repr).encode() + b"\n")
