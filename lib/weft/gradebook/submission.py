"""The first half of autograding: a submission is read tolerantly and repaired, before nbgrader's own steps see it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbformat import from_dict
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

from weft.gradebook.reading import read_submission
from weft.gradebook.repair import repair, slots_of

#: Key of a graded notebook's metadata under which grading says what it found.
RECORD = "weft_grading"


class SubmissionExporter(NotebookExporter):
    """nbgrader's exporter, but any file can be converted, even one that is not there.

    What the reader found is in ``resources["weft"]``: ``digest``, ``notes`` and ``reason``.
    """

    def from_filename(self, filename: str, resources: Any = None, **options: Any) -> tuple[str, Any]:
        """Convert the notebook in that file, with ``resources`` from the converter."""
        path = Path(filename)
        resources = {} if resources is None else resources
        resources["metadata"] = {"name": path.stem, "path": str(path.parent)}
        reading = read_submission(path)
        found = {"digest": reading.digest, "notes": reading.notes, "reason": reading.reason}
        resources["weft"] = {**resources.get("weft", {}), **found}
        return self.from_notebook_node(from_dict(reading.notebook()), resources, **options)


class RepairSubmission(NbGraderPreprocessor):
    """Puts a submission into the shape that the database knows; stands before OverwriteCells."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Repair, and leave in the notebook's metadata what was found."""
        names = resources["nbgrader"]
        with Gradebook(names["db_url"]) as gradebook:
            slots = slots_of(gradebook, names["notebook"], names["assignment"])
        found = resources["weft"]
        cells = list(nb.cells)
        notes = [*found["notes"], *repair(cells, slots)]
        if found["reason"]:
            notes = []  # that every cell was missing goes without saying
            cells.insert(0, _notice(found["reason"]))
        nb.cells = [from_dict(cell) for cell in cells]
        record = {"submission": found["digest"], "notes": notes, "reason": found["reason"]}
        nb.metadata = from_dict({"language_info": {"name": "python"}, RECORD: record})
        return nb, resources


def expect_notebook(assignment: str, notebooks: list[str], **_: object) -> None:
    """nbgrader's pre_convert_hook: a submission under another name is graded as one that is missing, not left out."""
    from weft.layout import Course

    folder = Path(notebooks[0]).parent
    expected = folder / f"{Course(Path.cwd()).challenge(assignment).notebook}.ipynb"
    if str(expected) not in notebooks:
        notebooks.append(str(expected))


def _notice(reason: str) -> dict[str, Any]:
    return {"id": "weft-reason", "cell_type": "markdown", "metadata": {}, "source": f"**{reason}**"}
