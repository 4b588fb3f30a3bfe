"""A judgement in a few words, for the gradebook."""

from __future__ import annotations

import html
from collections.abc import Sequence

from weft.gradebook.reading import clean
from weft.judge.verdicts import Judgement, Outcome, format_points


def summary(judgement: Judgement, *, reason: str = "", idle: bool = False, complaints: Sequence[str] = ()) -> str:
    """Markdown whose first line says why the points are what they are; then points by criterion, then notes.

    ``reason`` says why there was nothing to judge, ``idle`` that all answer cells are as they were released,
    ``complaints`` what is wrong with the course.
    """
    lines = [headline(judgement, reason=reason, idle=idle, complaints=complaints), ""]
    for criterion, (earned, possible) in judgement.by_criterion().items():
        if possible:
            lines.append(f"* **{criterion}** {format_points(earned)} of {format_points(possible)}")
    lines += [f"* {_plain(note)}" for note in judgement.notes]
    return "\n".join(lines)


def headline(judgement: Judgement, *, reason: str = "", idle: bool = False, complaints: Sequence[str] = ()) -> str:
    """One sentence on a judgement, on one line."""
    if reason:
        return _plain(reason)
    if complaints:
        return _plain(f"Needs a look: {'; '.join(complaints)}.")
    broken = [verdict for verdict in judgement.verdicts if verdict.outcome is Outcome.BROKEN]
    missed = [verdict for verdict in judgement.verdicts if verdict.outcome in (Outcome.FAIL, Outcome.NOT_RUN)]
    total = len(judgement.verdicts)
    if broken:
        why = f"{broken[0].sentence} {broken[0].evidence.message}"
        return _plain(f"Needs a look: {len(broken)} of {total} checks could not be judged. First of them: {why}")
    if idle:
        return "No response: every answer cell is as it was released."
    if missed:
        return _plain(f"{len(missed)} of {total} checks did not pass. First of them: {missed[0].sentence}")
    return f"All {total} checks passed."


def _plain(text: str) -> str:
    """One line without markup, as parts of it may come from an answer."""
    return html.escape(" ".join(clean(text).split())[:400], quote=False)
