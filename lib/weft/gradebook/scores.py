"""Marks out of nbgrader's database, one row for each submission."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from weft.gradebook.books import Books
from weft.judge.verdicts import CRITERIA
from weft.layout import Course


@dataclass(frozen=True, slots=True)
class Score:
    """One submission. ``criteria`` maps a criterion to points earned and possible; ``total`` is after a late penalty.

    ``late`` is in seconds after the due date, 0.0 for in time. ``needs_a_look`` says that a person should grade part of
    it, ``reason`` in a sentence why the points are what they are.
    """

    student: str
    challenge: str
    total: float
    possible: float
    late: float
    needs_a_look: bool
    reason: str
    criteria: dict[str, tuple[float, float]] = field(default_factory=dict)


def scores(course: Course, challenge_id: str | None = None) -> list[Score]:
    """All recorded submissions, of one challenge or of every one, by challenge and student."""
    wanted = [course.challenge(challenge_id)] if challenge_id else course.challenges()
    if not wanted:
        return []
    names = {challenge.id for challenge in wanted}
    with Books(course, wanted[0]).gradebook() as gradebook:
        rows = [
            _score(submission)
            for assignment in gradebook.assignments
            if assignment.name in names
            for submission in assignment.submissions
        ]
    return sorted(rows, key=lambda row: (row.challenge, row.student))


def as_csv(rows: Iterable[Score]) -> str:
    """The rows as CSV with a header; a column of earned points for each criterion."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["challenge", "student", *CRITERIA, "total", "possible", "late_seconds", "needs_a_look", "reason"])
    for row in rows:
        earned = [f"{row.criteria.get(criterion, (0.0, 0.0))[0]:g}" for criterion in CRITERIA]
        ends = [f"{row.total:g}", f"{row.possible:g}", f"{row.late:.0f}", "yes" if row.needs_a_look else "no"]
        writer.writerow([row.challenge, row.student, *earned, *ends, row.reason])
    return text.getvalue()


def _score(submission: Any) -> Score:
    criteria: dict[str, tuple[float, float]] = {}
    for notebook in submission.notebooks:
        for grade in notebook.grades:
            criterion = grade.name.partition("-")[0]
            earned, possible = criteria.get(criterion, (0.0, 0.0))
            criteria[criterion] = (earned + grade.score, possible + grade.max_score)
    penalty = submission.late_submission_penalty or 0.0
    return Score(
        student=submission.student.id,
        challenge=submission.name,
        total=max(0.0, submission.score - penalty),
        possible=submission.max_score,
        late=float(submission.total_seconds_late) if submission.duedate else 0.0,
        needs_a_look=bool(submission.needs_manual_grade),
        reason=_reason(submission),
        criteria=criteria,
    )


def _reason(submission: Any) -> str:
    """The first line of the summary that grading left at one of the answer cells."""
    comments = [
        comment.auto_comment
        for notebook in submission.notebooks
        for comment in notebook.comments
        if comment.auto_comment
    ]
    texts = [text for text in comments if text != "No response."] or comments or [""]
    return str(texts[0].partition("\n")[0])
