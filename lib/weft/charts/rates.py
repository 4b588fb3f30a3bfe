"""Requests over time, for each site, under the line that its token bucket draws."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from weft.charts.theme import INK, PALETTE, figure, headline
from weft.trace import Trace

#: What a breaker was from a moment on: time, site, "closed", "open" or "half-open". Times are those of the trace.
State = tuple[float, str, str]

BANDS = {"open": PALETTE["vermilion"], "half-open": PALETTE["orange"]}


def arrivals(trace: Trace) -> dict[str, list[float]]:
    """The times of each site's requests, from subjects like "site:/path"; seconds since the first of all."""
    found: dict[str, list[float]] = {}
    events = trace.of("arrive").events
    for event in events:
        found.setdefault(event.subject.partition(":")[0], []).append(event.time - events[0].time)
    return found


def describe(trace: Trace, rate: float, burst: int) -> str:
    """One sentence: how many requests of how many sites, and whether any site saw more than its bucket allows."""
    sites = arrivals(trace)
    if not sites:
        return "No request yet."
    above = [name for name, times in sites.items() if _above(times, rate, burst)]
    many = f"{_many(sum(map(len, sites.values())), 'request')}, {_many(len(sites), 'site')}"
    return f"{many}: {', '.join(above)} saw more than the bucket allows" if above else f"{many}: each under its line"


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _above(times: list[float], rate: float, burst: int) -> bool:
    """Whether some stretch of time holds more than ``burst + rate * t``, by more than a request that came close."""
    return any(
        last - first > burst + rate * (times[last] - times[first])
        for first in range(len(times))
        for last in range(first, len(times))
    )


def rates(trace: Trace, *, rate: float, burst: int, states: Iterable[State] = ()) -> Figure:
    """Requests so far against seconds, one row for each site, with the line ``burst + rate * t``.

    ``rate`` is in requests per second. ``states`` shades the time in which a site's breaker was not closed.
    """
    sites, known = arrivals(trace), list(states)
    made, rows = figure(8.0, 1.0 + 1.3 * max(1, len(sites)), rows=(1.0,) * max(1, len(sites)))
    end = max((times[-1] for times in sites.values()), default=1.0) or 1.0
    for axes, (name, times) in zip(rows, sites.items(), strict=False):
        _row(axes, name, times, rate, burst, end)
        began = trace.of("arrive").events[0].time
        _bands(axes, [(at - began, state) for at, site, state in known if site == name], end)
    rows[-1].set_xlabel("time / s")
    headline(rows[0], describe(trace, rate, burst))
    _legend(rows)
    return made


def _legend(rows: list[Axes]) -> None:
    """One for all rows: the first may be a site whose breaker never opened."""
    named = {name: handle for row in rows for handle, name in zip(*row.get_legend_handles_labels(), strict=True)}
    if named:
        rows[0].legend(named.values(), named.keys(), loc="lower right", frameon=False, labelcolor=INK)


def _row(axes: Axes, name: str, times: list[float], rate: float, burst: int, end: float) -> None:
    axes.step(times, range(1, len(times) + 1), where="post", color=PALETTE["blue"], label="requests")
    start = times[0]
    axes.plot([start, end], [burst, burst + rate * (end - start)], "--", color=INK, label="what the bucket allows")
    axes.set_ylim(0, 1.35 * max(len(times), 1))
    axes.set_ylabel(f"{name}\nrequests")


def _bands(axes: Axes, states: list[tuple[float, str]], end: float) -> None:
    for (start, state), (stop, _) in pairwise([*states, (end, "")]):
        if state in BANDS and stop > start:
            axes.axvspan(max(start, 0.0), stop, color=BANDS[state], alpha=0.25, linewidth=0, label=f"breaker {state}")
