"""What Python warns about: coroutines that were never awaited, and what was never closed."""

from __future__ import annotations

import asyncio
import gc
import re
import socket
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from weft.probes.async_hygiene.findings import FORGOTTEN, UNCLOSED, Ledger
from weft.probes.places import NOWHERE, Own, Spot

#: So many callers of a coroutine function are remembered, to find the answer's line among a library's.
DEPTH = 12
_NEVER = re.compile(r"coroutine '(.+?)' was never awaited")


@contextmanager
def noted(own: Own, ledger: Ledger) -> Iterator[None]:
    """Write down the warnings that come up meanwhile; those of other kinds are issued again at the end."""
    depth = sys.get_coroutine_origin_tracking_depth()
    sys.set_coroutine_origin_tracking_depth(max(depth, DEPTH))
    try:
        with warnings.catch_warnings(record=True) as caught, _births_remembered(own, caught) as births:
            warnings.filterwarnings("always", category=ResourceWarning)
            warnings.filterwarnings("always", "coroutine '", RuntimeWarning)
            yield
            gc.collect()
    finally:
        sys.set_coroutine_origin_tracking_depth(depth)
    for warning in caught:
        if not _note(warning, own, ledger, births):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def _note(warning: warnings.WarningMessage, own: Own, ledger: Ledger, births: dict[int, Spot]) -> bool:
    text = str(warning.message)
    if never := _NEVER.match(text):
        spot = own.of_text(text)
        if spot:
            ledger.add(FORGOTTEN, f"{never[1]} was called and never awaited: nothing of it has run", spot)
        return True
    if not issubclass(warning.category, ResourceWarning):
        return False
    spot = births.get(id(warning)) or births.get(id(warning.source), NOWHERE)
    if not spot and own.has(warning.filename):
        spot = Spot(warning.filename, warning.lineno)
    if spot:
        ledger.add(UNCLOSED, f"{_what(text)} was never closed", spot)
    return True


def _what(text: str) -> str:
    """ "file 'a.txt'", "transport", "StreamWriter": without addresses and descriptors, which differ from run to run."""
    words, _, shown = text.removeprefix("unclosed").removeprefix("Unclosed").strip().partition("<")
    name = re.search(r"name='(.*?)'", shown)
    kind = words.strip() or re.split(r"[\s>]", shown)[0] or "something"
    return f"{kind} {name[1]!r}" if name else kind


@contextmanager
def _births_remembered(own: Own, caught: list[warnings.WarningMessage]) -> Iterator[dict[int, Spot]]:
    """Where the answer was when it made what is never closed, by the id of that thing or of the warning about it.

    When the warning comes, it is too late to tell.
    """
    births: dict[int, Spot] = {}
    with ExitStack() as patches:
        for kind in _kinds():
            patches.enter_context(_replaced(kind, "__init__", _remembering(kind.__init__, own, births)))
        if dropped := getattr(asyncio.StreamWriter, "__del__", None):
            patches.enter_context(_replaced(asyncio.StreamWriter, "__del__", _telling(dropped, births, caught)))
        yield births


@contextmanager
def _replaced(kind: Any, name: str, function: Any) -> Iterator[None]:
    original = getattr(kind, name)
    setattr(kind, name, function)
    try:
        yield
    finally:
        setattr(kind, name, original)


def _kinds() -> list[Any]:
    aiohttp = sys.modules.get("aiohttp")
    made_by_aiohttp = [aiohttp.ClientSession, aiohttp.BaseConnector] if aiohttp else []
    return [asyncio.BaseTransport, asyncio.StreamWriter, socket.socket, *made_by_aiohttp]


def _remembering(original: Any, own: Own, births: dict[int, Spot]) -> Any:
    def remember(self: Any, *args: Any, **kwargs: Any) -> None:
        births[id(self)] = own.of_frame(sys._getframe(1))
        original(self, *args, **kwargs)

    return remember


def _telling(dropped: Any, births: dict[int, Spot], caught: list[warnings.WarningMessage]) -> Any:
    """A stream's warning does not say which stream it is about."""

    def tell(self: Any, *args: Any) -> None:
        before = len(caught)
        dropped(self, *args)
        births.update((id(warning), births.get(id(self), NOWHERE)) for warning in caught[before:])

    return tell
