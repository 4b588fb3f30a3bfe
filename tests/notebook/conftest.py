"""A shell with the course's magics, and a judge that only pretends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from weft.answer.lift import Lifted
from weft.judge import session
from weft.judge.cells import checks_of
from weft.judge.verdicts import Evidence, Judgement, Outcome, Verdict
from weft.notebook import magics
from weft.notebook.magics import CourseMagics


@dataclass
class Ran:
    """What a cell did: its result, what it printed and displayed, and its error."""

    result: object
    printed: str
    displayed: list[dict[str, str]]
    error: BaseException | None

    @property
    def told(self) -> str:
        """The error as the notebook shows it."""
        assert self.error is not None
        return "\n".join(self.error._render_traceback_())  # type: ignore[attr-defined]


class Notebook:
    """Runs cells as a notebook would."""

    def __init__(self, shell: InteractiveShell, course: CourseMagics) -> None:
        self.shell = shell
        self.bench = course.bench

    def run(self, cell: str) -> Ran:
        with capture_output() as captured:
            ran = self.shell.run_cell(cell)
        shown = [output.data for output in captured.outputs]
        return Ran(ran.result, captured.stdout, shown, ran.error_before_exec or ran.error_in_exec)

    def good(self, cell: str) -> Ran:
        ran = self.run(cell)
        assert ran.error is None, ran.error
        return ran

    def __getitem__(self, name: str) -> object:
        return self.shell.user_ns[name]


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    """An empty notebook with a work folder of its own."""
    monkeypatch.setattr(magics, "_registered", None)
    monkeypatch.setattr(sys, "path", [*sys.path])
    known = set(sys.modules)
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()  # display() looks for it here
    magics.register(shell)
    assert magics._registered is not None
    yield Notebook(shell, magics._registered)
    InteractiveShell.clear_instance()
    for name in set(sys.modules) - known:
        if getattr(sys.modules[name], "__file__", None) and name in magics._registered.bench.texts:
            del sys.modules[name]


@dataclass
class PretendJudge:
    """Stands in for weft.judge.session.judge; ``outcomes`` maps a check's name to its outcome, pass unless said."""

    outcomes: dict[str, Outcome]
    asked: list[Lifted]

    def __call__(self, lifted: Lifted, *, report: Callable[[Verdict], None]) -> Judgement:
        self.asked.append(lifted)
        judgement = Judgement()
        for check in [check for cell in lifted.cells for check in checks_of(cell)]:
            outcome = self.outcomes.get(check.check, Outcome.PASS)
            judgement.verdicts.append(check.verdict(outcome, Evidence(message=f"about {check.check}")))
            report(judgement.verdicts[-1])
        return judgement


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> PretendJudge:
    """The stand-in, in place."""
    pretend = PretendJudge({}, [])
    monkeypatch.setattr(session, "judge", pretend)
    return pretend
