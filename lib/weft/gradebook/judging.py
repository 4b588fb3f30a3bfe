"""From cells to a judgement that covers every graded cell, whatever happens on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from weft.answer.lift import CHECKS_LINE, Lifted
from weft.judge.verdicts import Evidence, Judgement, Outcome, Verdict


def judge(lifted: Lifted, watch: Callable[[Verdict], None] = lambda verdict: None) -> Judgement:
    """Judge in a sandbox. A judge that fails gives a judgement without verdicts and a note that says why.

    ``watch`` sees each verdict as it falls; a BaseException that it raises (not an Exception) ends the judge.
    """
    from weft.judge import session

    # Notes belong to one submission, a judgement to all that hand in the same modules.
    lifted = dataclasses.replace(lifted, notes=[])
    try:
        judgement = session.judge(lifted, sandbox=True, report=watch)
    except Exception as error:
        return Judgement(notes=[f"The judge failed: {type(error).__name__}: {error}"[:500]])
    if not judgement.verdicts:
        judgement.notes.append("The judge gave no verdict.")
    return judgement


def graded_cells(notebook: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The cells whose score the judge has to give: graded code cells that are not the learner's own."""
    return [
        cell
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
        and (known := cell["metadata"].get("nbgrader", {})).get("grade")
        and not known.get("solution")
    ]


def complete(judgement: Judgement, notebook: Mapping[str, Any]) -> Judgement:
    """Add a broken verdict for every graded cell that the judgement says nothing about."""
    judged = {verdict.cell for verdict in judgement.verdicts}
    why = judgement.notes[-1] if judgement.notes else "The judge said nothing about this cell."
    for cell in graded_cells(notebook):
        if cell["metadata"]["nbgrader"]["grade_id"] not in judged:
            judgement.verdicts.append(_whole_cell(cell, Outcome.BROKEN, "This cell could be judged.", why))
    return judgement


def unread(reason: str, notebook: Mapping[str, Any]) -> Judgement:
    """The judgement on a submission in which there is nothing to judge: no points, and the reason in every cell."""
    sentence = "A notebook was handed in and can be read."
    cells = graded_cells(notebook)
    return Judgement([_whole_cell(cell, Outcome.FAIL, sentence, reason) for cell in cells])


def _whole_cell(cell: Mapping[str, Any], outcome: Outcome, sentence: str, message: str) -> Verdict:
    known = cell["metadata"]["nbgrader"]
    match = CHECKS_LINE.match(cell["source"].partition("\n")[0])
    return Verdict(
        check="submission",
        sentence=sentence,
        cell=known["grade_id"],
        criterion=match.group(1) if match else known["grade_id"].partition("-")[0],
        points=float(known["points"]),
        hidden=False,
        outcome=outcome,
        evidence=Evidence(message=message),
    )
