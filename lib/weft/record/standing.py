"""Where a learner stands in each challenge: parts, visible points, what was handed in, what was graded."""

from __future__ import annotations

import getpass
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weft.layout import Challenge, Course
from weft.record.journal import FOLDER
from weft.record.parts import Part, parts_of

if TYPE_CHECKING:
    from weft.gradebook.scores import Score

#: Points of 100 that pass a challenge. The certificate asks for them in every one.
PASS_MARK = 60.0

#: Where the name is kept under which the learner handed in last.
LEARNER = FOLDER / "learner.json"


@dataclass(frozen=True, slots=True)
class Standing:
    """One challenge. ``about`` is its notebook's metadata, ``handed_in`` a time as nbgrader writes it, or empty."""

    challenge: Challenge
    about: Mapping[str, Any] = field(default_factory=dict)
    started: bool = False
    parts: list[Part] = field(default_factory=list)
    handed_in: str = ""
    graded: Score | None = None

    @property
    def visible(self) -> tuple[float, float]:
        """Visible points earned and possible. Those of parts that were changed since count until they are run again."""
        return sum(part.earned for part in self.parts), sum(part.possible for part in self.parts)

    @property
    def released(self) -> bool:
        """Whether there is something to start from."""
        return self.challenge.release_notebook.exists()

    @property
    def passed(self) -> bool:
        """Whether what was graded reaches the pass mark."""
        return self.graded is not None and self.graded.total >= PASS_MARK


def standings(course: Course, student: str = "") -> list[Standing]:
    """All challenges of the course, in the course's order. ``student`` is the learner who works here, unless said."""
    who = student or learner(course)
    graded = _graded(course, who)
    found = [_standing(challenge, who, graded.get(challenge.id)) for challenge in course.challenges()]
    return sorted(found, key=lambda one: (int(one.about.get("order") or 99), one.challenge.id))


def learner(course: Course) -> str:
    """The name under which something was handed in last, or else the login."""
    try:
        return str(json.loads((course.root / LEARNER).read_text(encoding="utf-8"))["student"])
    except (OSError, ValueError, LookupError, TypeError):
        return getpass.getuser()


def remember(course: Course, student: str) -> None:
    """Keep the name under which the learner hands in. Raises OSError."""
    path = course.root / LEARNER
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"student": student}), encoding="utf-8")


def _standing(challenge: Challenge, student: str, graded: Score | None) -> Standing:
    stamp = challenge.root / "submitted" / student / challenge.id / "timestamp.txt"
    return Standing(
        challenge,
        about=challenge.about(),
        started=challenge.own_notebook.exists(),
        parts=parts_of(challenge),
        handed_in=_read(stamp) or ("at an unknown time" if stamp.parent.exists() else ""),
        graded=graded,
    )


def _graded(course: Course, student: str) -> dict[str, Score]:
    """The student's marks by challenge. Where nothing was ever graded no database is made, nor nbgrader imported."""
    if not (course.root / "gradebook.db").exists():
        return {}
    from weft.gradebook.scores import scores

    return {row.challenge: row for row in scores(course) if row.student == student}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""
