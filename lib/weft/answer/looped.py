"""Inside an answer's process: an async drive on the virtual clock, and what came out as facts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from typing import Any

from weft.answer.messages import Request


def run(request: Request, *, orders: int = 0, limit: float = 3600.0) -> dict[str, Any]:
    """The JSON of a VirtualRun, of the first that fails of so many ``orders`` besides asyncio's own, or of the last.

    ``limit`` is in virtual seconds. Every run gets the answer's modules afresh, as an exploration does.
    """
    from weft.probes.virtual_clock import run_virtual

    known = set(sys.modules)
    found: dict[str, Any] = {}
    for seed in (None, *range(orders)):
        for name in set(sys.modules) - known:
            if _is_answers(name):
                del sys.modules[name]
        found = run_virtual(drive_of(request), seed=seed, limit=limit).to_json()
        if found["outcome"] != "holds":
            break
    return found


def drive_of(request: Request) -> Callable[[], Coroutine[Any, Any, Any]]:
    """The async drive with its arguments; its module runs afresh whenever it is called."""

    def drive() -> Coroutine[Any, Any, Any]:
        names: dict[str, Any] = {"__name__": "drive"}
        exec(compile(request.text, "drive.py", "exec", dont_inherit=True), names)
        coroutine: Coroutine[Any, Any, Any] = names[request.function](*request.args, **request.kwargs)
        return coroutine

    return drive


def _is_answers(name: str) -> bool:
    """Modules of the answer lie in the folder that was put first on the path."""
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    return any(file.startswith(folder) for folder in sys.path[:2])
