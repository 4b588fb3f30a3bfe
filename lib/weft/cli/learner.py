"""The learner's commands: lab, start, check, run, export, submit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weft.cli.endings import BROKEN, NOT_SO
from weft.cli.words import File, Id, Reference, aside, find, out

if TYPE_CHECKING:
    from weft.answer.lift import Lifted
    from weft.judge.verdicts import Judgement, Verdict

#: A command that hands what it does not know to the program that it runs.
PASSES_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def register(app: typer.Typer) -> None:
    """Add the learner's commands."""
    shelf, panel = app.command, "Learners"
    shelf(rich_help_panel=panel, context_settings=PASSES_ON, epilog="Example: weft lab --no-browser --port 8899")(lab)
    shelf(rich_help_panel=panel, epilog="Example: weft start T1")(start)
    shelf(rich_help_panel=panel, epilog="Example: weft check T1 --criterion concurrency")(check)
    shelf(
        rich_help_panel=panel,
        context_settings=PASSES_ON | {"help_option_names": []},
        epilog="Example: weft run T1 --reference --debug",
    )(run)
    shelf(rich_help_panel=panel, epilog="Example: weft export T1 --to my_downloader")(export)
    shelf(rich_help_panel=panel, epilog="Example: weft submit T1 --as ann")(submit)


def lab(
    ctx: typer.Context,
    course_root: Annotated[
        bool, typer.Option("--course", help="Show the whole course, as authors and Formgrader need it.")
    ] = False,
) -> None:
    """Open JupyterLab on the start page. Whatever else you say is passed on to JupyterLab."""
    from weft.cli.answers import run_child
    from weft.cli.lab import command, environment
    from weft.layout import Course

    course = Course.find()
    raise typer.Exit(run_child(command(course, course_root, ctx.args), environment(), course.root))


def start(challenge: Id) -> None:
    """Put a challenge on your shelf. What you have written there already is never overwritten."""
    from weft.notebook import shelf

    course, found = find(challenge)
    there = found.own_notebook.exists()
    own = shelf.start(found)
    said = "is on your shelf already" if there else "is on your shelf"
    typer.echo(f"{found.id} {said}: {own.relative_to(course.root)}. Open it with: weft lab")


def check(
    challenge: Id,
    criterion: Annotated[str, typer.Option(help="Judge this criterion alone, such as concurrency.")] = "",
    reference: Reference = False,
    notebook: File = "",
) -> None:
    """Run the visible checks on your own answer, as the check cells do. Exit code 1: some did not pass."""
    from weft.judge.tables_text import verdict_text

    lifted = _to_judge(challenge, criterion, reference, notebook)
    judgement = _judge(lifted)
    out().print(verdict_text(judgement, hidden_points=sum(cell.hidden_points for cell in lifted.cells)))
    if not judgement.passed:
        outcomes = {str(verdict.outcome) for verdict in judgement.verdicts}
        raise typer.Exit(NOT_SO if outcomes - {"pass", "broken"} else BROKEN)


def run(ctx: typer.Context, challenge: Id, reference: Reference = False, notebook: File = "") -> None:
    """Run your answer as a program. What follows is passed on to it: weft run T1 --help says what it can do."""
    import tempfile

    from weft.cli import answers

    if challenge in ("-h", "--help"):
        typer.echo(ctx.get_help())
        return
    lifted = answers.answer_of(find(challenge)[1], reference, notebook)
    with tempfile.TemporaryDirectory(prefix="weft-run-") as folder:
        answers.export(lifted, Path(folder))
        code = answers.run_child([sys.executable, folder, *ctx.args], {})
    raise typer.Exit(code)


def export(
    challenge: Id,
    reference: Reference = False,
    notebook: File = "",
    to: Annotated[str, typer.Option("--to", metavar="FOLDER", help="Where; the id in small letters unless said.")] = "",
) -> None:
    """Write your answer as plain modules, with a __main__.py that runs them. Refuses a folder that is not empty."""
    from weft.cli import answers

    found = find(challenge)[1]
    folder = Path(to or found.id.lower())
    written = answers.export(answers.answer_of(found, reference, notebook), folder)
    typer.echo(f"{len(written)} files are in {folder}. Run them with: python {folder} --help")


def submit(
    challenge: Id,
    student: Annotated[
        str, typer.Option("--as", metavar="NAME", help="Whose it is; the last one's, or your login, unless said.")
    ] = "",
) -> None:
    """Hand in your answer on this machine, in place of what you handed in before."""
    from weft.gradebook import submit as handing_in
    from weft.record.standing import learner, remember

    course, found = find(challenge)
    who = student or learner(course)
    typer.echo(handing_in.submit(course, found.id, who).sentence)
    remember(course, who)


def _to_judge(challenge: str, criterion: str, reference: bool, notebook: str) -> Lifted:
    """The answer with the visible checks that were asked for. Raises LayoutError if there are none."""
    from weft.cli.answers import answer_of
    from weft.course.variants import visible
    from weft.judge.verdicts import CRITERIA
    from weft.layout import LayoutError

    if criterion and criterion not in CRITERIA:
        raise LayoutError(f"There is no criterion {criterion}. There are: {', '.join(CRITERIA)}.")
    try:
        lifted = visible(answer_of(find(challenge)[1], reference, notebook))
    except SyntaxError as error:
        raise LayoutError(f"A check cell does not compile ({error.msg}); take it from a fresh copy.") from None
    lifted.cells = [cell for cell in lifted.cells if criterion in ("", cell.criterion)]
    if not lifted.cells:
        raise LayoutError(f"There are no check cells{f' for {criterion}' if criterion else ''} in that notebook.")
    return lifted


def _judge(lifted: Lifted) -> Judgement:
    """Judge, and tell of each verdict as it falls where somebody is watching."""
    from weft.judge import session
    from weft.judge.cells import all_checks

    try:
        total, done = len(all_checks(lifted.cells)), 0
    except SyntaxError as error:
        from weft.layout import LayoutError

        raise LayoutError(f"A check cell does not compile ({error.msg}); take it from a fresh copy.") from None
    with aside().status(f"Judging, {total} checks") as status:

        def report(verdict: Verdict) -> None:
            nonlocal done
            done += 1
            status.update(f"Judging, {done} of {total} checks done")

        return session.judge(lifted, report=report if sys.stderr.isatty() else lambda verdict: None)
