"""Who holds what and waits for what, at the moment when nothing could go on: as sentences, and as a drawing."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

#: Sizes of the drawing, in pixels: a box, the space between the columns, the height of a row.
WIDTH, GAP, HEIGHT, STEP = 190, 150, 34, 62


@dataclass(slots=True)
class Waiting:
    """One thread that waits; ``holds`` are pairs of a lock and the line since which it is held."""

    thread: str
    what: str
    where: str = ""
    held_by: str = ""
    holds: list[tuple[str, str]] = field(default_factory=list)

    def sentence(self) -> str:
        """``T1 holds a.lock (since bank.py:5) and waits at bank.py:6 for b.lock, which T2 holds.``"""
        holds = ", ".join(f"{lock} (since {since})" if since else lock for lock, since in self.holds)
        place = f" at {self.where}" if self.where else ""
        holder = f", which {self.held_by} holds" if self.held_by else ""
        return f"{self.thread} holds {holds or 'nothing'} and waits{place} for {self.what}{holder}."


def waits_of(failure: Mapping[str, Any]) -> list[Waiting]:
    """The waiting threads of a failure's JSON; what has another shape is left out."""
    rows = failure.get("waits")
    return [_waiting(row) for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _waiting(row: Mapping[str, Any]) -> Waiting:
    holds = row.get("holds")
    return Waiting(
        str(row.get("thread", "")),
        str(row.get("what", "")),
        str(row.get("where", "")),
        str(row.get("held_by", "")),
        [(str(hold.get("lock", "")), str(hold.get("since", ""))) for hold in holds if isinstance(hold, Mapping)]
        if isinstance(holds, list)
        else [],
    )


def wait_graph(failure: Mapping[str, Any]) -> str:
    """The wait-for graph as an SVG: threads on the left, what they wait for on the right. Empty if nothing waits."""
    waiting = waits_of(failure)
    if not waiting:
        return ""
    things = list(
        dict.fromkeys([*(wait.what for wait in waiting), *(lock for wait in waiting for lock, _ in wait.holds)])
    )
    height = STEP * max(len(waiting), len(things)) + 8
    width = 2 * WIDTH + GAP + 16
    said = html.escape(" ".join(wait.sentence() for wait in waiting), quote=True)
    return "".join(
        [
            f'<svg class="waits" viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{said}">',
            *_arrows(waiting, things),
            *(_box(8, row, wait.thread, "thread") for row, wait in enumerate(waiting)),
            *(_box(8 + WIDTH + GAP, row, thing, "thing") for row, thing in enumerate(things)),
            "</svg>",
        ]
    )


def _box(left: int, row: int, name: str, kind: str) -> str:
    top = 8 + row * STEP
    text = name if len(name) <= 24 else name[:23] + "…"
    corner = HEIGHT // 2 if kind == "thread" else 4
    return (
        f'<rect class="{kind}" x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" rx="{corner}"/>'
        f'<text x="{left + WIDTH // 2}" y="{top + 22}" text-anchor="middle">{html.escape(text)}</text>'
    )


def _arrows(waiting: list[Waiting], things: list[str]) -> Iterator[str]:
    left, right = 8 + WIDTH, 8 + WIDTH + GAP
    for row, wait in enumerate(waiting):
        yield _arrow(left, _middle(row) - 6, right, _middle(things.index(wait.what)) - 6, "wants", "waits for")
        for lock, since in wait.holds:
            label = f"held since {since}" if since else "held"
            yield _arrow(right, _middle(things.index(lock)) + 6, left, _middle(row) + 6, "holds", label)


def _middle(row: int) -> int:
    return 8 + row * STEP + HEIGHT // 2


def _arrow(x1: int, y1: int, x2: int, y2: int, kind: str, title: str) -> str:
    """A line with a head of its own: markers need ids, which two drawings on a page would share."""
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    dx, dy = (x2 - x1) / length, (y2 - y1) / length
    base_x, base_y = x2 - 9 * dx, y2 - 9 * dy
    head = f"{x2},{y2} {base_x - 4 * dy:.1f},{base_y + 4 * dx:.1f} {base_x + 4 * dy:.1f},{base_y - 4 * dx:.1f}"
    return (
        f'<g class="{kind}"><title>{html.escape(title)}</title>'
        f'<line x1="{x1}" y1="{y1}" x2="{base_x:.1f}" y2="{base_y:.1f}"/><polygon points="{head}"/></g>'
    )
