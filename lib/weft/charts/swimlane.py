"""Who was at work when: one lane for each connection, and below it how many were active at once."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from weft.charts.theme import INK, PALETTE, figure, headline, legend
from weft.trace import Trace

#: Outcomes in the order of the legend: what the status of a departure means.
OUTCOMES = {
    "complete": PALETTE["blue"],
    "refused": PALETTE["orange"],
    "broken off": PALETTE["vermilion"],
    "still open": PALETTE["purple"],
}


@dataclass(frozen=True, slots=True)
class Span:
    """One request: from ``start`` to ``end`` in seconds of the trace's clock."""

    lane: str
    subject: str
    start: float
    end: float
    outcome: str


def spans(trace: Trace) -> list[Span]:
    """The requests of a trace with ``arrive`` and ``depart`` events; those that never departed end with the trace."""
    found, waiting = [], {}
    for event in trace.of("arrive", "depart"):
        key = event.actor, event.subject
        if event.kind == "arrive":
            waiting[key] = event.time
        elif key in waiting:
            found.append(Span(*key, waiting.pop(key), event.time, _outcome(event.value)))
    last = trace.events[-1].time if len(trace) else 0.0
    found += [Span(*key, start, last, "still open") for key, start in waiting.items()]
    return sorted(found, key=lambda span: span.start)


def _outcome(status: float) -> str:
    if 200 <= status < 300:
        return "complete"
    return "refused" if status >= 400 and status != 499 else "broken off"


def describe(trace: Trace) -> str:
    """One sentence with what the chart shows, also for those who cannot see it."""
    requests = spans(trace)
    if not requests:
        return "No request yet."
    seconds = max(span.end for span in requests) - requests[0].start
    files = len({span.subject for span in requests})
    at_once = trace.peak()
    return f"At most {at_once} at work: {len(requests)} requests for {files} files in {seconds:.2f} s"


def swimlane(trace: Trace, *, limit: int | None = None, title: str | None = None) -> Figure:
    """A bar for each request, a lane for each connection, and the number active over time, with ``limit`` as a line."""
    made, (lanes, active) = figure(8.0, 4.6, rows=(3.0, 1.0))
    requests = spans(trace)
    _draw_lanes(lanes, requests)
    _draw_active(active, trace, limit)
    headline(lanes, title or describe(trace))
    return made


def _draw_lanes(axes: Axes, requests: list[Span]) -> None:
    names = list(dict.fromkeys(span.lane for span in requests))
    zero = requests[0].start if requests else 0.0
    for outcome, colour in OUTCOMES.items():
        some = [span for span in requests if span.outcome == outcome]
        axes.barh(
            [names.index(span.lane) for span in some],
            [span.end - span.start for span in some],
            left=[span.start - zero for span in some],
            height=0.7,
            color=colour,
            edgecolor=INK,
            linewidth=0.4,
            label=outcome if some else None,
        )
    axes.set_ylabel("connection")
    axes.set_yticks(range(len(names)) if len(names) <= 12 else [])
    axes.set_yticklabels([name.removeprefix("connection ") for name in names] if len(names) <= 12 else [])
    axes.invert_yaxis()
    legend(axes, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _draw_active(axes: Axes, trace: Trace, limit: int | None) -> None:
    moments = trace.of("arrive", "depart").events
    zero = moments[0].time if moments else 0.0
    times, counts, now = [0.0], [0], 0
    for event in moments:
        now += 1 if event.kind == "arrive" else -1
        times.append(event.time - zero)
        counts.append(now)
    axes.step(times, counts, where="post", color=PALETTE["green"])
    axes.fill_between(times, counts, step="post", color=PALETTE["green"], alpha=0.3)
    if limit is not None:
        axes.axhline(limit, color=PALETTE["vermilion"], linestyle="--", linewidth=1, label=f"limit {limit}")
    axes.set_ylim(0, max([*counts, limit or 0, 1]) * 1.2)
    axes.set_xlabel("time / s")
    axes.set_ylabel("active")
    legend(axes, loc="upper left", bbox_to_anchor=(1.0, 1.0))
