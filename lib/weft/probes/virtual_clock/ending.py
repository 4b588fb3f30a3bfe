"""How a run ends: tasks are cancelled, connections and executors closed, whatever the answer does about it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import logging
from collections.abc import Callable
from typing import Any

from weft.probes.virtual_clock.clock import START, real_monotonic
from weft.probes.virtual_clock.loop import Halt, VirtualLoop
from weft.probes.virtual_clock.places import is_own, line_of
from weft.probes.virtual_clock.waiting import frames_of

#: What the answer's clean-up may take: turns of the loop, virtual seconds, real seconds without any event.
STEPS, SECONDS, PATIENCE = 20_000, 60.0, 0.1
#: A task that outlives so many cancellations is left.
ROUNDS = 3
#: Real seconds that the threads of a run get to end.
THREADS = 0.5


def end(loop: VirtualLoop, ended: bool) -> None:
    """Close ``loop`` and all that hangs on it. ``ended``: the scenario came to its end, so what is left is noted."""
    clock = loop.clock
    left = [task for task in asyncio.all_tasks(loop) if not task.done()]
    if left and ended:
        names = ", ".join(sorted((_named(task) for task in left), key=lambda name: (len(name), name))[:8])
        clock.note(f"{len(left)} task{'s' * (len(left) > 1)} still ran when the scenario ended: {names}.")
    _cancel(loop, left)
    bounded(loop, loop.shutdown_asyncgens)
    _disconnect(loop)
    clock.end()
    _join(loop)
    loop.set_exception_handler(lambda *_: None)
    with quiet():
        loop.close()


def _cancel(loop: VirtualLoop, left: list[Any]) -> None:
    for number in range(ROUNDS):
        if not left:
            return
        if number == 1:
            for task in left:
                loop.clock.note(f"Task {_named(task)} swallowed its cancellation.")
        for task in left:
            task.cancel()
        bounded(loop, functools.partial(asyncio.gather, *left, return_exceptions=True))
        left = [task for task in asyncio.all_tasks(loop) if not task.done()]
    for task in left:
        _leave(loop, task)


def _leave(loop: VirtualLoop, task: Any) -> None:
    """Close a coroutine by force, or make it immortal.

    One that swallows GeneratorExit too, and cannot wait because no loop runs, would spin for ever when it is collected.
    """
    task._log_destroy_pending = False
    asyncio._set_running_loop(loop)
    try:
        task.get_coro().close()
    except KeyboardInterrupt:
        raise
    except BaseException:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(task))
    finally:
        asyncio._set_running_loop(None)


def bounded(loop: VirtualLoop, make: Callable[[], Any]) -> None:
    """Run what ``make`` returns for as long as a clean-up may take. An interrupt from the keyboard passes."""
    loop.still_since = loop.steps = 0
    loop.max_steps, loop.limit, loop.patience = STEPS, loop.clock.now - START + SECONDS, PATIENCE
    loop.order = None
    try:
        loop.run_until_complete(make())
    except KeyboardInterrupt:
        raise
    except (Halt, Exception, SystemExit, asyncio.CancelledError):
        pass


def _disconnect(loop: VirtualLoop) -> None:
    """Connections and listening sockets that the answer left open."""
    for transport in [*getattr(loop, "_transports", {}).values(), *loop.children]:
        with contextlib.suppress(Exception):
            (getattr(transport, "abort", None) or transport.close)()

    async def turns() -> None:
        for _ in range(3):
            await asyncio.sleep(0)

    bounded(loop, turns)
    for key in list((loop._selector.get_map() or {}).values()):
        if key.fd != loop._ssock.fileno() and hasattr(key.fileobj, "close"):
            with contextlib.suppress(Exception):
                loop._selector.unregister(key.fileobj)
                key.fileobj.close()


def _join(loop: VirtualLoop) -> None:
    executor: Any = getattr(loop, "_default_executor", None)
    if executor is not None:
        executor.shutdown(wait=False, cancel_futures=True)
    until = real_monotonic() + THREADS
    pool = getattr(executor, "_threads", ())
    for thread in pool:
        thread.join(max(0.0, until - real_monotonic()))
        if thread.is_alive():
            loop.clock.note("A thread of the loop's executor still ran when everything else had ended.")
    loop._default_executor = None


def _named(task: Any) -> str:
    own = [frame for frame in frames_of(task) if is_own(frame.f_code.co_filename)]
    return f"{task.get_name()} at {line_of(own[-1])}" if own else str(task.get_name())


@contextlib.contextmanager
def quiet() -> Any:
    """asyncio logs what a closed loop leaves; it was reported already."""
    logger = logging.getLogger("asyncio")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before
