"""What the judge says of an answer: a verdict for each check, with its evidence, as plain data."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

#: Criteria and their weights, the same in every challenge.
CRITERIA = {"correctness": 40, "concurrency": 30, "performance": 15, "quality": 10, "errors": 5}


class Broken(Exception):
    """We failed, not the learner: the machine is too noisy to measure on, a world died, a check has a bug."""


class Outcome(StrEnum):
    """The four verdicts."""

    PASS = "pass"
    FAIL = "fail"
    BROKEN = "broken"
    NOT_RUN = "not run"


@dataclass(slots=True)
class Evidence:
    """Why a verdict is what it is, in the learner's terms. Empty strings and lists are left out when shown.

    ``look_at`` holds places in the learner's own code, innermost first, as ``"progress.py:9 self.total += n"``.
    ``stacks`` maps the name of a thread or task that hung to its learner's lines, outermost first, ``output`` is what
    the answer printed. ``schedule`` is the JSON of a failure that the explorer found; it is drawn where it is shown.
    """

    called: str = ""
    came_back: str = ""
    wanted: str = ""
    message: str = ""
    look_at: list[str] = field(default_factory=list)
    stacks: dict[str, list[str]] = field(default_factory=dict)
    output: str = ""
    schedule: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Verdict:
    """One check's outcome.

    ``cell`` is the check cell's grade_id, ``points`` what the check is worth, ``seconds`` wall time.
    """

    check: str
    sentence: str
    cell: str
    criterion: str
    points: float
    hidden: bool
    outcome: Outcome
    evidence: Evidence = field(default_factory=Evidence)
    seconds: float = 0.0

    @property
    def earned(self) -> float:
        """Points that this verdict gives. A broken check never costs any."""
        return self.points if self.outcome in (Outcome.PASS, Outcome.BROKEN) else 0.0

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Verdict:
        """The inverse of ``dataclasses.asdict``."""
        return cls(**{**row, "outcome": Outcome(row["outcome"]), "evidence": Evidence(**row["evidence"])})


@dataclass(slots=True)
class Judgement:
    """All verdicts on one submission.

    ``sandbox`` says what walls the answer ran behind, ``notes`` what the reader should know besides (a module that is
    defined twice, a cell that was put back), ``seconds`` is wall time of the whole.
    """

    verdicts: list[Verdict] = field(default_factory=list)
    sandbox: str = ""
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def of_cell(self, cell: str) -> Judgement:
        """The part that belongs to one check cell."""
        part = [verdict for verdict in self.verdicts if verdict.cell == cell]
        return Judgement(part, self.sandbox, self.notes, sum(verdict.seconds for verdict in part))

    def visible(self) -> Judgement:
        """The part that a learner may see before grading."""
        part = [verdict for verdict in self.verdicts if not verdict.hidden]
        return Judgement(part, self.sandbox, self.notes, self.seconds)

    @property
    def earned(self) -> float:
        """Points earned."""
        return sum(verdict.earned for verdict in self.verdicts)

    @property
    def possible(self) -> float:
        """Points that could be earned."""
        return sum(verdict.points for verdict in self.verdicts)

    @property
    def passed(self) -> bool:
        """Whether every check passed. Broken is not passed."""
        return all(verdict.outcome is Outcome.PASS for verdict in self.verdicts)

    @property
    def broken(self) -> bool:
        """Whether any check is broken, so that a person should look."""
        return any(verdict.outcome is Outcome.BROKEN for verdict in self.verdicts)

    def by_criterion(self) -> dict[str, tuple[float, float]]:
        """Earned and possible points for each criterion, in the rubric's order."""
        totals = {criterion: (0.0, 0.0) for criterion in CRITERIA}
        for verdict in self.verdicts:
            earned, possible = totals.get(verdict.criterion, (0.0, 0.0))
            totals[verdict.criterion] = (earned + verdict.earned, possible + verdict.points)
        return totals

    def to_json(self) -> str:
        """The judgement as JSON text, the same for the same judgement."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> Judgement:
        """The inverse of :meth:`to_json`. Raises ValueError, KeyError or TypeError for text that is not a judgement."""
        data: dict[str, Any] = json.loads(text)
        data["verdicts"] = [Verdict.from_dict(row) for row in data["verdicts"]]
        return cls(**data)


def format_points(number: float) -> str:
    """``8`` for 8.0, ``2.5`` for 2.5."""
    return f"{number:g}"
