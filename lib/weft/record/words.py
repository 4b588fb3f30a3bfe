"""A standing in words, the same on the start page and in a terminal."""

from __future__ import annotations

from weft.judge.verdicts import CRITERIA, format_points
from weft.record.parts import Part
from weft.record.standing import Standing


def parts(row: Standing) -> str:
    """``✓ transfer ✓ progress · manager``."""
    if not row.started:
        return "not started"
    return " ".join(f"{mark(part)} {part.name}" for part in row.parts)


def mark(part: Part) -> str:
    """✓ for a part that is green, ✗ where a check failed, ↻ where it was changed since, · where it was not checked."""
    if part.green:
        return "✓"
    if not part.checked:
        return "·"
    return "↻" if part.changed else "✗"


def said(part: Part) -> str:
    """The same as :func:`mark`, for those who listen."""
    return {"✓": "green", "✗": "not green", "↻": "changed since it was checked", "·": "not checked"}[mark(part)]


def visible(row: Standing) -> str:
    """``24 of 60``."""
    earned, possible = row.visible
    return f"{format_points(earned)} of {format_points(possible)}" if row.started and possible else ""


def handed_in(row: Standing) -> str:
    """The day and minute, or nothing."""
    return row.handed_in[:16] if row.handed_in[:1].isdigit() else row.handed_in


def graded(row: Standing) -> str:
    """``85: correctness 40, concurrency 15 …``; nothing before grading."""
    if row.graded is None:
        return ""
    earned = row.graded.criteria
    told = [f"{name} {format_points(earned[name][0])}" for name in CRITERIA if name in earned]
    state = "passed" if row.passed else "not passed"
    return f"{format_points(row.graded.total)}, {state}: {', '.join(told)}"
