"""What more workers buy: time and throughput against their number."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from weft.charts.theme import PALETTE, figure, headline, legend


def describe(runs: Mapping[int, float]) -> str:
    """One sentence with the finding of these runs, ``{workers: seconds}``."""
    if not runs:
        return "No run yet."
    best = min(runs, key=lambda workers: runs[workers])
    if len(runs) == 1:
        return f"One run: {best} workers, {runs[best]:.2f} s"
    fewest = min(runs)
    return f"{best} workers are fastest: {runs[best]:.2f} s, {runs[fewest] / runs[best]:.1f} times as fast as {fewest}"


def throughput(runs: Mapping[int, float], *, megabytes: float) -> Figure:
    """Megabytes per second, and seconds, against workers. ``runs`` maps workers to seconds for ``megabytes`` in all.

    The dashed line is ideal: the run with the fewest workers, scaled by their number.
    """
    made, (rate, time) = figure(8.0, 4.4, rows=(1.0, 1.0))
    workers = sorted(runs)
    seconds = [runs[number] for number in workers]
    rate.plot(workers, [megabytes / each for each in seconds], "o-", color=PALETTE["blue"], label="measured")
    time.plot(workers, seconds, "o-", color=PALETTE["blue"], label="measured")
    if workers:
        scale = seconds[0] * workers[0]
        rate.plot(workers, [megabytes * n / scale for n in workers], "--", color=PALETTE["orange"], label="ideal")
        time.plot(workers, [scale / n for n in workers], "--", color=PALETTE["orange"], label="ideal")
        top = max(megabytes / each for each in seconds)
        rate.set_ylim(0, 1.6 * top)
    rate.set_ylabel("throughput / MB/s")
    time.set_ylabel("time / s")
    time.set_ylim(bottom=0)
    time.set_xlabel("workers")
    headline(rate, describe(runs))
    legend(rate, loc="upper left")
    return made
