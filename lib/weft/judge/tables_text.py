"""A judgement as plain text and for the terminal; and the words that the HTML table shares with them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from weft import pictures
from weft.judge.verdicts import CRITERIA, Evidence, Judgement, Outcome, Verdict, format_points

#: For each outcome: its glyph, how it is said aloud, its colour in a terminal.
MARKS = {
    Outcome.PASS: ("✓", "passed", "green"),
    Outcome.FAIL: ("✗", "failed", "red"),
    Outcome.NOT_RUN: ("–", "not run", "yellow"),
    Outcome.BROKEN: ("!", "broken", "magenta"),
}

NOT_YOUR_FAULT = "Not your fault: the check itself broke. It costs nothing."

#: Terminal sequences, then control characters and those that turn the direction of writing: an answer may print them.
_SEQUENCES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str) -> str:
    """``text`` without terminal sequences; other characters that cannot be shown safely become ``�``."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", _SEQUENCES.sub("", text.replace("\r\n", "\n")))


def title(judgement: Judgement, criterion: str | None = None) -> str:
    """``Concurrency``, or ``All criteria`` where there are several."""
    criteria = {criterion} if criterion else {verdict.criterion for verdict in judgement.verdicts}
    return criteria.pop().capitalize() if len(criteria) == 1 else "All criteria"


def score(judgement: Judgement, hidden_points: float = 0.0) -> str:
    """``14 / 26 visible points · 8 more are judged at grading``; ``22 / 34 points`` once hidden checks are in it."""
    told = f"{format_points(judgement.earned)} / {format_points(judgement.possible)}"
    if any(verdict.hidden for verdict in judgement.verdicts):
        return f"{told} points"
    if hidden_points:
        return f"{told} visible points · {format_points(hidden_points)} more are judged at grading"
    return f"{told} points"


def points_of(verdict: Verdict) -> str:
    """``0 / 8``."""
    return f"{format_points(verdict.earned)} / {format_points(verdict.points)}"


def closing(judgement: Judgement) -> str:
    """``3 checks · 1.3 s · judged in a process of its own``."""
    number = len(judgement.verdicts)
    checks = "1 check" if number == 1 else f"{number} checks"
    return f"{checks} · {judgement.seconds:.1f} s · judged in a process of its own"


def by_criterion(judgement: Judgement) -> Iterator[tuple[str, list[Verdict]]]:
    """The verdicts of each criterion that has any, in the rubric's order."""
    order = [*CRITERIA, *sorted({verdict.criterion for verdict in judgement.verdicts} - set(CRITERIA))]
    for criterion in order:
        if verdicts := [verdict for verdict in judgement.verdicts if verdict.criterion == criterion]:
            yield criterion, verdicts


def evidence_rows(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """The short parts of the evidence with their names, without the empty ones."""
    yield from (
        (name, value)
        for name, value in (
            ("called", evidence.called),
            ("came back", evidence.came_back),
            ("wanted", evidence.wanted),
            ("look at", "\n".join(evidence.look_at)),
        )
        if value
    )


def verdict_lines(judgement: Judgement, *, criterion: str | None = None, hidden_points: float = 0.0) -> str:
    """The judgement as plain text, one check a line with its evidence indented below."""
    lines = [f"{title(judgement, criterion)}: {score(judgement, hidden_points)}"]
    groups = list(by_criterion(judgement))
    for name, verdicts in groups:
        if len(groups) > 1:
            lines += ["", name.capitalize()]
        for verdict in verdicts:
            lines.append(f"{MARKS[verdict.outcome][0]} {verdict.sentence}  {points_of(verdict)}{_hidden(verdict)}")
            lines += [f"    {line}" for line in _evidence_lines(verdict)]
    lines += [*judgement.notes, closing(judgement)]
    return clean("\n".join(lines))


def _hidden(verdict: Verdict) -> str:
    return " (judged at grading)" if verdict.hidden else ""


def _evidence_lines(verdict: Verdict) -> Iterator[str]:
    if verdict.outcome is Outcome.PASS:
        return
    if verdict.outcome is Outcome.BROKEN:
        yield NOT_YOUR_FAULT
    if verdict.outcome is Outcome.NOT_RUN:
        yield "not run"
    evidence = verdict.evidence
    yield from evidence.message.splitlines()
    for name, value in evidence_rows(evidence):
        for number, line in enumerate(value.splitlines()):
            yield f"{name if not number else '':<10} {line}"
    for thread, stack in evidence.stacks.items():
        yield f"{thread} hangs at"
        yield from (f"    {line}" for line in stack)
    if evidence.schedule:
        yield from pictures.lines(evidence.schedule)
    if evidence.output:
        yield "printed"
        yield from (f"    {line}" for line in evidence.output.splitlines())


def verdict_text(judgement: Judgement, *, criterion: str | None = None, hidden_points: float = 0.0) -> RenderableType:
    """The same content for a terminal, in colour, as something that rich prints."""
    parts: list[RenderableType] = [
        Text(f"{title(judgement, criterion)}  ", style="bold").append(score(judgement, hidden_points), style="dim")
    ]
    groups = list(by_criterion(judgement))
    for name, verdicts in groups:
        if len(groups) > 1:
            parts.append(Padding(Text(name.capitalize(), style="bold"), (1, 0, 0, 0)))
        table = Table(box=None, show_header=False, pad_edge=False, expand=True)
        table.add_column(width=1)
        table.add_column(ratio=1)
        table.add_column(justify="right", no_wrap=True, style="dim")
        for verdict in verdicts:
            glyph, _, colour = MARKS[verdict.outcome]
            body = Text(clean(verdict.sentence))
            body.append(_hidden(verdict), style="dim")
            for line in _evidence_lines(verdict):
                body.append("\n" + clean(line), style="dim")
            table.add_row(Text(glyph, style=f"bold {colour}"), body, points_of(verdict))
        parts.append(table)
    parts += [Text(clean(note)) for note in judgement.notes]
    parts.append(Text(closing(judgement), style="dim"))
    return Group(*parts)
