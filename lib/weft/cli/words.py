"""What several commands share: the course, consoles, progress, and typer's options with their texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from weft.layout import Challenge, Course

Id = Annotated[str, typer.Argument(metavar="CHALLENGE", help="The challenge's id, such as T1.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[CHALLENGE]…", help="Ids, such as T1; all if none is given.")]
Reference = Annotated[bool, typer.Option("--reference", help="Use the reference instead of your own answer.")]
File = Annotated[str, typer.Option("--notebook", metavar="FILE", help="Use the answer in this notebook.")]


def find(name: str) -> tuple[Course, Challenge]:
    """The course around this folder, and its challenge of that id. Raises LayoutError."""
    from weft.layout import Course

    course = Course.find()
    return course, course.challenge(name)


def out() -> Console:
    """What a command prints."""
    from rich.console import Console

    return Console(highlight=False)


def aside() -> Console:
    """Progress, which must not get into what a script reads."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


@contextmanager
def progress(what: str) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on standard error: call what it yields with what is being done, how many are done, of how many."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    console = aside()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda text, done, total: bar.update(task, description=text, completed=done, total=total)
