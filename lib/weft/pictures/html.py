"""A failing schedule as HTML: a lane for each thread, the learner's lines in the order in which they ran.

It is a table, so that it can be read without style or script, copied, and heard. Lock holds are bars at the left of a
lane; a script adds a slider to step through the rows where scripts may run, and elsewhere everything is shown at once.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from weft.pictures.rows import Row, found, headline, rows_of, threads_of
from weft.pictures.waits import wait_graph, waits_of


def picture(failure: Mapping[str, Any], *, steps: bool = True) -> str:
    """The failure's JSON as an HTML fragment that stands alone. ``steps`` adds the slider. Everything is escaped."""
    rows, threads = rows_of(failure), threads_of(failure)
    locks = list(dict.fromkeys(lock for row in rows for held in row.held.values() for lock in held))
    return "".join(
        [
            f"<style>{_asset('schedule.css')}</style>",
            f'<figure class="weft-schedule" aria-label="{_escape(headline(failure))}">',
            f"<figcaption>{_escape(found(failure) or headline(failure))}{_legend(locks)}</figcaption>",
            _table(rows, threads, locks) if rows else "",
            *_waits(failure),
            f"</figure><script>{_asset('schedule.js')}</script>" if steps and rows else "</figure>",
        ]
    )


def _table(rows: Sequence[Row], threads: Sequence[str], locks: Sequence[str]) -> str:
    heads = "".join(f'<th scope="col">{_escape(thread)}</th>' for thread in threads)
    body = "".join(_remark(row, len(threads)) if row.remark else _row(row, threads, locks) for row in rows)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _remark(row: Row, width: int) -> str:
    kind, mark = ("fails", "✗") if row.fails else ("hurts", "⇄") if row.hurts else ("left-out", "…")
    text = _escape(row.remark)
    cell = f'<td colspan="{width}"><span aria-hidden="true">{mark} </span>{text}</td>'
    return f'<tr class="{kind}" data-say="{text}">{cell}</tr>'


def _row(row: Row, threads: Sequence[str], locks: Sequence[str]) -> str:
    cells = []
    for thread in threads:
        kind = "waits" if thread in row.waiting and thread != row.thread else "at" if thread == row.thread else ""
        bars = "".join(
            f'<i class="lock-{locks.index(lock) % 4}" title="holds {_escape(lock)}"></i>'
            for lock in row.held.get(thread, ())
        )
        cells.append(f'<td class="{kind}">{bars}{_deed(row) if thread == row.thread else ""}</td>')
    return f'<tr data-say="{_escape(row.sentence())}">{"".join(cells)}</tr>'


def _deed(row: Row) -> str:
    place = f'<span class="place">{_escape(row.where)}</span>' if row.where else ""
    code = f"<code>{_escape(row.source)}</code>" if row.source else ""
    effects = "".join(f'<span class="effect">{_escape(effect)}</span>' for effect in row.effects)
    return f"{place}{code}{effects}"


def _legend(locks: Sequence[str]) -> str:
    keys = "".join(
        f'<span class="key"><i class="lock-{n % 4}"></i>{_escape(lock)}</span>' for n, lock in enumerate(locks)
    )
    return f" A bar is a lock that is held: {keys}" if keys else ""


def _waits(failure: Mapping[str, Any]) -> list[str]:
    if not (graph := wait_graph(failure)):
        return []
    said = "".join(f"<li>{_escape(wait.sentence())}</li>" for wait in waits_of(failure))
    return [graph, '<p class="key">Solid: waits for. Dashed: is held by.</p>', f'<ul class="who">{said}</ul>']


def _escape(text: str) -> str:
    return html.escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text), quote=True)


@cache
def _asset(name: str) -> str:
    return resources.files("weft.pictures").joinpath(name).read_text(encoding="utf-8").strip()
