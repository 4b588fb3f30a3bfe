"""The leak ledger: what was there before, what is there after, and what is left of it.

>>> with ledger() as book:                                     # doctest: +SKIP
...     process("big.csv")
>>> book.sentences()                                           # doctest: +SKIP
['thread feeder (daemon) at spill.py:12 queue.get()', 'descriptor 7: file /tmp/spill-3, open for reading and writing']
"""

from weft.probes.leaks.book import Book, ledger
from weft.probes.leaks.left import KINDS, Left

__all__ = ["KINDS", "Book", "Left", "ledger"]
