"""Async generators that were left before their end: their ``finally`` runs later, in a task of the loop's."""

from __future__ import annotations

import asyncio
import sys
import weakref
from types import AsyncGeneratorType
from typing import Any

from weft.probes.async_hygiene.findings import GENERATOR, Ledger
from weft.probes.places import Own, Spot


class Generators:
    """Stands before the loop's own hooks, which it calls. The loop takes both away when it stops."""

    def __init__(self, own: Own, ledger: Ledger) -> None:
        self.own, self.ledger = own, ledger
        self._begun: dict[int, Spot] = {}
        self._alive: weakref.WeakSet[AsyncGeneratorType[Any, Any]] = weakref.WeakSet()

    def install(self) -> None:
        """To be called in a running loop."""
        self._first, self._final = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=self._begin, finalizer=self._drop)

    def note_left(self) -> None:
        """Write down those that are still suspended at a ``yield``."""
        for generator in list(self._alive):
            if generator.ag_frame is not None and not generator.ag_running:
                self._note(generator)

    def _begin(self, generator: Any) -> None:
        if self.own.has(generator.ag_code.co_filename):
            self._begun[id(generator)] = self.own.of_frame(sys._getframe(1))
            self._alive.add(generator)
        if self._first:
            self._first(generator)

    def _drop(self, generator: Any) -> None:
        self._note(generator)
        if self._final:
            self._final(generator)

    def _note(self, generator: AsyncGeneratorType[Any, Any]) -> None:
        spot = self._begun.pop(id(generator), None)
        if spot is None:
            return
        task = asyncio.current_task() if asyncio._get_running_loop() else None
        message = (
            f"{generator.__qualname__} was left unfinished and not closed: what it holds is let go some time later"
        )
        self.ledger.add(GENERATOR, message, spot, task.get_name() if task else "")
