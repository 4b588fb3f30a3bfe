"""The schedule explorer: runs an answer's threads under schedules that it chooses, until one shows a mistake.

>>> found = explore({"shop": "n = 0\\ndef sell():\\n    global n\\n    n += 1\\n"}, scenario)   # doctest: +SKIP
>>> found.failure.kind, found.unprotected                                                    # doctest: +SKIP
('invariant', ['shop.n'])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weft.probes.explorer.outcome import Coverage, Exploration, Failure, Hold, Returned, Run, Wait

if TYPE_CHECKING:
    from weft.probes.explorer.search import explore, replay, run_virtual

__all__ = [
    "Coverage",
    "Exploration",
    "Failure",
    "Hold",
    "Returned",
    "Run",
    "Wait",
    "explore",
    "replay",
    "run_virtual",
]


def __getattr__(name: str) -> Any:
    """The explorer itself, imported when it is called: who only reads outcomes, as the judge does, is spared it."""
    if name in ("explore", "replay", "run_virtual"):
        from weft.probes.explorer import search

        return getattr(search, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
