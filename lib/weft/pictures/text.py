"""A failing schedule, and who waits for whom, as lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from weft.pictures.rows import Row, found, headline, rows_of, threads_of
from weft.pictures.waits import waits_of

#: A line of source longer than this, in characters, is cut.
LONGEST = 44


def lines(failure: Mapping[str, Any]) -> list[str]:
    """The picture as lines: who, where, the line, what it did; a rule where a switch hurts."""
    rows = rows_of(failure)
    name = max((len(thread) for thread in threads_of(failure)), default=0)
    place = max((len(row.where) for row in rows), default=0)
    source = min(LONGEST, max((len(row.source) for row in rows), default=0))
    return [
        headline(failure),
        *filter(None, [found(failure)]),
        *(_line(row, name, place, source) for row in rows),
        *_waits(failure),
    ]


def _line(row: Row, name: int, place: int, source: int) -> str:
    if row.remark:
        mark = "✗" if row.fails else "⇄" if row.hurts else "…"
        return f"{mark} {row.remark}"
    code = row.source if len(row.source) <= source else row.source[: source - 1] + "…"
    return f"  {row.thread:<{name}}  {row.where:<{place}}  {code:<{source}}  {', '.join(row.effects)}".rstrip()


def _waits(failure: Mapping[str, Any]) -> Iterator[str]:
    for wait in waits_of(failure):
        yield f"  {wait.sentence()}"
