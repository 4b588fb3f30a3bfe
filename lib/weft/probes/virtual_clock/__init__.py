"""asyncio on a virtual clock: exact times, many orders of its tasks, deadlocks that name who waits for what.

>>> run_virtual(scenario).elapsed                     # doctest: +SKIP
30.0
>>> found = shuffled(scenario, seeds=range(50))       # doctest: +SKIP
>>> found.seed, found.failure.message                 # doctest: +SKIP
(3, 'AssertionError: 2 bought the last one')
"""

from weft.probes.virtual_clock.outcome import Held, Line, Shuffled, VirtualFailure, VirtualRun, WaitingTask
from weft.probes.virtual_clock.run import run_virtual, shuffled

__all__ = ["Held", "Line", "Shuffled", "VirtualFailure", "VirtualRun", "WaitingTask", "run_virtual", "shuffled"]
