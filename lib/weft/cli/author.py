"""The author's commands: new, notebooks, verify."""

from __future__ import annotations

from typing import Annotated

import typer

from weft.cli.endings import BROKEN, NOT_SO
from weft.cli.words import Ids, out, progress


def register(app: typer.Typer) -> None:
    """Add the author's commands."""
    shelf, panel = app.command, "Authors"
    shelf(rich_help_panel=panel, epilog="Example: weft new X1 --title 'Thread-safe counter'")(new)
    shelf(rich_help_panel=panel, epilog="Example: weft notebooks --check")(notebooks)
    shelf(rich_help_panel=panel, epilog="Example: weft verify T1 --strict")(verify)


def new(
    identity: Annotated[str, typer.Argument(metavar="ID", help="Its id: a capital letter, then capitals and digits.")],
    title: Annotated[str, typer.Option(help="Its title, in one line.")],
    concept: Annotated[str, typer.Option(help="threading, multiprocessing, asyncio …")] = "threading",
    notebook: Annotated[
        str, typer.Option(metavar="NAME", help="Its notebook's name; made of the title unless said.")
    ] = "",
) -> None:
    """Make a new challenge: small, complete and proved, for you to replace piece by piece."""
    from weft.course.scaffold import scaffold
    from weft.layout import Course

    made = scaffold(Course.find(), identity, title=title, concept=concept, notebook=notebook)
    typer.echo(f"source/{made.id} is there. Begin with its design.md; then:")
    typer.echo(f"  weft notebooks && weft release {made.id} --no-db && weft verify {made.id}")


def notebooks(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit code 1 if some are out of step.")
    ] = False,
    take: Annotated[
        str, typer.Option(metavar="text|notebook", help="Which half to keep where both have changed.")
    ] = "",
) -> None:
    """Bring every .nb.py and its .ipynb into step, in whichever direction the edit went."""
    from weft.course import pairing

    words = ["--check"] if check else []
    raise typer.Exit(pairing.main([*words, *(["--take", take] if take else [])]))


def verify(
    challenges: Ids = None,
    workers: Annotated[int, typer.Option(min=1, help="Judges side by side; they disturb each other's timing.")] = 1,
    strict: Annotated[bool, typer.Option("--strict", help="A check that no mutant fails is a fault.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Judge again what has not changed.")] = False,
) -> None:
    """Prove challenges: reference 100, stub 0, every mutant caught, every alternative accepted, nothing leaked.

    Exit code 1: something is not as it must be. 3: a judgement broke, so nothing is proved.
    """
    from weft.course.release import chosen
    from weft.course.tables import report_table
    from weft.course.verify import verify as prove
    from weft.layout import Course

    course, reports = Course.find(), []
    for challenge in chosen(course, challenges or ()):
        with progress(f"Proving {challenge.id}") as tell:
            reports.append(
                prove(
                    course,
                    challenge,
                    workers=workers,
                    strict=strict,
                    force=force,
                    report=lambda proof, done, total: tell(
                        f"Judged {proof.variant.kind} {proof.variant.name}", done, total
                    ),
                )
            )
        out().print(report_table(reports[-1]))
    if any(report.faults for report in reports):
        raise typer.Exit(BROKEN if any(report.broken for report in reports) else NOT_SO)
