"""What was found, as JSON-able values, and the ledger into which the instruments write."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from weft.probes.places import NOWHERE, Spot

BLOCKING = "blocking call"
HOG = "cpu hog"
LEAKED = "leaked task"
FORGOTTEN = "never awaited"
LOST = "lost exception"
GENERATOR = "leaked async generator"
UNCLOSED = "unclosed resource"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault. ``place`` is "file:line" of the answer and ``source`` that line, "" where no line is known."""

    kind: str
    message: str
    place: str = ""
    source: str = ""
    task: str = ""

    def __str__(self) -> str:
        where = f" at {self.place}  {self.source}" if self.place else ""
        return f"{self.kind}{where}: {self.message}"


@dataclass(frozen=True, slots=True)
class Failed:
    """The error with which a run ended; ``place`` is "" if no line of the answer raised it."""

    type: str
    message: str
    place: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Hygiene:
    """One run: what ``main`` returned, or the error with which it ended, and all that was found."""

    result: Any = None
    error: Failed | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def kinds(self) -> list[str]:
        """The kinds of all findings, in the order in which they were found."""
        return [finding.kind for finding in self.findings]

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists; ``result`` as ``main`` returned it."""
        return asdict(self)


class Ledger:
    """Findings as they come. The same fault at the same line is one finding."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, Spot], str] = {}

    def add(self, kind: str, message: str, spot: Spot = NOWHERE, task: str = "") -> None:
        self._rows.setdefault((kind, message, spot), task)

    def findings(self) -> list[Finding]:
        # Lines are read from the files here and not in `add`: reading them on the loop would be seen as blocking.
        return [
            Finding(kind, message, str(spot), spot.source, task) for (kind, message, spot), task in self._rows.items()
        ]
