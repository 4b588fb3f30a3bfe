"""The learner's commands that look back: progress, certificate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weft.cli.endings import NOT_SO
from weft.cli.words import out

if TYPE_CHECKING:
    from rich.table import Table

    from weft.layout import Course
    from weft.record.standing import Standing

As = Annotated[str, typer.Option("--as", metavar="STUDENT", help="The name that the work was handed in under.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    shelf, panel = app.command, "Learners"
    shelf(rich_help_panel=panel, epilog="Example: weft progress")(progress)
    shelf(rich_help_panel=panel, epilog="Example: weft certificate --name 'Ann Lee'")(certificate)


def progress(student: As = "") -> None:
    """Show how far you are in each challenge: parts, visible points, what was handed in, what was graded."""
    from weft.layout import Course
    from weft.record.standing import standings

    out().print(_table(standings(Course.find(), student)))


def certificate(
    name: Annotated[str, typer.Option(help="The name to write on it.")] = "",
    student: As = "",
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where; this folder unless said.")] = Path(),
    verify: Annotated[str, typer.Option(metavar="FILE", help="Tell whether this certificate is a true one.")] = "",
) -> None:
    """Make your certificate, as SVG and PDF, when every challenge is passed. Exit code 1: FILE is not a true one."""
    from weft.layout import Course

    if verify:
        _verify(Course.find(), Path(verify))
    else:
        _make(Course.find(), name, student, to)


def _make(course: Course, name: str, student: str, to: Path) -> None:
    from datetime import date

    from weft.record import sheet
    from weft.record.certificate import certificate as make
    from weft.record.standing import learner, standings

    who = student or learner(course)
    made = make(course, standings(course, who), name or who, date.today())
    to.mkdir(parents=True, exist_ok=True)
    for form, drawn in sheet.FORMS.items():
        path = to / f"certificate.{form}"
        path.write_bytes(drawn(made))
        typer.echo(f"{path} is there, for {made.name}.")
    typer.echo(f"Verification code: {made.code}")


def _verify(course: Course, path: Path) -> None:
    from weft.layout import LayoutError
    from weft.record import sheet
    from weft.record.certificate import is_ours, read

    try:
        data = path.read_bytes()
    except OSError as error:
        raise LayoutError(f"{path} cannot be read: {error.strerror}.") from None
    found = read(data)
    draw = sheet.FORMS.get(path.suffix.lower().removeprefix("."))
    if draw is None:
        raise LayoutError(f"{path.name} is neither .svg nor .pdf.")
    if not is_ours(course, found):
        typer.echo(f"Not true: this course never made the code {found.code} for {found.name}.")
    elif draw(found) != data:
        typer.echo(f"Not true: the code was made for {found.name}, but the file was changed since, or drawn elsewhere.")
    else:
        typer.echo(f"True: made here for {found.name} on {found.day}, {found.total:g} points.")
        return
    raise typer.Exit(NOT_SO)


def _table(rows: list[Standing]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for heading in ("", "challenge", "parts", "visible", "handed in", "graded"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, (row.challenge.id, str(row.about.get("title", "")), *_told(row))))
    return table


def _told(row: Standing) -> tuple[str, str, str, str]:
    from weft.record.words import graded, handed_in, parts, visible

    return parts(row), visible(row), handed_in(row), graded(row)
