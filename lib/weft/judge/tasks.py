"""What came of an async drive on the virtual clock, as a check sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from weft.judge.verdicts import Evidence

#: A kind of failure, in the words of a verdict.
SAID = {
    "invariant": "The tasks can take turns in a way that breaks it.",
    "deadlock": "Every task waits, and nothing is left that could wake one.",
    "livelock": "The tasks keep each other busy for ever, and time stands still.",
    "too long": "It goes on and on.",
}


@dataclass
class TaskRun:
    """One run. ``elapsed`` is in virtual seconds, ``result`` are the facts, ``notes`` what else was seen."""

    outcome: str
    result: Any = None
    elapsed: float = 0.0
    steps: int = 0
    failure: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    reason: str = ""
    seed: int | None = None

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> TaskRun:
        """From the JSON of a :class:`weft.probes.virtual_clock.VirtualRun`. Raises TypeError and the like."""
        found = cls(**{**row, "failure": row["failure"] or {}})
        if found.outcome not in ("holds", "fails", "inconclusive") or not isinstance(found.elapsed, int | float):
            raise ValueError(f"no run: {row}")
        return found

    def evidence(self, called: str) -> Evidence:
        """Why it failed, with the lines where each task stood."""
        kind = str(self.failure.get("kind", ""))
        message = SAID.get(kind, "") if self.seed is not None or kind != "invariant" else ""
        return Evidence(
            called=called,
            came_back=str(self.failure.get("message", "")).partition("\n")[0][:300],
            message=message,
            look_at=[_place(text) for text in reversed(self.failure.get("traceback", ()))][:6],
            stacks={str(task["name"]): [_stood(line) for line in task["coroutine"]] for task in self._tasks()},
            schedule=self._waits() if kind == "deadlock" else {},
        )

    def _waits(self) -> dict[str, Any]:
        """Who waits for whom, in the shape in which the explorer tells it, for the same drawing."""
        locks = {str(held["lock"]) for task in self._tasks() for held in task.get("holds", ())}
        return {**self.failure, "waits": [_wait(task, locks) for task in self._tasks()]}

    def _tasks(self) -> list[dict[str, Any]]:
        return list(self.failure.get("tasks", ()))[:12]


def _wait(task: dict[str, Any], locks: set[str]) -> dict[str, Any]:
    """``locks`` are the names of all that are held: "Lock a" is waited for, and "a" is held."""
    line = task["coroutine"][-1] if task["coroutine"] else None
    what, held, _ = str(task.get("waits_for", "")).partition(", held by")
    return {
        "thread": task["name"],
        "what": next((lock for lock in locks if f" {what}".endswith(f" {lock}")), what),
        "where": f"{line['file']}:{line['line']}" if line else "",
        "held_by": " and ".join(task.get("held_by", ())) if held else "",
        "holds": task.get("holds", []),
    }


def _place(text: str) -> str:
    """Two lines of a traceback as one: ``scraper.py:12 await fetch(url)``."""
    head, _, source = text.strip().partition("\n")
    file, _, rest = head.removeprefix('File "').partition('", line ')
    line = source.strip().partition("\n")[0]  # below it stand the carets of 3.11 and later
    return f"{file.rpartition('/')[2]}:{rest.partition(',')[0]} {line}"


def _stood(line: dict[str, Any]) -> str:
    return f"{line['file']}:{line['line']} {line['source']}"
