"""How much a program holds, level by level: what was sent to it and has not yet left it."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from weft.charts.theme import PALETTE, figure, headline, legend
from weft.trace import Trace

#: The most urgent first; an event's ``value`` is a place in it.
LEVELS = ("CRITICAL", "HIGH", "NORMAL", "LOW")

#: One for each level.
COLOURS = (PALETTE["vermilion"], PALETTE["orange"], PALETTE["sky"], PALETTE["blue"])


def depths(trace: Trace, levels: int = len(LEVELS)) -> tuple[list[float], list[list[int]]]:
    """Moments in seconds since the first event, and for each level how many records were held from then on.

    A record is held from ``emit`` to ``arrive``; events whose value is no level are left out.
    """
    moments = trace.of("emit", "arrive").where(lambda event: 0 <= event.value < levels)
    zero = moments.events[0].time if len(moments) else 0.0
    times, held, now = [0.0], [[0] for _ in range(levels)], [0] * levels
    for event in moments:
        now[int(event.value)] += 1 if event.kind == "emit" else -1
        times.append(event.time - zero)
        for level, count in enumerate(now):
            held[level].append(count)
    return times, held


def describe(trace: Trace, levels: Sequence[str] = LEVELS) -> str:
    """One sentence with what the chart shows, also for those who cannot see it."""
    times, held = depths(trace, len(levels))
    totals = [sum(counts) for counts in zip(*held, strict=True)]
    if not any(totals):
        return "No record yet."
    at = totals.index(max(totals))
    most = max(range(len(levels)), key=lambda level: held[level][at])
    return f"At most {totals[at]} records held, after {times[at]:.2f} s; {held[most][at]} of them {levels[most]}"


def queue_depth(
    trace: Trace, *, bound: int | None = None, levels: Sequence[str] = LEVELS, title: str | None = None
) -> Figure:
    """Records held over time, one band for each level, the most urgent at the bottom; ``bound`` is a dashed line."""
    made, (axes,) = figure(8.0, 3.4)
    times, held = depths(trace, len(levels))
    floor = [0] * len(times)
    for level, counts in enumerate(held):
        top = [below + count for below, count in zip(floor, counts, strict=True)]
        colour = COLOURS[level % len(COLOURS)]
        axes.fill_between(times, floor, top, step="post", color=colour, linewidth=0, label=levels[level])
        floor = top
    if bound is not None:
        axes.axhline(bound, color=PALETTE["purple"], linestyle="--", linewidth=1.2, label=f"bound {bound}")
    axes.set_xlim(0, max(times[-1], 1e-3))
    axes.set_ylim(0, max([*floor, bound or 0, 1]) * 1.15)
    axes.set_xlabel("time / s")
    axes.set_ylabel("records held")
    headline(axes, title or describe(trace, levels))
    legend(axes, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return made
