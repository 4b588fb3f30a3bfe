"""A new challenge that is complete, small and proved, for its author to replace piece by piece."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path

from weft.course.pairing import Pair, sync
from weft.layout import Challenge, Course, LayoutError

TEMPLATE = Path(__file__).with_name("template")

#: nbgrader's ids may hold more; these are what fits on a shelf and in a sentence.
ID = re.compile(r"[A-Z][A-Z0-9]{0,7}")


def scaffold(course: Course, identity: str, *, title: str, concept: str = "threading", notebook: str = "") -> Challenge:
    """Make ``source/X1`` from the template and return the new challenge.

    ``notebook`` is its notebook's name without ending; made of ``title`` unless said.
    Raises LayoutError, with nothing written, for an id or name that is bad or taken.
    """
    stem = notebook or re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
    if refused := _refusal(course, identity, title, stem):
        raise LayoutError(refused)
    challenge = Challenge(identity, stem, course.root)
    values = {"id": identity, "title": title.strip(), "quoted_title": json.dumps(title.strip()), "concept": concept}
    (course.root / "source").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=course.root / "source", prefix=".new-") as beside:
        fresh = Path(beside) / identity
        for path in sorted(TEMPLATE.rglob("*.txt")):
            target = fresh / path.relative_to(TEMPLATE).with_suffix("")
            target.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text(encoding="utf-8")
            target.write_text(
                text.format(**values) if path.stem.endswith((".nb.py", ".md")) else text, encoding="utf-8"
            )
        (fresh / "notebook.nb.py").rename(fresh / f"{stem}.nb.py")
        shutil.move(fresh, challenge.source)
    sync(Pair(course.root, challenge.source_text))
    return challenge


def _refusal(course: Course, identity: str, title: str, stem: str) -> str:
    """Why these will not do, in a sentence; empty if they will."""
    taken = {challenge.id.lower() for challenge in course.challenges()}
    if not ID.fullmatch(identity):
        return f"{identity!r} cannot be a challenge's id: use a capital letter, then capitals and digits, such as X1."
    if identity.lower() in taken or (course.root / "source" / identity).exists():
        return f"{identity} is taken. These are: {', '.join(sorted(taken)).upper() or identity}."
    if not title.strip() or "\n" in title:
        return "A challenge needs a title of one line, such as --title 'Thread-safe counter'."
    if not re.fullmatch(r"[a-z][a-z0-9_]*", stem):
        return f"{stem!r} cannot be a notebook's name: say one in small letters, such as --notebook safe_counter."
    return ""
