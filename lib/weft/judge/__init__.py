"""Decides, outside the answer: runs checks, gives verdicts. What a check cell imports stands here."""

from weft.judge.marks import points, requires
from weft.judge.verdicts import CRITERIA, Broken, Evidence, Judgement, Outcome, Verdict

__all__ = ["CRITERIA", "Broken", "Evidence", "Judgement", "Outcome", "Verdict", "points", "requires"]
