"""What to use and why; the figure has points with lines, one row of them for each workload, in milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass

from gil import CLEAR, gil_effect
from matplotlib.figure import Figure
from measure import Row

COST = {"serial": 0, "threads": 1, "asyncio": 2, "processes": 3}


@dataclass(frozen=True)
class Advice:
    """Which model to use for a workload, how many times as fast as serial it is, and why."""

    workload: str
    model: str
    speedup: float
    reason: str


def recommend(rows: Sequence[Row]) -> Advice:
    """The cheapest model that is good enough."""
    sound = sorted((row for row in rows if not row.error), key=lambda row: COST[row.model])
    if not sound:
        return Advice(rows[0].workload, "none", 0.0, rows[0].error)
    limit = CLEAR * min(row.seconds for row in sound)
    chosen = next(row for row in sound if row.seconds <= limit)
    serial = sound[0].seconds if sound[0].model == "serial" else 0.0
    effect = gil_effect(rows)
    because = f"{chosen.model} {serial / chosen.seconds:.2f} x serial"
    if effect.verdict == "held":
        because += f", threads {effect.threads:.2f} x: the GIL is held"
    return Advice(chosen.workload, chosen.model, serial / chosen.seconds, because)


def figure(rows: Sequence[Row]) -> Figure:
    """Points at the medians."""
    chart = Figure(figsize=(7, 4))
    axes = chart.add_subplot()
    names = sorted({row.workload for row in rows})
    for model, offset in COST.items():
        mine = [row for row in rows if row.model == model and not row.error]
        if not mine:
            continue
        middle = [1000 * row.seconds for row in mine]
        spread = [
            [1000 * (row.seconds - row.fastest) for row in mine],
            [1000 * (row.slowest - row.seconds) for row in mine],
        ]
        places = [names.index(row.workload) + offset / 6 for row in mine]
        axes.errorbar(middle, places, xerr=spread, fmt="o", label=model)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("wall time (ms)")
    axes.set_ylabel("workload")
    axes.legend(title="model")
    return chart
