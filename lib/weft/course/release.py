"""From ``source/`` to ``release/`` by nbgrader's own converter, and whether ``release/`` is what it makes."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from nbgrader.converters import GenerateAssignment
from traitlets.config.loader import PyFileConfigLoader

from weft.gradebook.books import Books
from weft.layout import MARKER, Challenge, Course, LayoutError


class Unrecorded(Books):
    """nbgrader's converters for a challenge, without a database: nothing is created and nothing is written down."""

    def __init__(self, course: Course, challenge: Challenge) -> None:
        self.course, self.challenge = course, challenge
        self.config = PyFileConfigLoader(MARKER, path=str(course.root)).load_config()
        self.config.CourseDirectory.root = str(course.root)
        self.config.SaveCells.enabled = False
        self.log = logging.getLogger("weft.course.nbgrader")
        self.log.propagate = False


def chosen(course: Course, ids: Iterable[str] = ()) -> list[Challenge]:
    """The challenges of these ids that have a source, or all that have one. Raises LayoutError for one without."""
    wanted = [course.challenge(name) for name in ids] or [c for c in course.challenges() if c.source_notebook.exists()]
    for challenge in wanted:
        if not challenge.source_notebook.exists():
            raise LayoutError(f"There is no {challenge.source_notebook}. Make it with: weft notebooks")
    return wanted


def release(
    course: Course,
    ids: Iterable[str] = (),
    *,
    database: bool = True,
    report: Callable[[Challenge], None] = lambda challenge: None,
) -> list[Path]:
    """Generate ``release/`` anew for these challenges, or for all, and return its folders.

    ``database`` also records the cells in nbgrader's database, as ``nbgrader generate_assignment`` does.
    Raises LayoutError, or BooksError with nbgrader's own last words.
    """
    folders = []
    for challenge in chosen(course, ids):
        books = Books(course, challenge) if database else Unrecorded(course, challenge)
        _generate(books, course.root / "release", database)
        folders.append(challenge.release_notebook.parent)
        report(challenge)
    return folders


def check_release(course: Course, ids: Iterable[str] = ()) -> list[str]:
    """What in ``release/`` is not, byte for byte, what ``source/`` generates, in sentences; empty if all is.

    Writes to a temporary folder only. Raises LayoutError or BooksError.
    """
    complaints: list[str] = []
    with tempfile.TemporaryDirectory(prefix="weft-release-") as elsewhere:
        for challenge in chosen(course, ids):
            _generate(Unrecorded(course, challenge), Path(elsewhere), database=False)
            there = challenge.release_notebook.parent
            complaints += _differences(challenge.id, Path(elsewhere) / challenge.id, there)
    return complaints


def _generate(books: Books, into: Path, database: bool) -> None:
    folders = books.folders(release_directory=str(into))
    options = {"force": True, "no_database": not database}
    books.run(GenerateAssignment(coursedir=folders, config=books.config, log=books.log, **options))


def _differences(name: str, fresh: Path, there: Path) -> Iterator[str]:
    if not there.is_dir():
        yield f"{name} has not been released: there is no {there.parent.name}/{name}."
        return
    wanted, found = _files(fresh), _files(there)
    for path in sorted(wanted.keys() | found.keys()):
        if path not in found:
            yield f"release/{name}/{path} is missing."
        elif path not in wanted:
            yield f"release/{name}/{path} does not come from source/{name}."
        elif wanted[path] != found[path]:
            yield f"release/{name}/{path} is not what source/{name} generates."


def _files(folder: Path) -> dict[str, bytes]:
    """Contents by path. What JupyterLab or Python leave behind when somebody looks inside does not count."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not {".ipynb_checkpoints", "__pycache__"} & set(path.parts)
    }
