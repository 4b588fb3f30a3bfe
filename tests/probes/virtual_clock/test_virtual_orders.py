"""Shuffled orders: a race that asyncio's own order hides is found, can be replayed, and its cure holds."""

from __future__ import annotations

import asyncio

from virtual_cases import checks_then_awaits, checks_under_a_lock

from weft.probes.virtual_clock import run_virtual, shuffled


def test_the_race_hides_in_the_plain_order() -> None:
    assert run_virtual(checks_then_awaits).holds


def test_a_shuffle_finds_it_and_its_seed_finds_it_again() -> None:
    found = shuffled(checks_then_awaits, range(50))
    assert (found.outcome, found.failure and found.failure.kind) == ("fails", "invariant")
    assert found.failure and "2 bought the last one" in found.failure.message
    assert found.seed is not None
    assert run_virtual(checks_then_awaits, seed=found.seed) == found.run


def test_the_locked_version_holds_in_every_order() -> None:
    held = shuffled(checks_under_a_lock, range(100))
    assert held.outcome == "holds"
    assert held.orders == 101
    assert held.distinct > 5


async def order_of_turns() -> list[int]:
    turns: list[int] = []

    async def one(number: int) -> None:
        for _ in range(3):
            turns.append(number)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for number in range(6):
            group.create_task(one(number))
    return turns


def test_the_same_seed_is_the_same_order_and_others_differ() -> None:
    orders = [tuple(run_virtual(order_of_turns, seed=seed).result) for seed in range(20)]
    assert orders == [tuple(run_virtual(order_of_turns, seed=seed).result) for seed in range(20)]
    assert len(set(orders)) > 15
    assert run_virtual(order_of_turns).result == [0, 1, 2, 3, 4, 5] * 3


def test_what_can_only_go_one_way_has_one_order() -> None:
    async def alone() -> None:
        for _ in range(5):
            await asyncio.sleep(1)

    assert shuffled(alone, range(10)).distinct == 1


def test_transports_callbacks_keep_their_order() -> None:
    """A protocol's ``connection_made`` comes before its data, whatever the seed."""

    class Recorder(asyncio.Protocol):
        def __init__(self) -> None:
            self.seen: list[str] = []

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.seen.append("made")

        def data_received(self, data: bytes) -> None:
            self.seen.append("data")

        def connection_lost(self, error: Exception | None) -> None:
            self.seen.append("lost")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        recorders: list[Recorder] = []

        def make() -> Recorder:
            recorders.append(Recorder())
            return recorders[-1]

        server = await loop.create_server(make, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()

        async def client() -> None:
            _, writer = await asyncio.open_connection(*address)
            writer.write(b"x")
            writer.close()
            await writer.wait_closed()

        await asyncio.gather(*(client() for _ in range(5)))
        await asyncio.sleep(1)
        server.close()
        if [recorder.seen for recorder in recorders] != [["made", "data", "lost"]] * 5:
            raise AssertionError(str([recorder.seen for recorder in recorders]))

    found = shuffled(main, range(10))
    assert found.holds, found
