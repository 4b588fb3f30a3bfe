"""Memory over time by model against the limit, and the size of blocks against the pressure that they answer to."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from weft.charts.theme import PALETTE, figure, headline, legend

MIB = 1 << 20

#: A colour and a line for each model, in the order in which they come.
STYLES = tuple(zip(("blue", "orange", "green", "purple", "sky"), ("-", "--", "-.", ":", "-"), strict=True))

#: Rows of seconds since the start, bytes, processes, as ``weft.probes.memory.tree_peak`` has them.
Series = Sequence[tuple[float, int, int]]


def _above(series: Series) -> list[float]:
    return [(size - series[0][1]) / MIB for _, size, _ in series]


def describe_memory(runs: Mapping[str, Series], limit: int) -> str:
    """One sentence with what the chart shows, also for those who cannot see it. ``limit`` is in bytes."""
    peaks = {model: max(_above(series)) for model, series in runs.items() if series}
    if not peaks:
        return "Nothing was measured yet."
    over = [model for model, peak in peaks.items() if peak > limit / MIB]
    highest = max(peaks, key=peaks.__getitem__)
    said = f"{highest} needs most, {peaks[highest]:.0f} MiB at its peak"
    return f"{said}; {', '.join(over)} above the limit" if over else f"{said}; all stay within {limit / MIB:.0f} MiB"


def memory_by_model(runs: Mapping[str, Series], limit: int, *, title: str | None = None) -> Figure:
    """MiB above the start, of all processes together, over time: a line for each model, and ``limit`` (bytes)."""
    made, (axes,) = figure(8.0, 4.0)
    for (model, series), (colour, line) in zip(runs.items(), STYLES, strict=False):
        if series:
            axes.plot([row[0] for row in series], _above(series), line, color=PALETTE[colour], label=model)
    axes.axhline(limit / MIB, color=PALETTE["vermilion"], linewidth=1, label=f"the limit, {limit / MIB:.0f} MiB")
    # While a process is being forked, a sample may find its share taken from the parent and not yet with the child.
    axes.set_ylim(bottom=0)
    axes.set_xlabel("time / s")
    axes.set_ylabel("memory above the start / MiB")
    headline(axes, title or describe_memory(runs, limit))
    legend(axes, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return made


def describe_blocks(history: Sequence[tuple[float, int]]) -> str:
    """One sentence: how far blocks shrank, and how often their size changed."""
    if not history:
        return "No block was read yet."
    sizes = [size for _, size in history]
    changes = sum(before != after for before, after in itertools.pairwise(sizes))
    return f"{len(sizes)} blocks of {min(sizes) >> 10:,} to {max(sizes) >> 10:,} KiB; the size changed {changes} times"


def blocks_and_pressure(
    history: Sequence[tuple[float, int]], low: float, high: float, *, title: str | None = None
) -> Figure:
    """Two rows over the blocks: pressure with the two thresholds, and the size of the block that was read then.

    ``history`` has a pressure (1.0 is the whole budget) and a size in bytes for each block.
    """
    made, (pressure, size) = figure(8.0, 4.0, rows=(1.0, 1.0))
    numbers = range(len(history))
    pressure.plot(numbers, [row[0] for row in history], ".-", color=PALETTE["blue"])
    pressure.axhline(high, color=PALETTE["vermilion"], linestyle="--", linewidth=1, label="shrink above")
    pressure.axhline(low, color=PALETTE["green"], linestyle=":", linewidth=1, label="grow below")
    pressure.set_ylabel("pressure / budget")
    size.step(numbers, [row[1] / 1024 for row in history], where="mid", color=PALETTE["orange"])
    size.set_yscale("log", base=2)
    size.yaxis.set_major_formatter(ScalarFormatter())
    size.set_ylabel("block / KiB")
    size.set_xlabel("blocks read")
    headline(pressure, title or describe_blocks(history))
    legend(pressure, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return made
