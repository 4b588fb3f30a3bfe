"""What a check cell gives back, so that the learner sees a table and nbgrader's Validate a number."""

from __future__ import annotations

import html
import re

from weft.judge.tables_html import verdict_table
from weft.judge.tables_text import verdict_lines
from weft.judge.verdicts import Judgement, Outcome


class Shown:
    """A judgement to be displayed; as an output that is not a cell's result, nbgrader gives full marks for it."""

    def __init__(self, judgement: Judgement, criterion: str, hidden_points: float) -> None:
        self.judgement = judgement
        self._html = verdict_table(judgement, criterion=criterion, hidden_points=hidden_points)
        self._plain = verdict_lines(judgement, criterion=criterion, hidden_points=hidden_points)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self._html, "text/plain": self._plain}


class Partial(Shown):
    """The result of a cell whose checks did not all pass: its plain text is the points earned, as nbgrader wants it."""

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self._html, "text/plain": repr(float(self.judgement.earned))}


class NotJudged:
    """The result of a cell that could not be judged: one sentence, and no points."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        told = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(self.sentence))
        return {"text/html": f'<div role="status">{told}</div>', "text/plain": "0.0"}


def lost_something(judgement: Judgement) -> bool:
    """Whether a check failed or was not run. Broken ones cost nothing."""
    return any(verdict.outcome in (Outcome.FAIL, Outcome.NOT_RUN) for verdict in judgement.verdicts)
