"""What passes between the judge, the answer's host and the answer's process: one JSON object a line."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

#: Facts longer than this, in bytes of JSON, are refused: a check needs numbers and names, not contents.
FACTS_LIMIT = 1 << 20

#: The exit code of an answer's process whose facts were too long.
FACTS_TOO_LONG = 93


@dataclass(slots=True)
class Limits:
    """What one drive may use.

    Seconds, bytes of memory (of all its processes), processes, bytes printed, open files, bytes per file.
    """

    deadline: float = 10.0
    memory: int = 1 << 30
    processes: int = 128
    output: int = 1 << 20
    files: int = 512
    file_size: int = 1 << 28


@dataclass(slots=True)
class Request:
    """One drive.

    ``text`` is the drive module's source, ``function`` the function in it to call with ``args`` and ``kwargs``.
    ``explore`` makes it a scenario: its keys are options of :func:`weft.answer.explored.explore`, or "tasks"
    with the options of :func:`weft.answer.looped.run`, or "loop" with those of :func:`weft.answer.onloop.run`; None
    calls it once.
    """

    text: str
    function: str
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    explore: dict[str, Any] | None = None
    limits: Limits = field(default_factory=Limits)

    def to_line(self) -> bytes:
        """One line of JSON. Raises TypeError if an argument is not JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Request:
        """The inverse of :meth:`to_line`."""
        data = json.loads(line)
        return cls(**{**data, "limits": Limits(**data["limits"])})


@dataclass(slots=True)
class Report:
    """How one drive ended.

    ``ended`` is ``returned``, ``raised``, ``hung``, ``died``, ``flooded``, ``memory``, ``processes`` or ``too long``.
    ``frames`` are the learner's lines of a traceback, innermost first, as ``"progress.py:9 self.total += n"``;
    ``stacks`` the lines of each thread and task of a hung drive. ``seconds`` is wall time, ``cpu_seconds`` user and
    system time of the process and of all children that it waited for, ``peak_rss`` bytes of the largest of them.
    ``left`` counts processes left behind.
    """

    ended: str
    facts: Any = None
    error: str = ""
    message: str = ""
    frames: list[str] = field(default_factory=list)
    stacks: dict[str, list[str]] = field(default_factory=dict)
    output: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_rss: int = 0
    left: int = 0

    def to_line(self) -> bytes:
        """One line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Report:
        """The inverse of :meth:`to_line`."""
        return cls(**json.loads(line))


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it: tuples as lists, anything else than data as its ``repr``, shortened.

    Facts come from the answer, so any object may turn up in them; a check then fails on a readable value, and never
    on our encoder.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, dict):
        return {key if isinstance(key, str) else str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    try:
        return repr(value)[:200]
    except Exception as error:
        return f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
