"""What threads, processes and tasks really did, and when: recorded from outside, so that the GIL's slices show.

>>> with timeline() as line:                                   # doctest: +SKIP
...     run_two_threads()
>>> line.cpu                                                   # doctest: +SKIP
{'MainThread': 0.001, 'one': 0.201, 'two': 0.199}
>>> weft.charts.timeline(line.trace)                           # doctest: +SKIP
"""

from weft.probes.timeline.record import Timeline, timeline

__all__ = ["Timeline", "timeline"]
