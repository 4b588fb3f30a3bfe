"""Async hygiene: what an async function does to its event loop and leaves behind in it.

>>> async def main():                                    # doctest: +SKIP
...     asyncio.create_task(work())
>>> print(watched(main).findings[0])                     # doctest: +SKIP
leaked task at answer.py:7  asyncio.create_task(work()): work was still running when main had ended
"""

from weft.probes.async_hygiene.findings import Failed, Finding, Hygiene
from weft.probes.async_hygiene.run import watched

__all__ = ["Failed", "Finding", "Hygiene", "watched"]
