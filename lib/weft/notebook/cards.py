"""A challenge's card and the line above all cards, as HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import ipywidgets

from weft.judge.tables_html import style_of
from weft.record import words
from weft.record.parts import Part
from weft.record.standing import Standing


def card(row: Standing, link: str, news: str) -> str:
    """One challenge. ``link`` is relative to the start page; JupyterLab opens it in a tab of its own."""
    name = html.escape(row.challenge.id)
    facts = [_about(row, "concept"), _about(row, "difficulty"), _about(row, "minutes", "{} minutes")]
    opened = f'<p><a href="{html.escape(link)}">Open {name}</a></p>' if link else ""
    heard = f'<p role="status">{html.escape(news)}</p>' if news else ""
    kind, state = state_of(row)
    return (
        f'<section class="weft-card" aria-label="{name}">'
        f'<p class="top"><strong>{name} · {_about(row, "title") or "untitled"}</strong>'
        f'<span class="state {kind}">{state}</span></p>'
        f"<p>{' · '.join(filter(None, facts))}</p><p>{_about(row, 'focus')}</p>"
        f"{_checklist(row)}{opened}{heard}</section>"
    )


def state_of(row: Standing) -> tuple[str, str]:
    """A style class and a few words."""
    if row.graded:
        return ("passed" if row.passed else "open"), f"{row.graded.total:g} points{', passed' if row.passed else ''}"
    if row.handed_in:
        return "open", "handed in"
    if not row.started:
        return ("waiting", "not started") if row.released else ("waiting", "not released yet")
    if row.parts and all(part.green for part in row.parts):
        return "passed", "ready to hand in"
    return "open", "in progress"


def listing(rows: Sequence[Standing]) -> str:
    """How many challenges are started, green and passed; a sentence if there are none."""
    if not rows:
        return "<p>There are no challenges here yet.</p>"
    started = sum(row.started for row in rows)
    green = sum(bool(row.parts) and all(part.green for part in row.parts) for row in rows)
    passed = sum(row.passed for row in rows)
    return (
        f'<p class="weft-sum" role="status">{len(rows)} challenges: {started} started, {green} all green, '
        f"{passed} passed.</p>"
    )


def _checklist(row: Standing) -> str:
    """The parts and what comes after them, each with its mark."""
    if not row.started or not row.parts:
        return ""
    items = [_item(words.mark(part), words.said(part), _points(part)) for part in row.parts]
    if row.handed_in:
        items.append(_item("✓", "done", f"handed in {html.escape(words.handed_in(row))}"))
    if row.graded:
        items.append(_item("✓" if row.passed else "✗", "graded", html.escape(f"graded {words.graded(row)}")))
    return f'<ul class="steps" role="list">{"".join(items)}</ul>'


def _points(part: Part) -> str:
    return f"{html.escape(part.name)} {part.earned:g} of {part.possible:g}"


def _item(mark: str, said: str, text: str) -> str:
    return f'<li><span role="img" aria-label="{said}">{mark}</span> {text}</li>'


def _about(row: Standing, key: str, form: str = "{}") -> str:
    return html.escape(form.format(row.about[key])) if row.about.get(key) else ""


def output(text: str) -> ipywidgets.Output:
    """An output area: unlike ipywidgets.HTML it lets JupyterLab follow links that are relative to the notebook."""
    return ipywidgets.Output(outputs=outputs(text))


def outputs(text: str) -> tuple[dict[str, Any], ...]:
    """What an output area shows: HTML that carries its style."""
    data = {"text/html": style_of("weft.notebook", "live.css") + text, "text/plain": ""}
    return ({"output_type": "display_data", "data": data, "metadata": {}},)
