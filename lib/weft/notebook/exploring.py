"""``weft.explore`` and ``weft.replay``: the schedule explorer in the learner's own hands."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from weft.answer.drive import Host
from weft.judge.answer import Answer, AnswerFailure
from weft.judge.verdicts import Broken
from weft.notebook.magics import bench
from weft.notebook.trouble import Trouble
from weft.notebook.workbench import Workbench
from weft.pictures import lines, picture
from weft.probes.explorer.outcome import Exploration, Failure


class Explored:
    """What an exploration or a replay showed. ``holds``, ``schedule`` (the failing one, or None) and ``result``."""

    def __init__(self, sentence: str, failure: Failure | None, holds: bool, remarks: list[str], result: Any) -> None:
        self.sentence, self.failure, self.holds, self.remarks, self.result = sentence, failure, holds, remarks, result

    @property
    def schedule(self) -> dict[str, Any] | None:
        """The schedule that fails, to give to ``weft.replay``; None if none did."""
        return self.failure.schedule if self.failure else None

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        parts = [f"<p><strong>{html.escape(self.sentence)}</strong></p>"]
        if self.failure:
            parts.append(picture(self.failure.to_json()))
        parts += [f"<p>{html.escape(remark)}</p>" for remark in self.remarks]
        return {"text/html": "".join(parts), "text/plain": str(self)}

    def __str__(self) -> str:
        drawn = lines(self.failure.to_json()) if self.failure else []
        return "\n".join([self.sentence, *drawn, *self.remarks])


def explore(
    scenario: Callable[..., Any], *args: Any, schedules: int = 200, seed: int = 0, seconds: float = 20.0
) -> Explored:
    """Run ``scenario(*args)`` under many schedules, in a process of its own, until one fails.

    ``scenario`` is a function of this notebook: it uses your modules, starts threads, and asserts what must hold when
    they have ended. Arguments are plain data. ``seconds`` is for everything together. Raises Trouble, with a sentence,
    if nothing can be explored.
    """
    with _answer() as answer:
        found = answer.exploration(scenario, *args, schedules=schedules, seed=seed, deadline=seconds)
    return Explored(_sentence(found), found.failure, found.holds, list(_remarks(found)), None)


def replay(scenario: Callable[..., Any], schedule: dict[str, Any] | None, *args: Any) -> Explored:
    """Run ``scenario(*args)`` once more under a schedule that was found: with changed code, to see whether it holds."""
    if not schedule:
        raise Trouble("There is no schedule to replay: none has failed.")
    with _answer() as answer:
        run = answer.replay(scenario, schedule, *args)
    told = "Under this schedule it holds." if run.holds else run.reason or "Under this schedule it still fails."
    return Explored(told, run.failure, run.holds, run.notes, run.result)


@contextmanager
def _answer() -> Iterator[Answer]:
    """The modules that are in force, as an answer in a process of its own."""
    with TemporaryDirectory(prefix="weft-explore-") as folder:
        write_modules(bench(), Path(folder))
        with Host(Path(folder)) as host:
            try:
                yield Answer(host, Path(folder))
            except AnswerFailure as failure:
                evidence = failure.evidence
                told = [evidence.message, evidence.came_back, *evidence.look_at]
                problem = "\n".join(text for text in told if text)
            except Broken as mistake:
                problem = f"This cannot be explored: {mistake}."
            else:
                return
    raise Trouble(problem)


def write_modules(bench: Workbench, folder: Path) -> None:
    """Put the modules that are in force into a folder of their own, where no later cell changes them."""
    for name, text in bench.texts.items():
        if bench.in_force(name):
            (folder / f"{name}.py").write_text(text, encoding="utf-8")


def _sentence(found: Exploration) -> str:
    if found.failure:
        return f"Schedule {found.schedules} fails."
    if found.holds:
        return f"It held in all {found.schedules} schedules."
    return f"Inconclusive: {found.reason}"


def _remarks(found: Exploration) -> Iterator[str]:
    coverage = found.coverage
    yield (
        f"{coverage.interleavings} different orders of what is shared, interrupted at {coverage.switch_points} places, "
        f"{coverage.threads} threads, {coverage.seconds:.2f} s."
    )
    if found.unprotected:
        yield f"Used by several threads with no lock common to all uses: {', '.join(found.unprotected)}."
    if found.holds:
        yield "Not explored: " + " ".join(found.cannot_see)
    yield from found.notes
