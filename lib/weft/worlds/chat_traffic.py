"""Traffic: many clients in many rooms, a steady rate of messages, and some who misbehave."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from weft.worlds.chat_plan import burst, close, drop, enter, raw_text, wait

if TYPE_CHECKING:
    from weft.worlds.chat_scenario import Scenario

#: What a malformed client sends.
NONSENSE = ("{", "[]", '{"type": "fly"}', '{"type": "say", "room": 7}', "\x00")


async def traffic(
    scenario: Scenario, clients: int, rooms: int, seconds: float, rate: float, trouble: bool, seed: int
) -> None:
    """``rate`` messages a second from so many clients, each in one of so many rooms. Then wait for the last to arrive.

    What is said is ``m-0``, ``m-1`` …; a message is lost if somebody in its room did not hear it.
    """
    dice = random.Random(seed)
    names = [f"guest-{number:03}" for number in range(clients)]
    homes = {name: f"room-{number % rooms}" for number, name in enumerate(names)}
    for start in range(0, clients, 20):
        await scenario._all([_together([[enter(name, homes[name])] for name in names[start : start + 20]])])
    bad = asyncio.create_task(_misbehave(scenario, seconds)) if trouble else None
    loop = asyncio.get_running_loop()
    began, count = loop.time(), int(seconds * rate)
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
        who = dice.choice(names)
        await scenario._say(who, {"type": "say", "room": homes[who], "text": f"m-{number}"})
    if bad:
        await bad
    await scenario._settled(names, 10.0)


async def _misbehave(scenario: Scenario, seconds: float) -> None:
    """A slow client, a flooding one, a malformed one and an abrupt one, each in turn, in the first room."""
    nap = max(0.05, seconds / 12)
    flood = [f"flood-{number}" for number in range(150)]
    await scenario._all([
        enter("slow", "room-0", reads=False), wait(nap),
        enter("malformed", "room-0"), *(raw_text("malformed", text) for text in NONSENSE), wait(nap),
        enter("abrupt", "room-0"), wait(nap), drop("abrupt"), wait(nap),
        enter("abrupt", "room-0"), wait(nap),
        enter("flooding", "room-0"), burst("flooding", "room-0", flood, size=200), wait(nap),
        close("flooding"), close("malformed"), drop("abrupt"), wait(nap), drop("slow"),
    ])  # fmt: skip


def _together(parts: list[list[dict[str, Any]]]) -> dict[str, Any]:
    return {"do": "together", "parts": parts}
