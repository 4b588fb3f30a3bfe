"""Brings a thread to the scheduler at every site: instruction events from Python 3.12, a trace function before."""

from __future__ import annotations

import contextlib
import sys
from _thread import get_ident
from collections.abc import Iterable, Iterator
from types import CodeType, FrameType
from typing import Any

from weft.probes.explorer.points import Site
from weft.probes.explorer.strands import BY_IDENT, Strand
from weft.probes.explorer.strategies import COLD, DATA
from weft.probes.explorer.values import variable_at

Tables = dict[int, dict[int, Site]]

#: Ids 0 to 2 and 5 have names in the documentation (debugger, coverage, profiler, optimizer).
_TOOL_IDS = (4, 3)
_NAME = "weft.explorer"
_set_trace = sys.settrace


def touch(strand: Strand, site: Site, frame: FrameType) -> None:
    """``strand`` is about to run the instruction at ``site``."""
    scheduler = strand.scheduler
    if scheduler.recorder:
        scheduler.recorder.flush(strand)
    if site.form == "jump":
        scheduler.point(strand, COLD)
        return
    variable = variable_at(site, frame)
    if variable is None:
        return
    scheduler.point(strand, DATA if site.eager or variable.label in scheduler.hot else COLD, site)
    code = frame.f_code
    building = code.co_name == "__init__" and frame.f_locals.get("self") is variable.owner
    scheduler.races.access(strand, variable, site.kind == "write", building)
    if scheduler.recorder and not building:
        scheduler.recorder.access(strand, site, frame, variable)


class Tracing:
    """Instruments ``codes`` while it is entered. ``tables`` has their sites, by the id of the code."""

    def __init__(self, codes: Iterable[CodeType], tables: Tables) -> None:
        self.codes, self.tables = list(codes), tables
        self.tool: int | None = None

    def __enter__(self) -> Tracing:
        if sys.version_info >= (3, 12):
            self.tool = next((tool for tool in _TOOL_IDS if sys.monitoring.get_tool(tool) is None), None)
            if self.tool is not None:
                self._monitor(self.tool)
        return self

    def __exit__(self, *error: object) -> None:
        if sys.version_info >= (3, 12) and self.tool is not None and self.intact():
            for code in self.codes:
                sys.monitoring.set_local_events(self.tool, code, 0)
            sys.monitoring.register_callback(self.tool, sys.monitoring.events.INSTRUCTION, None)
            sys.monitoring.free_tool_id(self.tool)

    def intact(self) -> bool:
        """Whether nobody has switched us off."""
        if sys.version_info >= (3, 12) and self.tool is not None:
            return sys.monitoring.get_tool(self.tool) == _NAME
        return True

    def _monitor(self, tool: int) -> None:
        if sys.version_info < (3, 12):
            return
        monitoring = sys.monitoring
        disable, tables, get_strand = monitoring.DISABLE, self.tables, BY_IDENT.get

        def on_instruction(code: CodeType, offset: int) -> Any:
            site = tables.get(id(code), {}).get(offset)
            if site is None:
                return disable
            strand = get_strand(get_ident())
            if strand is not None and not strand.bypass:
                touch(strand, site, sys._getframe(1))
            return None

        monitoring.use_tool_id(tool, _NAME)
        monitoring.register_callback(tool, monitoring.events.INSTRUCTION, on_instruction)
        for code in self.codes:
            monitoring.set_local_events(tool, code, monitoring.events.INSTRUCTION)

    @contextlib.contextmanager
    def in_thread(self) -> Iterator[None]:
        """Around the work of each controlled thread."""
        if self.tool is not None:
            yield
            return
        _set_trace(self._on_call)
        try:
            yield
        finally:
            _set_trace(None)

    def _on_call(self, frame: FrameType, event: str, argument: Any) -> Any:
        if id(frame.f_code) not in self.tables:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._on_opcode

    def _on_opcode(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "opcode":
            site = self.tables[id(frame.f_code)].get(frame.f_lasti)
            if site is not None:
                strand = BY_IDENT.get(get_ident())
                if strand is not None and not strand.bypass:
                    touch(strand, site, frame)
        return self._on_opcode
