"""Who had the interpreter when, and how late a heartbeat was meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from weft.charts.theme import PALETTE, figure, headline, legend

#: (start, end) in seconds, for each thread by name.
Lanes = Mapping[str, Sequence[tuple[float, float]]]

#: When a beat was due and how late it came, in seconds.
Beats = Sequence[tuple[float, float]]

COLOURS = tuple(PALETTE[name] for name in ("blue", "orange", "green", "purple", "sky", "yellow"))


def describe(lanes: Lanes, beats: Beats = ()) -> str:
    """One sentence with what the chart shows, also for those who cannot see it."""
    if not any(lanes.values()):
        return "Nothing ran."
    seconds = _end(lanes) - _start(lanes)
    busy = sum(end - start for lane in lanes.values() for start, end in lane)
    share = busy / seconds if seconds else 0.0
    threads = f"{len(lanes)} thread{'s' if len(lanes) > 1 else ''}"
    late = f"; a beat came up to {1000 * max(late for _, late in beats):.0f} ms late" if beats else ""
    return f"{threads}, {seconds:.2f} s: {share:.1f} of them at work on average{late}"


def gil_timeline(lanes: Lanes, beats: Beats = (), *, title: str | None = None) -> Figure:
    """A bar for each time in which a thread was at work, a lane for each thread; below, how late each beat came.

    ``beats`` count from the first bar. Without any, there is no lower part.
    """
    height = 1.4 + 0.3 * max(1, len(lanes))
    made, axes = figure(8.0, height + (1.4 if beats else 0.0), rows=(height, 1.4) if beats else (1.0,))
    zero = _start(lanes)
    for number, lane in enumerate(lanes.values()):
        bars = [(start - zero, end - start) for start, end in lane]
        axes[0].broken_barh(bars, (number - 0.4, 0.8), facecolors=COLOURS[number % len(COLOURS)])
    axes[0].set_yticks(range(len(lanes)), list(lanes))
    axes[0].set_ylim(-0.6, max(1, len(lanes)) - 0.4)
    axes[0].invert_yaxis()
    axes[0].set_ylabel("at work")
    axes[0].set_xlim(left=0)
    axes[-1].set_xlabel("time / s")
    if beats:
        due, late = zip(*beats, strict=True)
        colour = PALETTE["vermilion"]
        axes[1].vlines(due, 0, [1000 * each for each in late], color=colour, linewidth=1.2, label="lateness of a beat")
        axes[1].set_ylabel("late by / ms")
        axes[1].set_ylim(bottom=0)
        legend(axes[1], loc="upper right")
    headline(axes[0], title or describe(lanes, beats))
    return made


def _start(lanes: Lanes) -> float:
    return min((start for lane in lanes.values() for start, _ in lane), default=0.0)


def _end(lanes: Lanes) -> float:
    return max((end for lane in lanes.values() for _, end in lane), default=0.0)
