"""The schedule explorer: runs an answer's threads under schedules that it chooses, until one shows a mistake.

>>> found = explore({"shop": "n = 0\\ndef sell():\\n    global n\\n    n += 1\\n"}, scenario)   # doctest: +SKIP
>>> found.failure.kind, found.unprotected                                                    # doctest: +SKIP
('invariant', ['shop.n'])
"""

from weft.probes.explorer.explore import explore, replay, run_virtual
from weft.probes.explorer.outcome import Coverage, Exploration, Failure, Hold, Returned, Run, Wait

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
