"""The second half of autograding: the judge in place of a kernel, and its verdicts in the gradebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbformat import from_dict
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor, SaveAutoGrades
from nbgrader.utils import compute_checksum
from traitlets import Unicode

from weft.gradebook.judging import complete, graded_cells, judge, unread
from weft.gradebook.outputs import cell_outputs
from weft.gradebook.repair import lift_repaired
from weft.gradebook.store import FOLDER, JudgementStore, key_of
from weft.gradebook.submission import RECORD
from weft.gradebook.words import summary
from weft.judge.verdicts import Judgement


class JudgeSubmission(NbGraderPreprocessor):
    """Stands where nbgrader executes the notebook: judges its answer cells and writes each check cell's outputs.

    A judgement comes from ``resources["weft"]["judged"]`` (key and judgement, from a run that judged a whole class
    before), else from the store, else from the judge. It goes on in ``resources["weft"]["judgement"]``.
    """

    store = Unicode(str(FOLDER), help="Folder of judgements, relative to the course's.").tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Judge. nbgrader has changed into the course's folder and restored the check cells from its database."""
        record = nb.metadata[RECORD]
        if record["reason"]:
            judgement, key = unread(record["reason"], nb), ""
        else:
            lifted = lift_repaired(nb)
            key = key_of(lifted)
            judgement = complete(self._judgement(key, lifted, resources["weft"].get("judged")), nb)
            judgement.notes = [*record["notes"], *lifted.notes, *judgement.notes]
        record["judgement"] = "" if judgement.broken else key
        for cell in graded_cells(nb):
            part = judgement.of_cell(cell["metadata"]["nbgrader"]["grade_id"])
            cell["outputs"] = [from_dict(output) for output in cell_outputs(part)]
        resources["weft"]["judgement"] = judgement
        return nb, resources

    def _judgement(self, key: str, lifted: Any, judged: tuple[str, Judgement] | None) -> Judgement:
        if judged is not None and judged[0] == key:
            return judged[1]
        store = JudgementStore(Path(self.store))
        judgement = store.get(key)
        if judgement is None:
            judgement = judge(lifted)
            store.put(key, judgement)
        return judgement


class SaveJudgement(SaveAutoGrades):
    """Records the judgement's points, never a value that stands in an output, and says why in a comment."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Record scores and comments of one notebook."""
        self.judgement: Judgement = resources["weft"]["judgement"]
        self.complaints: list[str] = []
        self.untouched: dict[str, bool] = {}
        nb, resources = super().preprocess(nb, resources)
        with Gradebook(self.db_url) as gradebook:
            self._comment(gradebook, nb.metadata[RECORD])
        return nb, resources

    def _add_score(self, cell: Any, resources: Any) -> None:
        name = cell.metadata.nbgrader["grade_id"]
        part = self.judgement.of_cell(name)
        if not part.verdicts:  # a cell of the learner's own that a person grades
            super()._add_score(cell, resources)
            return
        grade = self.gradebook.find_grade(name, self.notebook_id, self.assignment_id, self.student_id)
        grade.auto_score = max(0.0, min(round(part.earned, 6), grade.max_score))
        agree = abs(part.possible - grade.max_score) < 1e-6
        if not agree:
            self.complaints.append(
                f"the checks of {name} are worth {part.possible:g} points, its cell {grade.max_score:g}"
            )
        grade.needs_manual_grade = part.broken or not agree or grade.manual_score is not None
        self.gradebook.db.commit()

    def _add_comment(self, cell: Any, resources: Any) -> None:
        known = cell.metadata.nbgrader
        self.untouched[known["grade_id"]] = known.get("checksum") == compute_checksum(cell)

    def _comment(self, gradebook: Any, record: Any) -> None:
        """The summary stands at the first answer cell, wherever it is in the notebook, or at any if there is none."""
        submitted = gradebook.find_submission_notebook(self.notebook_id, self.assignment_id, self.student_id)
        names = sorted(comment.name for comment in submitted.comments)
        first = next(iter(self.untouched), names[0] if names else "")
        idle = bool(self.untouched) and all(self.untouched.values())
        text = summary(self.judgement, reason=record["reason"], idle=idle, complaints=self.complaints)
        for comment in submitted.comments:
            empty = "No response." if self.untouched.get(comment.name) else None
            comment.auto_comment = text if comment.name == first else empty
        gradebook.db.commit()
