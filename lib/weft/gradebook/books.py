"""nbgrader in this process: its configuration, its folders, its log, and the challenge in its database."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde, BaseConverter, GenerateAssignment, GenerateFeedback
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from weft.gradebook.repair import Slot, slots_of
from weft.judge.verdicts import Judgement
from weft.layout import MARKER, Challenge, Course, LayoutError


class BooksError(Exception):
    """nbgrader refused something; the message says what and what to do."""


class Folders(CourseDirectory):
    """nbgrader's folders; a timestamp.txt that is no timestamp counts as none instead of ending the run."""

    def get_existing_timestamp(self, dest_path: str) -> datetime | None:
        """When the submission in that folder was handed in, in UTC without a time zone."""
        try:
            return super().get_existing_timestamp(dest_path)
        except Exception:
            self.log.warning("Not a timestamp: %s", Path(dest_path) / "timestamp.txt")
            return None


class ClassAutograde(Autograde):
    """nbgrader's Autograde for one submission whose folder is known and whose judgement may be there already.

    nbgrader looks for notebooks and leaves out a submission without one; here it is graded like any other.
    """

    notebook: Path
    judged: tuple[str, Judgement] | None = None

    def init_notebooks(self) -> None:
        """The one submission, without looking for it."""
        self.assignments = {str(self.notebook.parent): [str(self.notebook)]}
        self.notebooks: list[str] = []

    def init_single_notebook_resources(self, notebook_filename: str) -> dict[str, Any]:
        """nbgrader's resources, and the judgement."""
        resources: dict[str, Any] = super().init_single_notebook_resources(notebook_filename)
        return resources | {"weft": {"judged": self.judged}}


class Books:
    """What nbgrader knows of one challenge of a course. Creating it creates the database where there is none."""

    def __init__(self, course: Course, challenge: Challenge) -> None:
        self.course, self.challenge = course, challenge
        self.config: Config = PyFileConfigLoader(MARKER, path=str(course.root)).load_config()
        self.config.CourseDirectory.root = str(course.root)
        self.log = logging.getLogger("weft.gradebook.nbgrader")
        self.log.propagate = False
        with _own_commands_on_path(), self.gradebook():
            pass

    def folders(self, **settings: Any) -> CourseDirectory:
        """nbgrader's folders for this challenge."""
        return Folders(config=self.config, log=self.log, assignment_id=self.challenge.id, **settings)

    def gradebook(self) -> Gradebook:
        """The open gradebook, a context manager."""
        folders = self.folders()
        return Gradebook(folders.db_url, folders.course_id)

    def register(self) -> list[Slot]:
        """Bring the database up to ``source/``, where there is one, and return the notebook's cells.

        ``release/`` is left as it is. Raises BooksError if nbgrader refuses, as it does when cells were added or
        removed after somebody handed in; LayoutError if the challenge is neither in ``source/`` nor in the database.
        """
        if self.challenge.source_notebook.exists():
            with tempfile.TemporaryDirectory(prefix="weft-release-") as elsewhere:
                folders = self.folders(release_directory=elsewhere)
                converter = GenerateAssignment(coursedir=folders, config=self.config, log=self.log, force=True)
                try:
                    self.run(converter)
                except BooksError as error:
                    raise BooksError(f"nbgrader does not accept {self.challenge.source_notebook}: {error}") from error
        with self.gradebook() as gradebook:
            try:
                return slots_of(gradebook, self.challenge.notebook, self.challenge.id)
            except MissingEntry:
                raise LayoutError(
                    f"The gradebook does not know {self.challenge.id}, "
                    f"and there is no {self.challenge.source_notebook} to learn it from."
                ) from None

    def autograde(self, student: str, judged: tuple[str, Judgement] | None) -> None:
        """Record one submission, whatever was there before. Raises BooksError with nbgrader's own last words."""
        folders = self.folders(student_id=student)
        folder = Path(folders.format_path(folders.submitted_directory, student, self.challenge.id))
        folders.ignore = [*folders.ignore, *_odd_files(folder)]
        converter = ClassAutograde(coursedir=folders, config=self.config, log=self.log, force=True)
        converter.notebook = folder / f"{self.challenge.notebook}.ipynb"
        converter.judged = judged
        self.run(converter)

    def generate_feedback(self, student: str) -> None:
        """Write one student's feedback anew. Raises BooksError."""
        folders = self.folders(student_id=student)
        self.run(GenerateFeedback(coursedir=folders, config=self.config, log=self.log, force=True))

    def run(self, converter: BaseConverter) -> None:
        """Run one of nbgrader's converters. Raises BooksError with the last error that it logged."""
        with self._errors() as errors, warnings.catch_warnings():
            # nbgrader's own code warns thrice for each new submission; there is nothing that anybody could do about it.
            warnings.simplefilter("ignore", SAWarning)
            try:
                converter.start()
            except NbGraderException as error:
                raise BooksError(_last_words(errors) or str(error)) from error

    @contextmanager
    def _errors(self) -> Iterator[list[str]]:
        errors: list[str] = []
        handler = logging.Handler(level=logging.ERROR)
        handler.emit = lambda record: errors.append(record.getMessage())  # type: ignore[method-assign]
        self.log.addHandler(handler)
        try:
            yield errors
        finally:
            self.log.removeHandler(handler)


@contextmanager
def _own_commands_on_path() -> Iterator[None]:
    """nbgrader runs the command ``alembic`` to create a database, which is beside our Python and maybe nowhere else."""
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([before, str(Path(sys.executable).parent)])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def _odd_files(folder: Path) -> list[str]:
    """Names of what nbgrader cannot copy: broken links, pipes, sockets."""
    return [path.name for path in folder.rglob("*") if not path.is_file() and not path.is_dir()]


def _last_words(errors: list[str]) -> str:
    """The exception's own line out of the tracebacks that nbgrader logged."""
    tracebacks = [error for error in errors if error.startswith("Traceback")]
    return tracebacks[-1].strip().splitlines()[-1] if tracebacks else (errors[-1] if errors else "")
