"""Rows on their way: how many a second came through a stage, and what was dropped and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from matplotlib.figure import Figure

from weft.charts.theme import INK, PALETTE, figure, headline
from weft.trace import Trace

#: So many bars over the whole run, at most.
BINS = 30


def rates(trace: Trace, bins: int = BINS) -> tuple[list[float], list[float], float]:
    """Starts of intervals in seconds from the first event, rows per second in each, and the interval's width.

    Each event's ``value`` counts at its ``time``. Empty for a trace without a length.
    """
    width = trace.span() / bins
    if not width:
        return [], [], 0.0
    zero = trace.events[0].time
    rows: Counter[int] = Counter()
    for event in trace:
        rows[min(int((event.time - zero) / width), bins - 1)] += int(event.value)
    return [number * width for number in range(bins)], [rows[number] / width for number in range(bins)], width


def describe_rows(trace: Trace) -> str:
    """One sentence with what the chart shows, also for those who cannot see it."""
    if not trace.span():
        return "No row yet."
    rows = sum(event.value for event in trace)
    workers = len({event.actor for event in trace})
    return f"{rows:,.0f} rows in {trace.span():.2f} s by {workers} workers: {rows / trace.span():,.0f} rows/s"


def rows_per_second(trace: Trace, *, title: str | None = None) -> Figure:
    """Rows per second over time, and its mean as a line; ``value`` of each event is how many rows came at that time."""
    made, (axes,) = figure(8.0, 2.8)
    starts, heights, width = rates(trace)
    axes.bar(starts, heights, width=width, align="edge", color=PALETTE["blue"])
    if starts:
        mean = sum(event.value for event in trace) / trace.span()
        axes.axhline(mean, color=PALETTE["vermilion"], linestyle="--", linewidth=1, label="mean")
        axes.annotate(
            "mean",
            (1.0, mean),
            xycoords=("axes fraction", "data"),
            color=INK,
            xytext=(4, -3),
            textcoords="offset points",
        )
    axes.set_xlabel("time / s")
    axes.set_ylabel("rows / s")
    headline(axes, title or describe_rows(trace))
    return made


def describe_dropped(dropped: Mapping[str, int], rows: int) -> str:
    """One sentence: how many of all rows were dropped, and the commonest reason."""
    total = sum(dropped.values())
    if not total:
        return f"None of {rows:,} rows was dropped"
    most = max(dropped, key=lambda reason: dropped[reason])
    return f"{total:,} of {rows:,} rows were dropped ({total / rows:.1%}), most for their {most}"


def dropped_rows(dropped: Mapping[str, int], rows: int, *, title: str | None = None) -> Figure:
    """A bar for each reason, longest first, with its number. ``rows`` is how many there were, dropped ones included."""
    made, (axes,) = figure(8.0, 0.9 + 0.3 * max(1, len(dropped)))
    reasons = sorted(dropped, key=lambda reason: dropped[reason])
    bars = axes.barh(reasons, [dropped[reason] for reason in reasons], color=PALETTE["orange"])
    axes.bar_label(bars, labels=[f" {dropped[reason]:,}" for reason in reasons], color=INK)
    axes.margins(x=0.12)
    axes.set_xlabel("rows dropped")
    axes.set_ylabel("reason")
    headline(axes, title or describe_dropped(dropped, rows))
    return made
