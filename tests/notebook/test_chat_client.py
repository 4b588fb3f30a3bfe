"""The notebook's chat window, and the loop in a thread of its own that a server runs in beside the kernel."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, broadcast, serve

from weft.notebook.chat_client import ChatClient
from weft.notebook.loop_thread import LoopThread


class Chat:
    """Answers hello, and keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.connections: list[ServerConnection] = []

    async def listen(self) -> int:
        self.server = await serve(self.talk, "127.0.0.1", 0, compression=None)
        return int(self.server.sockets[0].getsockname()[1])

    async def talk(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        async for raw in connection:
            self.heard.append(json.loads(raw))
            if self.heard[-1]["type"] == "hello":
                await connection.send(json.dumps({"type": "welcome", "name": "ann", "role": "member"}))

    async def tell(self, **message: Any) -> None:
        broadcast(self.connections, json.dumps(message))


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.close()


@pytest.fixture
def served(loop: LoopThread) -> tuple[Chat, int]:
    chat = Chat()
    return chat, loop.run(chat.listen())


def soon(there: Callable[[], object]) -> bool:
    until = time.monotonic() + 5
    while not there() and time.monotonic() < until:
        time.sleep(0.01)
    return bool(there())


def test_a_loop_runs_what_it_is_given(loop: LoopThread) -> None:
    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    assert loop.run(answer()) == 42
    with pytest.raises(ZeroDivisionError):
        loop.run(_fail())
    loop.close()
    loop.close()


async def _fail() -> None:
    raise ZeroDivisionError


def test_what_is_typed_is_sent(loop: LoopThread, served: tuple[Chat, int]) -> None:
    chat, port = served
    client = ChatClient(port, "ann", key="sesame")
    for line in ("/join tea", "two sugars, please", "/tell bob see you later", "/mute bob 2.5", "/stats"):
        client.send(line)
    assert soon(lambda: len(chat.heard) == 6)
    assert chat.heard == [
        {"type": "hello", "name": "ann", "key": "sesame"},
        {"type": "join", "room": "tea"},
        {"type": "say", "room": "tea", "text": "two sugars, please"},
        {"type": "tell", "to": "bob", "text": "see you later"},
        {"type": "mute", "to": "bob", "seconds": 2.5},
        {"type": "statistics"},
    ]
    client.close()


def test_what_comes_is_shown_and_escaped(loop: LoopThread, served: tuple[Chat, int]) -> None:
    chat, port = served
    client = ChatClient(port, "ann")
    assert soon(lambda: "you are in, as ann (member)" in client.lines)
    loop.run(chat.tell(type="said", room="tea", by="bob", text="<b>bold</b>"))
    loop.run(chat.tell(type="typing", room="tea", name="cy", on=True))
    loop.run(chat.tell(type="kicked"))
    assert soon(lambda: "you were thrown out by (by is missing)" in client.lines)
    page = client.children[1].value
    assert "[tea] bob: &lt;b&gt;bold&lt;/b&gt;" in page
    assert "cy types …" in page
    client.close()
    assert soon(lambda: "the connection was closed (1000)" in client.lines)


def test_enter_sends_the_line(loop: LoopThread, served: tuple[Chat, int]) -> None:
    chat, port = served
    client = ChatClient(port, "ann")
    entry = client.children[2]
    entry.value = "hello"
    client._submitted(entry, {"event": "submit"}, [])
    assert soon(lambda: any(message.get("text") == "hello" for message in chat.heard))
    assert entry.value == ""
    client.close()
    client.send("nobody hears this")
    assert soon(lambda: "the connection is closed" in client.lines)
