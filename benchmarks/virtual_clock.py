"""The virtual clock for asyncio: how much faster than real time, what a turn of the loop costs, and looptime beside it.

``python benchmarks/virtual_clock.py``   needs aiohttp for its rows; looptime's are there where it can be imported

Every figure is the median of several runs in this process. A cell says "wrong" where the scenario's own check fails
or it does not end within 10 real seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "lib"), str(ROOT / "tests" / "probes" / "virtual_clock")]

from virtual_cases import (  # noqa: E402
    a_bucket_of_two_a_second_lasts_sixty_seconds_for_122,
    a_server_with_a_loop_in_another_thread,
    over_streams,
)

from weft.probes.virtual_clock import run_virtual  # noqa: E402

REPETITIONS, DEADLINE, TURNS = 5, 10, 20_000
clock = time.perf_counter


async def over_streams_thirty() -> None:
    assert await over_streams(3) == 30


async def over_aiohttp() -> None:
    """Ten requests, one after another, to a handler that takes three seconds."""
    import aiohttp
    from aiohttp import web

    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(3)
        return web.Response(text="there")

    app = web.Application()
    app.router.add_get("/", slow)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    loop = asyncio.get_running_loop()
    start = loop.time()
    async with aiohttp.ClientSession() as session:
        for _ in range(10):
            async with session.get(url) as response:
                assert await response.text() == "there"
    assert abs(loop.time() - start - 30) < 0.01
    await runner.cleanup()


async def in_another_thread() -> None:
    assert await a_server_with_a_loop_in_another_thread() == 20


CASES: dict[str, tuple[Callable[[], Any], float]] = {
    "bucket, 2 a second": (a_bucket_of_two_a_second_lasts_sixty_seconds_for_122, 60),
    "streams over loopback": (over_streams_thirty, 30),
    "aiohttp over loopback": (over_aiohttp, 30),
    "server's loop in a thread": (in_another_thread, 20),
}


def with_weft(main: Callable[[], Any], seed: int | None = None) -> None:
    run = run_virtual(main, seed=seed)
    assert run.holds, run.failure


def with_looptime(main: Callable[[], Any]) -> None:
    """Its loop, with ``time.monotonic`` led to it: by itself it leaves the module alone."""
    import looptime

    loop = looptime.patch_event_loop(asyncio.new_event_loop(), start=1000.0, _enabled=True)
    real, time.monotonic = time.monotonic, loop.time
    try:
        loop.run_until_complete(main())
    finally:
        time.monotonic = real
        loop.close()


@contextlib.contextmanager
def deadline() -> Any:
    def stop(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(DEADLINE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def seconds(tool: Callable[[Callable[[], Any]], None], main: Callable[[], Any]) -> float | None:
    """Median real seconds of a run, or None if it is wrong."""
    taken = []
    for _ in range(REPETITIONS):
        start = clock()
        try:
            with deadline():
                tool(main)
        except Exception:
            return None
        taken.append(clock() - start)
    return statistics.median(taken)


def cell(taken: float | None, virtual: float) -> str:
    return "wrong" if taken is None else f"{taken * 1000:8.1f} ms {virtual / taken:7,.0f}×"


def speed() -> None:
    tools: dict[str, Callable[[Callable[[], Any]], None]] = {"weft": with_weft}
    with contextlib.suppress(ImportError):
        import looptime  # noqa: F401

        tools["looptime"] = with_looptime
    print(f"{'case':28}{'virtual':>8}  " + "".join(f"{tool:>22}" for tool in tools))
    for name, (main, virtual) in CASES.items():
        if "aiohttp" in name and not importable("aiohttp"):
            continue
        cells = [cell(seconds(tool, main), virtual) for tool in tools.values()]
        print(f"{name:28}{virtual:6.0f} s  " + "".join(f"{one:>22}" for one in cells))


def importable(name: str) -> bool:
    try:
        __import__(name)
    except ImportError:
        return False
    return True


async def turns() -> None:
    async def one() -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)

    await asyncio.gather(*(one() for _ in range(4)))


def cost() -> None:
    """A turn of the loop, in which four tasks take a step each."""
    loops: dict[str, Callable[[], None]] = {
        "SelectorEventLoop": lambda: asyncio.Runner(loop_factory=asyncio.SelectorEventLoop).run(turns()),
        "virtual clock": lambda: with_weft(turns),
        "virtual clock, seed 0": lambda: with_weft(turns, seed=0),
        "virtual clock, seed 1": lambda: with_weft(turns, seed=1),
    }
    taken: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(REPETITIONS):
        for name, run in loops.items():
            start = clock()
            run()
            taken[name].append((clock() - start) / TURNS * 1e6)
    plain = statistics.median(taken["SelectorEventLoop"])
    print(f"\n{'a turn with four steps':28}{'µs':>8}{'ratio':>8}")
    for name, each in taken.items():
        print(f"{name:28}{statistics.median(each):8.2f}{statistics.median(each) / plain:8.2f}")


if __name__ == "__main__":
    print(f"Python {sys.version.split()[0]}")
    speed()
    cost()
