"""A judgement as a piece of HTML that stands alone: under a check cell, and in nbgrader's feedback."""

from __future__ import annotations

import html
import re
from functools import cache
from importlib import resources

from weft.judge.tables_text import (
    MARKS,
    NOT_YOUR_FAULT,
    by_criterion,
    clean,
    closing,
    evidence_rows,
    points_of,
    score,
    title,
)
from weft.judge.verdicts import Judgement, Outcome, Verdict
from weft.pictures import picture

#: A value longer than this, in characters or lines, is folded.
LONG, TALL = 160, 4

#: With more failures than this, all but the first keep their evidence folded: nobody mends four things at once.
OPEN = 3


def verdict_table(judgement: Judgement, *, criterion: str | None = None, hidden_points: float = 0.0) -> str:
    """The judgement as an HTML fragment with its own style.

    ``criterion`` names the table if it cannot be told from the verdicts, ``hidden_points`` are those that are judged
    at grading only. Everything is escaped.
    """
    heading, told = title(judgement, criterion), score(judgement, hidden_points)
    failures = sum(verdict.outcome is Outcome.FAIL for verdict in judgement.verdicts)
    return "".join(
        [
            style_of("weft.judge", "tables.css"),
            f'<section class="weft-verdicts" aria-label="{_escape(f"{heading}: {told}")}">',
            f'<p class="head"><strong>{_escape(heading)}</strong><span class="points">{_escape(told)}</span></p>',
            f'<div class="bar" aria-hidden="true"><i style="width:{_percent(judgement):.0f}%"></i></div>',
            *_groups(judgement, folded=failures > OPEN),
            *(f'<p class="foot">{_prose(note)}</p>' for note in judgement.notes),
            f'<p class="foot">{_escape(closing(judgement))}</p></section>',
        ]
    )


def _groups(judgement: Judgement, folded: bool) -> list[str]:
    parts, groups, failed_before = [], list(by_criterion(judgement)), False
    for criterion, verdicts in groups:
        if len(groups) > 1:
            part = Judgement(verdicts)
            told = score(part).removesuffix(" points")
            parts.append(
                f'<p class="head group">{_escape(criterion.capitalize())} <span class="points">{told}</span></p>'
            )
        parts.append('<ol class="checks" role="list">')
        for verdict in verdicts:
            parts.append(_row(verdict, folded=folded and failed_before))
            failed_before = failed_before or verdict.outcome is Outcome.FAIL
        parts.append("</ol>")
    return parts


def _row(verdict: Verdict, folded: bool) -> str:
    glyph, said, _ = MARKS[verdict.outcome]
    kind = said.replace(" ", "-") if verdict.outcome in (Outcome.NOT_RUN, Outcome.BROKEN) else verdict.outcome.value
    hidden = ' <span class="soft">· judged at grading</span>' if verdict.hidden else ""
    return (
        f'<li><span class="mark {kind}" role="img" aria-label="{said}">{glyph}</span>'
        f"<span>{_prose(verdict.sentence)}{hidden}</span>"
        f'<span class="points" aria-label="{points_of(verdict)} points">{points_of(verdict)}</span>'
        f"{_why(verdict, folded)}</li>"
    )


def _why(verdict: Verdict, folded: bool) -> str:
    if verdict.outcome is Outcome.PASS:
        return ""
    body = "".join([*_reasons(verdict), *_values(verdict), *_stacks(verdict), *_output(verdict)])
    if verdict.evidence.schedule:
        body += picture(verdict.evidence.schedule)
    if folded and body and verdict.outcome is Outcome.FAIL:
        return f'<details class="why"><summary>why</summary>{body}</details>'
    return f'<div class="why">{body}</div>' if body else ""


def _reasons(verdict: Verdict) -> list[str]:
    message = verdict.evidence.message
    if verdict.outcome is Outcome.BROKEN:
        reason = f"<details><summary>what broke</summary><pre>{_escape(message)}</pre></details>" if message else ""
        return [f"<p>{NOT_YOUR_FAULT}</p>{reason}"]
    if verdict.outcome is Outcome.NOT_RUN:
        return [f'<p class="soft">not run{": " + _prose(_lower_first(message)) if message else ""}</p>']
    return [f"<p>{_prose(message)}</p>"] if message else []


def _values(verdict: Verdict) -> list[str]:
    rows = []
    for name, value in evidence_rows(verdict.evidence):
        if name == "look at":
            shown = "".join(f'<code class="line">{_escape(line)}</code>' for line in value.splitlines())
        else:
            shown = _prose(value) if "`" in value or value.startswith("nothing: ") else _value(value)
        rows.append(f"<dt>{name}</dt><dd>{shown}</dd>")
    return ["<dl>", *rows, "</dl>"] if rows else []


def _value(text: str) -> str:
    if len(text) <= LONG and text.count("\n") < TALL:
        return f"<code>{_escape(text)}</code>"
    start = f"<code>{_escape(text[:60].splitlines()[0])} …</code> {len(text):,} characters"
    return f"<details><summary>{start}</summary><pre>{_escape(text)}</pre></details>"


def _stacks(verdict: Verdict) -> list[str]:
    if not (stacks := verdict.evidence.stacks):
        return []
    told = "\n".join(
        f"<b>{_escape(name)}</b>\n" + "".join(f"  {_escape(line)}\n" for line in stack or ["no line of yours"])
        for name, stack in stacks.items()
    )
    number = "one thread or task stood" if len(stacks) == 1 else f"{len(stacks)} threads and tasks stood"
    return [f"<details><summary>where {number} when time was up</summary><pre>{told}</pre></details>"]


def _output(verdict: Verdict) -> list[str]:
    if not (output := verdict.evidence.output):
        return []
    return [f"<details><summary>what it printed</summary><pre>{_escape(output)}</pre></details>"]


def _escape(text: str) -> str:
    return html.escape(clean(text))


def _prose(text: str) -> str:
    """Escaped, with what stands between backticks as code."""
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", _escape(text))


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _percent(judgement: Judgement) -> float:
    return 100 * judgement.earned / judgement.possible if judgement.possible else 0.0


@cache
def style_of(package: str, name: str) -> str:
    """A package's style sheet as a ``<style>`` element, without comments and on one line: every fragment carries it."""
    text = resources.files(package).joinpath(name).read_text(encoding="utf-8")
    bare = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return "<style>" + re.sub(r"\s*\n\s*", " ", bare).strip() + "</style>"
