"""The certificate: who passed every challenge, with which points, and a code that only its issuer can make.

The code is an HMAC of what the certificate says, under a key that stays in the issuer's course. So whoever issued a
certificate can tell whether it is theirs and unchanged, and nobody else can make one that they would take for theirs.
A learner who grades their own work issues it to themselves, and no code can make more of that than it is.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from weft.judge.verdicts import CRITERIA, format_points
from weft.layout import Course, LayoutError
from weft.record.standing import PASS_MARK, Standing

#: The issuer's key, below the course's root: readable by its owner alone, never committed.
KEY = Path(".weft") / "certificate.key"

#: How what a certificate says stands in its files.
MARK = re.compile(rb"weft-certificate:([0-9a-f]+):")


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says. A row of ``points`` is a challenge's id and title, then its points by criterion."""

    name: str
    day: str
    points: tuple[tuple[str, str, tuple[float, ...]], ...]
    code: str = ""

    @property
    def total(self) -> float:
        """Points over all challenges."""
        return sum(sum(row[2]) for row in self.points)

    def text(self) -> str:
        """All of it but the code, the same for the same certificate."""
        return json.dumps({**asdict(self), "code": ""}, sort_keys=True)

    def mark(self) -> str:
        """What the files carry, so that they can be verified."""
        return f"weft-certificate:{json.dumps(asdict(self), sort_keys=True).encode().hex()}:"


def certificate(course: Course, standings: Sequence[Standing], name: str, day: date) -> Certificate:
    """A certificate for ``name``. Raises LayoutError, with what is missing, unless every challenge was passed."""
    if not name.strip() or not name.isprintable():
        raise LayoutError("A certificate needs a name, in one line.")
    if not standings:
        raise LayoutError("There are no challenges here, so there is nothing to certify.")
    missing = [f"{one.challenge.id} ({_told(one)})" for one in standings if not one.passed]
    if missing:
        raise LayoutError(f"Every challenge needs {PASS_MARK:g} graded points. Still open: {', '.join(missing)}.")
    plain = Certificate(name.strip(), day.isoformat(), tuple(map(_row, standings)))
    return Certificate(plain.name, plain.day, plain.points, _code(plain, _key(course, make=True)))


def is_ours(course: Course, found: Certificate) -> bool:
    """Whether this course made the code, for what the certificate says. Raises LayoutError if there is no key here."""
    return hmac.compare_digest(found.code, _code(found, _key(course, make=False)))


def read(data: bytes) -> Certificate:
    """What a certificate's file carries. Raises LayoutError if it carries none."""
    match = MARK.search(data)
    try:
        row: dict[str, Any] = json.loads(bytes.fromhex(match[1].decode())) if match else {}
        points = tuple((str(id), str(title), tuple(map(float, each))) for id, title, each in row["points"])
        return Certificate(str(row["name"]), str(row["day"]), points, str(row["code"]))
    except (ValueError, TypeError, LookupError):
        raise LayoutError("This is no certificate of Weft's: it carries nothing that could be verified.") from None


def _row(one: Standing) -> tuple[str, str, tuple[float, ...]]:
    assert one.graded is not None
    earned = tuple(float(one.graded.criteria.get(criterion, (0.0, 0.0))[0]) for criterion in CRITERIA)
    return one.challenge.id, str(one.about.get("title", "")), earned


def _told(one: Standing) -> str:
    return f"{format_points(one.graded.total)} points" if one.graded else "not graded"


def _code(found: Certificate, key: bytes) -> str:
    """Twenty hex digits in groups of five: short enough to be read out, too many to be guessed."""
    digits = hmac.new(key, found.text().encode(), hashlib.sha256).hexdigest()[:20]
    return "-".join(digits[start : start + 5] for start in range(0, 20, 5))


def _key(course: Course, make: bool) -> bytes:
    path = course.root / KEY
    try:
        return bytes.fromhex(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        if path.exists() or not make:
            raise LayoutError(f"There is no key in {path}: only the course that issued it can verify.") from None
    path.parent.mkdir(parents=True, exist_ok=True)
    key = secrets.token_bytes(32)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(key.hex())
    return key
