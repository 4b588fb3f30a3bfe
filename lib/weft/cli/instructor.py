"""The instructor's commands: release, grade, feedback, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weft.cli.endings import NOT_SO
from weft.cli.words import Id, Ids, find, out, progress

if TYPE_CHECKING:
    from rich.table import Table

    from weft.gradebook.grading import Graded
    from weft.gradebook.scores import Score
    from weft.layout import Challenge

Students = Annotated[
    list[str] | None, typer.Option("--student", metavar="NAME", help="Only this student; may be said more than once.")
]


def register(app: typer.Typer) -> None:
    """Add the instructor's commands."""
    shelf, panel = app.command, "Instructors"
    shelf(rich_help_panel=panel, epilog="Example: weft release T1")(release)
    shelf(rich_help_panel=panel, epilog="Example: weft grade T1 --workers 4")(grade)
    shelf(rich_help_panel=panel, epilog="Example: weft feedback T1 --student ann")(feedback)
    shelf(rich_help_panel=panel, epilog="Example: weft report T1 --csv marks.csv")(report)


def release(
    challenges: Ids = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit code 1 if release/ is not up to date.")
    ] = False,
    no_db: Annotated[bool, typer.Option("--no-db", help="Leave nbgrader's database alone.")] = False,
) -> None:
    """Generate release/ from source/ with nbgrader, for learners to start from."""
    from weft.course.release import check_release, chosen
    from weft.course.release import release as generate
    from weft.layout import Course

    course, wanted = Course.find(), list(challenges or ())
    if check:
        complaints = check_release(course, wanted)
        for sentence in complaints or ["release/ is what source/ generates."]:
            typer.echo(sentence)
        raise typer.Exit(NOT_SO if complaints else 0)
    total, done = len(chosen(course, wanted)), list[str]()
    with progress("Releasing") as tell:

        def made(challenge: Challenge) -> None:
            done.append(challenge.id)
            tell(f"Released {challenge.id}", len(done), total)

        generate(course, wanted, database=not no_db, report=made)
    typer.echo(f"Released: {', '.join(done)}." if done else "There is nothing in source/ to release.")


def grade(
    challenge: Id,
    students: Students = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Judges at work at once; one for each core unless said.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler whose workers judge.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Judge and record again what has not changed.")] = False,
) -> None:
    """Grade what was handed in: judge in a sandbox, record with nbgrader. What has not changed is left alone.

    Exit code 1: somebody's submission has no points yet and needs a person.
    """
    from weft.gradebook.grading import grade as grade_all

    course, found = find(challenge)
    with progress("Reading submissions") as tell:
        graded = grade_all(
            course,
            found.id,
            students=students,
            workers=workers,
            scheduler=scheduler,
            force=force,
            report=lambda step: tell(f"{step.stage.capitalize()}: {', '.join(step.students)}", step.done, step.total),
        )
    _tell_graded(found.id, graded)


def feedback(challenge: Id, students: Students = None) -> None:
    """Write the feedback pages of everybody who has been graded."""
    from weft.gradebook.grading import feedback as write_all

    course, found = find(challenge)
    with progress("Writing feedback") as tell:
        pages = write_all(
            course,
            found.id,
            students=students,
            report=lambda step: tell(f"Feedback: {', '.join(step.students)}", step.done, step.total),
        )
    for page in pages:
        typer.echo(str(page.relative_to(course.root)))
    if not pages:
        typer.echo(f"Nobody has been graded for {found.id} yet. Do that with: weft grade {found.id}", err=True)


def report(
    challenge: Annotated[
        str, typer.Argument(metavar="[CHALLENGE]", help="An id, such as T1; all if none is given.")
    ] = "",
    csv: Annotated[str, typer.Option(metavar="FILE", help="Write them as CSV; - for standard output.")] = "",
) -> None:
    """Show everybody's marks, by criterion."""
    from weft.gradebook.scores import as_csv, scores
    from weft.layout import Course

    rows = scores(Course.find(), challenge or None)
    if csv == "-":
        typer.echo(as_csv(rows), nl=False)
    elif csv:
        Path(csv).write_text(as_csv(rows), encoding="utf-8", newline="")
        typer.echo(f"{len(rows)} rows are in {csv}.")
    elif rows:
        out().print(_table(rows))
    else:
        typer.echo("No marks yet.")


def _tell_graded(challenge: str, graded: list[Graded]) -> None:
    """How many, and who needs a person, with the reason."""
    by_hand = [one for one in graded if one.state == "by hand"]
    if not graded:
        typer.echo(f"Nobody has handed in {challenge}.")
        return
    states = [one.state for one in graded]
    counts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    typer.echo(f"{challenge}: {', '.join(counts)}. See the marks with: weft report {challenge}")
    for one in by_hand:
        typer.echo(f"{one.student} has no points yet: {one.reason}")
    if by_hand:
        raise typer.Exit(NOT_SO)


def _table(rows: list[Score]) -> Table:
    from rich.table import Table
    from rich.text import Text

    from weft.judge.verdicts import CRITERIA

    table = Table()
    table.add_column("", no_wrap=True)
    table.add_column("student", overflow="fold")
    for name, weight in CRITERIA.items():
        table.add_column(f"{name[:4]}.\n{weight}", justify="right", no_wrap=True)
    table.add_column("total\n100", justify="right", no_wrap=True)
    table.add_column("reason", overflow="fold")
    for row in rows:
        earned = [f"{row.criteria[name][0]:g}" if name in row.criteria else "" for name in CRITERIA]
        reason = f"Needs a look. {row.reason}" if row.needs_a_look else row.reason
        # As text: a name or a reason may hold what rich takes for markup.
        table.add_row(*map(Text, (row.challenge, row.student, *earned, f"{row.total:g}", reason)))
    return table
