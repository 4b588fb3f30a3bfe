"""What the gradebook says of a submission already, and what is written into it when nbgrader itself will not."""

from __future__ import annotations

import json

from nbgrader.api import MissingEntry

from weft.gradebook.books import Books
from weft.gradebook.reading import Reading
from weft.gradebook.words import headline
from weft.judge.verdicts import Judgement


def up_to_date(books: Books, student: str, reading: Reading, key: str) -> bool:
    """Whether this submission is recorded as it is now: same file, same time, same judgement, none of it broken."""
    record = _record_of(books, student)
    if record is None or record.get("submission") != reading.digest or record.get("judgement") != key:
        return False
    if record.get("reason") != reading.reason or not (key or reading.reason):
        return False
    folders = books.folders()
    handed_in = folders.get_existing_timestamp(
        folders.format_path(folders.submitted_directory, student, books.challenge.id)
    )
    with books.gradebook() as gradebook:
        try:
            return bool(gradebook.find_submission(books.challenge.id, student).timestamp == handed_in)
        except MissingEntry:
            return False


def _record_of(books: Books, student: str) -> dict[str, str] | None:
    folders = books.folders()
    folder = folders.format_path(folders.autograded_directory, student, books.challenge.id)
    try:
        with open(f"{folder}/{books.challenge.notebook}.ipynb", encoding="utf-8") as file:
            return dict(json.load(file)["metadata"]["weft_grading"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def record_by_hand(books: Books, student: str, reason: str) -> None:
    """Record that a person has to grade this submission, and why: no score, marked in Formgrader, never nothing."""
    with books.gradebook() as gradebook:
        gradebook.update_or_create_student(student)
        gradebook.update_or_create_submission(books.challenge.id, student)
        notebook = gradebook.find_submission_notebook(books.challenge.notebook, books.challenge.id, student)
        for grade in notebook.grades:
            grade.auto_score, grade.needs_manual_grade = None, True
        for comment in notebook.comments:
            comment.auto_comment = headline(Judgement(), reason=reason)
        gradebook.db.commit()
