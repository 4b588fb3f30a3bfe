"""A scenario under way: the fleet's clients do one step after another, and wait for what must come."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from websockets.exceptions import WebSocketException

from weft.worlds.chat_clients import Guest, Log, WalkOn, subject_of
from weft.worlds.chat_plan import AHEAD, FILE, PATIENCE, Step, hears
from weft.worlds.chat_traffic import traffic
from weft.worlds.contents import content

#: What the crowd hears first, so that all that came before is over.
BEGIN = "let us begin"


class Vain(Exception):
    """Somebody waited for something that did not come; the message says who, how long, and what came instead."""


class Scenario:
    """Runs ``steps`` against the server at ``port``. ``tell`` gives an order to whoever hosts it, and waits."""

    def __init__(self, steps: list[Step], port: int, tell: Callable[[str], Awaitable[None]]) -> None:
        self.steps, self.port, self.tell = steps, port, tell
        self.log = Log()
        self.clients: dict[str, Guest | WalkOn] = {}
        self.trouble = ""
        self.hall = ""  # where the crowd is
        self._pings = 0

    async def run(self) -> None:
        """Do everything; what was waited for in vain ends it and stands in ``trouble``."""
        try:
            await self._all(self.steps)
        except Vain as vain:
            self.trouble = str(vain)
        except (OSError, TimeoutError, WebSocketException) as error:
            self.trouble = f"A client could not connect: {type(error).__name__}: {error}".rstrip(": ")

    async def end(self) -> None:
        """Hang up with everybody who is still there."""
        for client in self.clients.values():
            if not client.over.is_set():
                with contextlib.suppress(AttributeError):  # one that never got a connection
                    client.drop()
        waiting = [asyncio.ensure_future(client.over.wait()) for client in self.clients.values()]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=1)
            for each in late:
                each.cancel()
        for client in self.clients.values():
            if isinstance(client, WalkOn):
                client.read()

    async def _all(self, steps: Iterable[Step]) -> None:
        for step in steps:
            await getattr(self, f"_{step['do']}")(**{key: value for key, value in step.items() if key != "do"})

    async def _together(self, parts: list[list[Step]]) -> None:
        await asyncio.gather(*(self._all(part) for part in parts))

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _tell(self, order: str) -> None:
        await self.tell(order)

    async def _stop(self) -> None:
        await self.tell("stop")

    async def _connect(self, who: str) -> None:
        self.clients[who] = guest = Guest(who, self.log)
        await guest.open(self.port)

    async def _enter(self, who: str, name: str, key: str, rooms: list[str], reads: bool) -> None:
        hello = {"type": "hello", "name": name, **({"key": key} if key else {})}
        if not reads:
            await self._walk_on(who, hello, rooms, small=True)
            self._walker(who).read_no_more()
            return
        await self._connect(who)
        await self._say(who, hello)
        await self._hears(who, "welcome")
        for room in rooms:
            await self._say(who, {"type": "join", "room": room})
            await self._hears(who, "joined", fields={"room": room})

    async def _walk_on(self, who: str, hello: dict[str, Any], rooms: list[str], small: bool = False) -> None:
        self.clients[who] = client = WalkOn(who, self.log)
        await client.open(self.port, small)
        for message, answer in [(hello, b"welcome"), *(({"type": "join", "room": room}, b"joined") for room in rooms)]:
            await self._say(who, message)
            if not await client.until_bytes(answer, PATIENCE):
                raise Vain(f"{who} waited {PATIENCE:g} s in vain for `{answer.decode()}`.")

    def _walker(self, who: str) -> WalkOn:
        client = self.clients[who]
        assert isinstance(client, WalkOn)
        return client

    def _guest(self, who: str) -> Guest:
        client = self.clients[who]
        assert isinstance(client, Guest)
        return client

    async def _say(self, who: str, message: dict[str, Any]) -> None:
        self.log.note("say", subject_of(message), who)
        await self.clients[who].send(json.dumps(message))

    async def _send(self, who: str, text: None, message: dict[str, Any]) -> None:
        await self._say(who, message)

    async def _raw_text(self, who: str, text: str, times: int, tail: str) -> None:
        await self.clients[who].send(text * times + tail)

    async def _raw_bytes(self, who: str, data: str) -> None:
        await self.clients[who].send(data.encode())

    async def _garbage(self, data: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        with contextlib.suppress(OSError, TimeoutError):
            writer.write(data.encode("latin-1"))
            async with asyncio.timeout(1):
                await reader.read(1000)
        writer.close()

    async def _burst(self, who: str, room: str, texts: list[str], size: int) -> None:
        for number, text in enumerate(texts):
            await self._say(who, {"type": "say", "room": room, "text": text.ljust(size, ".")})
            if number % 20 == 19:
                await asyncio.sleep(0)  # the others of the fleet have turns as well

    async def _files(
        self, who: str, room: str, count: int, size: int, filename: str | None, heard_by: list[str], patience: float
    ) -> None:
        data = base64.b64encode(content(FILE, size)).decode()
        for number in range(count):
            named = filename or f"file-{number}"
            await self._say(who, {"type": "file", "room": room, "filename": named, "data": data})
            if number % AHEAD == AHEAD - 1 or number == count - 1:
                await self._all(hears(each, "file", count=number + 1, patience=patience) for each in heard_by)

    async def _hears(
        self, who: str, kind: str, count: int = 1, fields: dict[str, Any] | None = None, patience: float = PATIENCE
    ) -> None:
        wanted = {"type": kind, **(fields or {})}
        looked = found = 0

        def there() -> bool:
            nonlocal looked, found
            new = self.log.heard[who][looked:]
            looked += len(new)
            found += sum(wanted.items() <= _plain(message).items() for message in new)
            return found >= count

        if not await self._guest(who).until(there, patience):
            raise Vain(self._in_vain(who, wanted, count, patience))

    def _in_vain(self, who: str, wanted: dict[str, Any], count: int, patience: float) -> str:
        more = "".join(f", {name} {value!r}" for name, value in wanted.items() if name != "type")
        times = f" {count} times" if count > 1 else ""
        heard = self.log.heard[who]
        told = [str(message.get("reason") or message.get("type")) for message in heard[-6:]]
        ended = self._guest(who).over.is_set()
        how = f"until the connection was closed ({self.log.codes[who]})" if ended else f"{patience:g} s"
        came = f"The last that came: {', '.join(told)}." if told else "Nothing came."
        return f"{who} waited {how} in vain for `{wanted['type']}`{more}{times}. {came}"

    async def _settled(self, who: list[str], patience: float) -> None:
        for each in who:
            self._pings += 1
            await self._say(each, {"type": "ping", "id": f"p{self._pings}"})
            await self._all([hears(each, "pong", patience=patience, id=f"p{self._pings}")])

    async def _closed(self, who: list[str], patience: float) -> None:
        for each in who:
            try:
                async with asyncio.timeout(patience):
                    await self.clients[each].over.wait()
            except TimeoutError:
                raise Vain(f"The connection of {each} was still open after {patience:g} s.") from None

    async def _close(self, who: str) -> None:
        await self.clients[who].close()

    async def _drop(self, who: str) -> None:
        self.clients[who].drop()

    async def _crowd(self, count: int, room: str) -> None:
        self.hall = room
        names = [f"crowd-{number}" for number in range(count)]
        await asyncio.gather(*(self._walk_on(name, {"type": "hello", "name": name}, [room]) for name in names))
        # Everybody's coming is told to everybody who was there: a last word shows that all of it is over.
        await self._volley([BEGIN], 0, PATIENCE)
        for name in names:
            self._walker(name).data.clear()

    async def _volley(self, texts: list[str], size: int, patience: float) -> None:
        crowd = [client for name, client in self.clients.items() if name.startswith("crowd-")]
        last = f"{texts[-1]}|".encode()
        for text in texts:
            await self._say("crowd-0", {"type": "say", "room": self.hall, "text": f"{text}|".ljust(size, ".")})
        heard = [client.until_bytes(last, patience) for client in crowd if isinstance(client, WalkOn)]
        if not all(await asyncio.gather(*heard)):
            raise Vain(f"Not everybody in a room of {len(crowd)} heard the last of {len(texts)} messages.")

    async def _disperse(self) -> None:
        for name, client in self.clients.items():
            if name.startswith("crowd-"):
                client.drop()

    async def _traffic(self, **options: Any) -> None:
        await traffic(self, **options)


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """A message without fields that cannot be compared as items of a set."""
    return {key: value for key, value in message.items() if not isinstance(value, list | dict)}
