"""Memory of an answer: the peak of all its processes, what Python allocated, and a wall that it runs into.

>>> with tree_peak() as peak:                                  # doctest: +SKIP
...     process("big.csv")
>>> peak.growth >> 20, peak.measure                            # doctest: +SKIP
(61, 'PSS')

Each has a ``to_json`` for the facts of a drive, with a ``note`` on what it means on this platform.
"""

from weft.probes.memory.allocations import Allocations, after_each, allocations
from weft.probes.memory.tree import TreePeak, tree_peak
from weft.probes.memory.wall import Wall, wall

__all__ = ["Allocations", "TreePeak", "Wall", "after_each", "allocations", "tree_peak", "wall"]
