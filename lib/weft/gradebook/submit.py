"""Hand in a challenge on this machine: what ``nbgrader submit`` and ``collect`` do through an exchange."""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from weft.layout import Course, LayoutError

#: nbgrader's own format of timestamp.txt.
TIMESTAMP = "%Y-%m-%d %H:%M:%S.%f %Z"

#: What stays at home: checkpoints, caches, and whatever else hides.
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "*.pyc", "*.part")

NAME = re.compile(r"\w[\w.@-]*")


@dataclass(frozen=True, slots=True)
class Submitted:
    """What happened. ``replaced`` is the time of the submission that this one took the place of, as it was written."""

    challenge: str
    student: str
    folder: Path
    time: str
    replaced: str | None = None

    @property
    def sentence(self) -> str:
        """The whole of it, for the learner."""
        before = f" It replaces the one from {self.replaced}." if self.replaced else ""
        return f"{self.challenge} was handed in for {self.student} at {self.time}.{before}"


def submit(course: Course, challenge_id: str, student: str) -> Submitted:
    """Copy ``notebooks/challenges/T1`` to ``submitted/STUDENT/T1``, in place of what was there.

    Raises LayoutError if there is no notebook to hand in, or ``student`` cannot be the name of a folder.
    """
    challenge = course.challenge(challenge_id)
    if not NAME.fullmatch(student):
        raise LayoutError(
            f"{student!r} cannot be a student's name here: use letters, digits, and any of _ . @ - after the first."
        )
    if not challenge.own_notebook.is_file():
        raise LayoutError(f"There is no {challenge.own_notebook}. Begin with: weft start {challenge.id}")
    shelf = course.root / "submitted" / student
    shelf.mkdir(parents=True, exist_ok=True)
    target, time = shelf / challenge.id, datetime.now(UTC).strftime(TIMESTAMP)
    with tempfile.TemporaryDirectory(dir=shelf, prefix=".", suffix=".part") as beside:
        fresh = Path(beside) / "new"
        shutil.copytree(challenge.own_notebook.parent, fresh, ignore=LEFT_OUT)
        (fresh / "timestamp.txt").write_text(time, encoding="utf-8")
        # nbgrader's release_feedback names a page by this, so that nobody can guess another's.
        (fresh / "submission_secret.txt").write_text(secrets.token_hex(64), encoding="utf-8")
        replaced = _time_of(target)
        if target.exists():
            target.rename(Path(beside) / "old")
        fresh.rename(target)
    return Submitted(challenge.id, student, target, time, replaced)


def _time_of(folder: Path) -> str | None:
    """The time in an earlier submission; an unknown one if it says none."""
    if not folder.exists():
        return None
    try:
        return (folder / "timestamp.txt").read_text(encoding="utf-8").strip() or "an unknown time"
    except (OSError, ValueError):
        return "an unknown time"
