"""Grade a class: judge in parallel what was not judged before, then let nbgrader record one after another."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from weft.answer.lift import Lifted
from weft.gradebook.books import Books, BooksError
from weft.gradebook.fanout import judge_all
from weft.gradebook.reading import Reading, read_submission
from weft.gradebook.records import record_by_hand, up_to_date
from weft.gradebook.repair import Slot, lift_repaired, repair
from weft.gradebook.store import FOLDER, JudgementStore, key_of
from weft.judge.verdicts import Judgement
from weft.layout import Course, LayoutError


@dataclass(frozen=True, slots=True)
class Step:
    """Progress: ``stage`` is "judge" or "record"; ``done`` of ``total`` are through, the last of them ``students``."""

    stage: str
    students: tuple[str, ...]
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Graded:
    """What became of one submission: "graded", "unchanged", or "by hand" where nbgrader refused it, for ``reason``."""

    student: str
    state: str
    reason: str = ""


@dataclass(slots=True)
class Submission:
    """A submission as far as it is known before nbgrader sees it. ``key`` is empty if there is nothing to judge."""

    student: str
    folder: Path
    reading: Reading
    lifted: Lifted = field(default_factory=Lifted)
    key: str = ""


def submitted(course: Course, challenge_id: str) -> list[str]:
    """Who has handed in, in alphabetical order. A folder without a notebook counts."""
    return sorted(path.parent.name for path in (course.root / "submitted").glob(f"*/{challenge_id}") if path.is_dir())


def grade(
    course: Course,
    challenge_id: str,
    *,
    students: Sequence[str] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    force: bool = False,
    report: Callable[[Step], None] = lambda step: None,
) -> list[Graded]:
    """Grade what was handed in for a challenge, by everybody or by ``students``.

    What has not changed since it was graded is left alone, and what was judged before is not judged again; ``force``
    does both anyway. ``workers`` and ``scheduler`` are those of :func:`weft.gradebook.fanout.judge_all`. A run that was
    ended goes on where it was when it is started again.
    Raises LayoutError or BooksError if nothing can be graded at all, never because of one submission.
    """
    challenge = course.challenge(challenge_id)
    names = _wanted(course, challenge.id, students)
    books = Books(course, challenge)
    slots = books.register()
    everything = [_read(course, challenge.id, f"{challenge.notebook}.ipynb", name, slots) for name in names]
    fresh = [item for item in everything if force or not up_to_date(books, item.student, item.reading, item.key)]
    store = JudgementStore(course.root / FOLDER)
    result = {name: Graded(name, "unchanged") for name in names}
    # nbgrader records one while the judges are at work on the next.
    with closing(_judged(fresh, store, workers, scheduler, force, report)) as judged:
        for number, (item, judgement) in enumerate(judged, start=1):
            result[item.student] = _record(books, item, judgement)
            report(Step("record", (item.student,), number, len(fresh)))
    return list(result.values())


def feedback(
    course: Course,
    challenge_id: str,
    *,
    students: Sequence[str] | None = None,
    report: Callable[[Step], None] = lambda step: None,
) -> list[Path]:
    """Write the feedback pages of all who have been graded, or of ``students``, anew, and return where they are.

    Raises BooksError, after all that could be written are, if nbgrader refused some.
    """
    challenge = course.challenge(challenge_id)
    books = Books(course, challenge)
    graded = sorted(path.parent.name for path in (course.root / "autograded").glob(f"*/{challenge.id}"))
    names = [name for name in graded if students is None or name in students]
    pages, refused = [], []
    for number, name in enumerate(names, start=1):
        try:
            books.generate_feedback(name)
            pages.append(course.root / "feedback" / name / challenge.id / f"{challenge.notebook}.html")
        except BooksError as error:
            refused.append(f"{name}: {error}")
        report(Step("feedback", (name,), number, len(names)))
    if refused:
        raise BooksError(f"There is no feedback for {len(refused)} of {len(names)}. {'; '.join(refused)}")
    return pages


def _wanted(course: Course, challenge_id: str, students: Sequence[str] | None) -> list[str]:
    there = submitted(course, challenge_id)
    if students is None:
        return there
    for name in students:
        if name not in there:
            raise LayoutError(
                f"{name} has handed in nothing for {challenge_id}: "
                f"there is no folder {course.root / 'submitted' / name / challenge_id}."
            )
    return sorted(set(students))


def _read(course: Course, challenge_id: str, file: str, student: str, slots: Sequence[Slot]) -> Submission:
    folder = course.root / "submitted" / student / challenge_id
    reading = read_submission(folder / file)
    if reading.reason:
        return Submission(student, folder, reading)
    repair(reading.cells, slots)
    lifted = lift_repaired(reading.notebook())
    return Submission(student, folder, reading, lifted, key_of(lifted))


def _judged(
    items: Iterable[Submission],
    store: JudgementStore,
    workers: int | None,
    scheduler: str | None,
    force: bool,
    report: Callable[[Step], None],
) -> Generator[tuple[Submission, Judgement | None], None, None]:
    """Each submission with its judgement, as they fall; None for one that cannot be judged.

    Equal answers, such as untouched ones, are judged once.
    """
    waiting: dict[str, list[Submission]] = {}
    known: list[tuple[Submission, Judgement | None]] = []
    for item in items:
        judgement = None if force or not item.key else store.get(item.key)
        if judgement is not None or not item.key:
            known.append((item, judgement))
        else:
            waiting.setdefault(item.key, []).append(item)
    total, done = sum(len(same) for same in waiting.values()), 0
    jobs = {key: same[0].lifted for key, same in waiting.items()}
    # Closing ends the judges that are at work, also when ``report`` is interrupted.
    with closing(judge_all(jobs, workers=workers, scheduler=scheduler, keep=store.put)) as judgements:
        for key, judgement in judgements:
            done += len(waiting[key])
            report(Step("judge", tuple(item.student for item in waiting[key]), done, total))
            yield from ((item, judgement) for item in waiting[key])
    yield from known


def _record(books: Books, item: Submission, judgement: Judgement | None) -> Graded:
    try:
        books.autograde(item.student, (item.key, judgement) if judgement is not None else None)
    except BooksError as error:
        reason = f"nbgrader could not record this submission: {error}"
        record_by_hand(books, item.student, reason)
        return Graded(item.student, "by hand", reason)
    return Graded(item.student, "graded")
