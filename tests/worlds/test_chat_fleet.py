"""The fleet of chat clients: what each kind does to a server, and what the record says of it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from weft.worlds.chat_fleet import ChatFleet, open_world
from weft.worlds.chat_frames import frame, frames
from weft.worlds.chat_host import meet
from weft.worlds.chat_plan import (
    burst,
    close,
    closed,
    connect,
    crowd,
    disperse,
    drop,
    enter,
    files,
    garbage,
    hears,
    look,
    mark,
    raw_bytes,
    raw_text,
    send,
    settled,
    stop,
    together,
    traffic,
    volley,
    wait,
)


class Echo:
    """A server without rules: one room, and whatever is no message costs an error."""

    def __init__(self, loses: int = 0) -> None:
        self.members: dict[ServerConnection, str] = {}
        self.loses = loses  # every so many messages one is lost
        self.taken = 0

    async def talk(self, connection: ServerConnection) -> None:
        try:
            async for raw in connection:
                self.take(connection, raw)
        except ConnectionClosed:
            pass
        finally:
            self.members.pop(connection, None)

    def take(self, connection: ServerConnection, raw: str | bytes) -> None:
        try:
            assert isinstance(raw, str)
            message = json.loads(raw)
            kind = message["type"]
        except (AssertionError, ValueError, TypeError, KeyError):
            broadcast([connection], json.dumps({"type": "error", "reason": "no message"}))
            return
        if kind == "hello":
            self.members[connection] = message["name"]
            broadcast([connection], json.dumps({"type": "welcome"}))
        elif kind == "ping":
            broadcast([connection], json.dumps({"type": "pong", "id": message["id"]}))
        elif kind == "join":
            broadcast(self.members, json.dumps({"type": "joined", "room": message["room"]}))
        else:
            self.taken += 1
            if not self.loses or self.taken % self.loses:
                heard = {**message, "type": "said" if kind == "say" else kind}
                broadcast(self.members, json.dumps(heard))


def host(address: dict[str, Any], echo: Echo) -> str:
    """What a drive does: serve until the fleet says stop."""

    async def main() -> None:
        async with serve(echo.talk, "127.0.0.1", 0, compression=None, close_timeout=0.2) as server:

            async def stop_it() -> None:
                server.close()
                await server.wait_closed()

            port = server.sockets[0].getsockname()[1]
            await meet(address, port, stop_it, lambda: {"members": len(echo.members)})

    asyncio.run(main())
    return "hosted"


def drive(function: Any, address: dict[str, Any], **options: Any) -> Any:
    """As answer.drive does, but here: an echo hosts."""
    return host(address, Echo(**options))


@pytest.fixture(scope="module")
def opened() -> Iterator[ChatFleet]:
    with open_world() as fleet:
        yield fleet


@pytest.fixture
def fleet(opened: ChatFleet) -> ChatFleet:
    opened.reset()
    return opened


def test_polite_clients_hear_each_other_in_order(fleet: ChatFleet) -> None:
    texts = [str(number) for number in range(30)]
    record = fleet.play(
        drive,
        host,
        enter("ann", "tea"),
        enter("bob", "tea"),
        burst("ann", "tea", texts),
        hears("bob", "said", count=30),
    )
    assert record.texts("bob") == texts
    assert record.facts == "hosted"
    assert record.trace.count("connect") == 2
    assert record.trace.subjects("hear")["7"] >= 1


def test_who_waits_in_vain_is_named(fleet: ChatFleet) -> None:
    with pytest.raises(AssertionError, match=r"bob waited 0.2 s in vain for `told`. The last that came: welcome"):
        fleet.play(drive, host, enter("bob"), hears("bob", "told", patience=0.2))


def test_lost_messages_are_seen(fleet: ChatFleet) -> None:
    steps = [enter("ann", "tea"), burst("ann", "tea", ["a", "b", "c"]), settled("ann")]
    assert fleet.play(drive, host, *steps, loses=2).texts("ann") == ["a", "c"]


def test_each_client_gets_its_close_code(fleet: ChatFleet) -> None:
    record = fleet.play(
        drive, host, enter("ann"), enter("bob"), connect("cy"), drop("bob"), closed("bob"), close("cy"), stop(),
        closed("ann"),
    )  # fmt: skip
    assert record.codes == {"ann": 1001, "bob": 1006, "cy": 1000}


def test_what_is_no_message_arrives_as_it_is(fleet: ChatFleet) -> None:
    record = fleet.play(
        drive, host, enter("mal"), raw_text("mal", "[", times=5), raw_text("mal", ""), raw_bytes("mal", "x"),
        garbage("hello?\r\n\r\n"), settled("mal"),
    )  # fmt: skip
    assert len(record.messages("mal", "error")) == 3


def test_a_slow_client_reads_nothing(fleet: ChatFleet) -> None:
    record = fleet.play(
        drive, host, enter("slow", "tea", reads=False), enter("bob", "tea"), enter("ann", "tea"),
        files("ann", "tea", count=20, size=30_000, heard_by=["bob"]), look(),
    )  # fmt: skip
    assert len(record.messages("bob", "file")) == 20
    assert record.messages("slow", "file") == []
    assert record.looks == [{"members": 3}]


def test_a_file_is_known_by_its_digest(fleet: ChatFleet) -> None:
    record = fleet.play(drive, host, enter("ann", "tea"), files("ann", "tea", count=1, size=999, heard_by=["ann"]))
    assert record.messages("ann", "file")[0]["data"] == fleet.digest_of_file(999) != fleet.digest_of_file(998)


def test_parts_run_together(fleet: ChatFleet) -> None:
    record = fleet.play(
        drive, host, enter("ann", "tea"), enter("bob", "tea"),
        together([send("ann", "say", text="first"), hears("ann", "said", text="second")], [
            hears("bob", "said", text="first"), send("bob", "say", text="second")]),
    )  # fmt: skip
    assert record.texts("ann") == ["first", "second"]


def test_a_crowd_hears_every_volley_and_its_cpu_time_is_taken(fleet: ChatFleet) -> None:
    texts = [f"t{number}" for number in range(20)]
    record = fleet.yardstick(crowd(10, "hall"), mark(), volley(texts), mark(), disperse())
    assert [text.rstrip("|") for text in record.texts("crowd-9")] == texts
    assert record.marks[1] > record.marks[0] > 0


@pytest.mark.parametrize("kind", ["broadcast", "raw"])
def test_both_yardsticks_serve_guests(fleet: ChatFleet, kind: str) -> None:
    record = fleet.yardstick(
        enter("ann", "tea"),
        enter("bob", "tea"),
        send("ann", "say", room="tea", text="x"),
        hears("bob", "said"),
        kind=kind,
    )
    assert record.texts("bob") == ["x"]


def test_traffic_with_trouble_reaches_everybody(fleet: ChatFleet) -> None:
    record = fleet.play(drive, host, traffic(4, 2, seconds=1.0, rate=20.0, trouble=True))
    said = {event.subject for event in record.trace.of("say") if event.subject.startswith("m-")}
    assert len(said) == 20
    assert said <= record.trace.subjects("hear").keys()
    assert record.trace.count("connect") == 4 + 5


def test_a_server_anywhere_can_be_visited(fleet: ChatFleet) -> None:
    ready, over = threading.Event(), threading.Event()
    ports: list[int] = []

    async def main() -> None:
        async with serve(Echo().talk, "127.0.0.1", 0, compression=None) as server:
            ports.append(server.sockets[0].getsockname()[1])
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    try:
        ready.wait(5)
        fleet.begin(enter("ann"), settled("ann"), port=ports[0])
        assert fleet.record().trouble == ""
    finally:
        over.set()
        thread.join()


def test_no_server_is_a_trouble(fleet: ChatFleet) -> None:
    fleet.begin(enter("ann"))
    assert "No server" in fleet.record(patience=0.1).trouble


def test_a_host_that_dies_ends_the_scenario(fleet: ChatFleet) -> None:
    def die(function: Any, address: dict[str, Any]) -> None:
        async def main() -> None:
            async with serve(Echo().talk, "127.0.0.1", 0, compression=None) as server:
                _, writer = await asyncio.open_connection("127.0.0.1", address["port"])
                port = server.sockets[0].getsockname()[1]
                writer.write(json.dumps({"key": address["key"], "port": port}).encode() + b"\n")
                await asyncio.sleep(0.2)
                writer.close()

        asyncio.run(main())

    with pytest.raises(AssertionError, match="until the connection was closed"):
        fleet.play(die, host, enter("ann"), wait(0.3), hears("ann", "said"))


def test_a_stranger_is_no_host(fleet: ChatFleet) -> None:
    address = fleet.begin(enter("ann"))

    async def main() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", address["port"])
        writer.write(b'{"key": "guess", "port": 1}\n')
        answer = await reader.read()
        writer.close()
        return answer

    assert asyncio.run(main()) == b""
    assert "No server" in fleet.record(patience=0.1).trouble


def test_frames_survive_the_way() -> None:
    sizes = [0, 1, 125, 126, 65_535, 65_536]
    data = b"".join(frame(b"x" * size, masked=size % 2 == 0) for size in sizes)
    assert [len(payload) for _, payload, _ in frames(data)] == sizes
    assert list(frames(data[:-1]))[-1][1] == b"x" * sizes[-2], "What is not complete is not a frame yet."
    assert [payload for _, payload, _ in frames(b"\x81\x82\x01\x02\x03\x04" + bytes([0x61 ^ 1, 0x62 ^ 2]))] == [b"ab"]
