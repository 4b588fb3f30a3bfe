"""One run of an async function on a loop of its own, which ends whatever the function leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator
from typing import Any

from weft.probes.async_hygiene import blocking, hogs, warned
from weft.probes.async_hygiene.findings import Failed, Hygiene, Ledger
from weft.probes.async_hygiene.generators import Generators
from weft.probes.async_hygiene.tasks import Births, listen, note_leaks, settle
from weft.probes.places import Own

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

#: Tasks that would not end, however often they were cancelled: kept, so that they are not finalised in the next run.
_ABANDONED: list[asyncio.Task[Any]] = []


def watched(
    main: Callable[[], Coroutine[Any, Any, Any]],
    *,
    cpu_limit: float = 0.05,
    loop_factory: LoopFactory | None = None,
    files: Collection[str] | None = None,
    disk: bool = False,
) -> Hygiene:
    """Run the async function ``main`` once, on a new loop, and tell what is unclean about it.

    ``cpu_limit`` is in CPU seconds of one step of the loop. ``files`` are the paths of the answer's files or folders;
    without them, every file counts that is in no library. With ``disk``, calls on local files count as blocking.
    Whatever ``main`` raises, SystemExit included, is in ``error``; only KeyboardInterrupt passes through. RuntimeError
    if a loop runs in this thread already.
    """
    refuse_inside_a_loop()
    own, ledger = Own(files), Ledger()
    births, generators = Births(own), Generators(own, ledger)
    names = getattr(main, "__globals__", None)

    async def once() -> Any:
        births.install()
        generators.install()
        task = asyncio.get_running_loop().create_task(main(), name="main")
        await asyncio.wait({task})
        note_leaks(await settle(births), births, ledger)
        generators.note_left()
        return task.result()

    with warned.noted(own, ledger), hogs.noted(own, ledger, cpu_limit):
        with blocking.noted(own, ledger, disk=disk, names=names):
            result, error = outcome(once, births, ledger, loop_factory)
    return Hygiene(result, error, ledger.findings())


def refuse_inside_a_loop() -> None:
    """A notebook's cells, for one, run inside a loop."""
    if asyncio._get_running_loop() is not None:
        raise RuntimeError("a loop runs in this thread already: call it in a thread or a process of its own")


def outcome(
    once: Callable[[], Coroutine[Any, Any, Any]], births: Births, ledger: Ledger, loop_factory: LoopFactory | None
) -> tuple[Any, Failed | None]:
    """What ``once`` returns, or how it failed; its traceback is let go, and with it all that it keeps alive."""
    try:
        with fresh_loop(loop_factory) as loop:
            listen(loop, births, ledger)
            return loop.run_until_complete(once()), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        spot = births.own.of_error(error)
        return None, Failed(type(error).__name__, str(error), str(spot), spot.source)


@contextlib.contextmanager
def fresh_loop(loop_factory: LoopFactory | None) -> Iterator[asyncio.AbstractEventLoop]:
    """A new loop, at whose end no task runs on.

    asyncio.Runner would wait for ever for a task that ignores its cancellation.
    """
    loop = (loop_factory or asyncio.new_event_loop)()
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        try:
            _end(loop)
        finally:
            asyncio.set_event_loop(None)
            loop.close()


def _end(loop: asyncio.AbstractEventLoop) -> None:
    for _ in range(3):
        if tasks := asyncio.all_tasks(loop):
            for task in tasks:
                task.cancel()
            _finish(loop, asyncio.wait(tasks, timeout=0.2))
    left = asyncio.all_tasks(loop)
    for task in left:
        task._log_destroy_pending = False  # type: ignore[attr-defined]
    _ABANDONED.extend(left)
    _finish(loop, loop.shutdown_asyncgens())
    _finish(loop, loop.shutdown_default_executor())


def _finish(loop: asyncio.AbstractEventLoop, ending: Awaitable[Any]) -> None:
    try:
        loop.run_until_complete(ending)
    except KeyboardInterrupt:
        raise
    except BaseException:  # a task's SystemExit, or a loop that stops itself: the next step of the ending goes on
        return
