"""What a chat's clients saw over time: messages, connections, and how long a message took."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from weft.charts.theme import PALETTE, figure, headline, legend
from weft.trace import Trace

#: Percentiles of the time from saying to hearing, with the colour of each.
PERCENTILES = {50: PALETTE["blue"], 95: PALETTE["orange"], 99: PALETTE["vermilion"]}

#: A run is cut into so many pieces of time, of at least so many seconds.
PIECES, SHORTEST = 40, 0.1


def latencies(trace: Trace) -> list[tuple[float, float]]:
    """For each time somebody heard a text: seconds since the trace began, and seconds since it was said.

    ``say`` and ``hear`` belong together by their subject, the text or the kind of message; one that is said again
    counts from the last time.
    """
    said: dict[str, float] = {}
    found = []
    began = trace.events[0].time if trace.events else 0.0
    for event in trace.of("say", "hear"):
        if event.kind == "say":
            said[event.subject] = event.time
        elif event.subject in said:
            found.append((event.time - began, event.time - said[event.subject]))
    return found


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many percent do not exceed; 0.0 of none."""
    if len(values) < 2:
        return values[0] if values else 0.0
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def describe(trace: Trace) -> str:
    """One sentence: how many messages were said and heard, by how many clients, and the slowest of a hundred."""
    taken = [seconds for _, seconds in latencies(trace)]
    people = f"{trace.peak('connect', 'disconnect')} clients"
    if not taken:
        return f"{people}, and nobody heard anything"
    slow = 1000 * percentile(taken, 99)
    return f"{people}: {trace.count('say')} sent, {trace.count('hear')} heard, 99 of 100 within {slow:.0f} ms"


def chat_traffic(trace: Trace, *, title: str | None = None) -> Figure:
    """Messages per second, connections, and percentiles of latency in milliseconds, on one axis of seconds."""
    made, (messages, connections, taken) = figure(8.0, 6.0, rows=(1.2, 0.8, 1.2))
    if trace.events:
        width = max(SHORTEST, trace.span() / PIECES)
        for kind, words, colour in (("say", "sent", "orange"), ("hear", "heard", "blue")):
            _rate(messages, trace, kind, words, PALETTE[colour], width)
        _open(connections, trace)
        _taken(taken, latencies(trace), width)
    messages.set_ylabel("messages / s")
    messages.set_yscale("symlog", linthresh=10)
    messages.set_ylim(0, 6 * messages.get_ylim()[1])  # room for the legend, on a scale of powers
    connections.set_ylabel("connections")
    connections.set_ylim(bottom=0)
    taken.set_ylabel("latency / ms")
    taken.set_ylim(0, 1.35 * taken.get_ylim()[1])
    taken.set_xlabel("time / s")
    headline(messages, title or describe(trace))
    for axes in (messages, taken):
        legend(axes, loc="upper left", ncols=3)
    return made


def chat_latency(runs: Mapping[int, Sequence[float]], *, title: str | None = None) -> Figure:
    """Percentiles of latency in milliseconds against the number of clients. ``runs`` maps clients to seconds."""
    made, (axes,) = figure(8.0, 3.4)
    clients = sorted(runs)
    for percent, colour in PERCENTILES.items():
        heights = [1000 * percentile(runs[number], percent) for number in clients]
        axes.plot(clients, heights, "o-", color=colour, label=f"{percent} of 100 within")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("latency / ms")
    axes.set_xlabel("clients in one room")
    headline(axes, title or _finding(runs))
    legend(axes, loc="upper left")
    return made


def _finding(runs: Mapping[int, Sequence[float]]) -> str:
    if not runs:
        return "No run yet."
    most = max(runs)
    told = f"{most} clients: half hear within {1000 * percentile(runs[most], 50):.0f} ms"
    return f"{told}, 99 of 100 within {1000 * percentile(runs[most], 99):.0f} ms"


def _rate(axes: Axes, trace: Trace, kind: str, words: str, colour: str, width: float) -> None:
    began = trace.events[0].time
    counts = [0] * (int(trace.span() / width) + 2)
    for event in trace.of(kind):
        counts[int((event.time - began) / width)] += 1
    times = [number * width for number in range(len(counts))]
    axes.step(times, [count / width for count in counts], where="post", color=colour, label=words)


def _open(axes: Axes, trace: Trace) -> None:
    began, open_now = trace.events[0].time, 0
    times, heights = [0.0], [0]
    for event in trace.of("connect", "disconnect"):
        open_now += 1 if event.kind == "connect" else -1
        times.append(event.time - began)
        heights.append(open_now)
    axes.step(times, heights, where="post", color=PALETTE["green"])


def _taken(axes: Axes, found: Sequence[tuple[float, float]], width: float) -> None:
    pieces: dict[int, list[float]] = {}
    for time, seconds in found:
        pieces.setdefault(int(time / width), []).append(seconds)
    times = [(number + 0.5) * width for number in sorted(pieces)]
    for percent, colour in PERCENTILES.items():
        heights = [1000 * percentile(pieces[number], percent) for number in sorted(pieces)]
        axes.plot(times, heights, "o-", markersize=3, color=colour, label=f"{percent} of 100")
