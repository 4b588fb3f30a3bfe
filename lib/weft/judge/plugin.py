"""The pytest plugin: runs each check, gives it a verdict, and hands the verdict on at once."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from weft.judge.answer import Answer, AnswerFailure
from weft.judge.cells import CheckInfo
from weft.judge.verdicts import Broken, Evidence, Outcome, Verdict
from weft.judge.wording import of_assertion, short

#: What a check's own line raises when the answer's facts have not the shape that it expects.
SHAPE_ERRORS = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)


class JudgePlugin:
    """Gives ``emit`` one verdict per check.

    ``checks`` holds what is known of each check before it runs, by (file, function).
    """

    def __init__(
        self, checks: dict[tuple[str, str], CheckInfo], answer: Answer, emit: Callable[[Verdict], None]
    ) -> None:
        self.checks = checks
        self.answer = answer
        self.emit = emit
        self.outcomes: dict[tuple[str, str], Outcome] = {}
        self._error: BaseException | None = None
        self._comparison: tuple[str, Any, Any] | None = None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A check cell that cannot be imported is our mistake.

        The session puts what stands on standard error into the verdicts.
        """
        if report.failed:
            print(report.longreprtext, file=sys.stderr)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Run one check, once more if it is broken, and emit its verdict."""
        key = (item.path.stem, item.name)
        info = self.checks[key]
        started = time.monotonic()
        outcome, evidence = self._missing(key) or self._run_twice_if_broken(item)
        self.outcomes[key] = outcome
        self.emit(info.verdict(outcome, evidence, time.monotonic() - started))
        return True

    def _missing(self, key: tuple[str, str]) -> tuple[Outcome, Evidence] | None:
        """The verdict on a check whose required checks did not all pass. Where we broke, we broke for this one too."""
        told = {name: self.outcomes.get((key[0], name)) for name in self.checks[key].requires}
        missing = [name for name, outcome in told.items() if outcome is not Outcome.PASS]
        if not missing:
            return None
        sentences = [self.checks[key[0], name].sentence for name in missing if (key[0], name) in self.checks]
        ours = all(told[name] is Outcome.BROKEN for name in missing)
        return (Outcome.BROKEN if ours else Outcome.NOT_RUN), Evidence(message=f"Needs first: {' '.join(sentences)}")

    def _run_twice_if_broken(self, item: pytest.Item) -> tuple[Outcome, Evidence]:
        outcome, evidence = self._run(item)
        return self._run(item) if outcome is Outcome.BROKEN else (outcome, evidence)

    def _run(self, item: pytest.Item) -> tuple[Outcome, Evidence]:
        self._error = self._comparison = None
        self.answer.begin()
        if hasattr(item, "_initrequest"):
            item._initrequest()  # fresh fixtures, also for a second try
        runtestprotocol(item, log=False, nextitem=None)
        if self._error is None:
            return Outcome.PASS, Evidence()
        return self._explain(self._error, item)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        """Keep the first error of set-up, call and tear-down."""
        if call.excinfo is not None and self._error is None:
            self._error = call.excinfo.value
        return (yield)

    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> None:
        """Keep the two sides of the comparison that failed; pytest asks about no other."""
        self._comparison = (op, left, right)

    def _explain(self, error: BaseException, item: pytest.Item) -> tuple[Outcome, Evidence]:
        if isinstance(error, AnswerFailure):
            return Outcome.FAIL, error.evidence
        if isinstance(error, AssertionError | pytest.fail.Exception):
            return Outcome.FAIL, of_assertion(error, self._comparison, self.answer.called)
        if isinstance(error, SHAPE_ERRORS) and self.answer.driven and _raised_in(error, str(item.path)):
            # The check's own line stumbled over facts: they are the answer's. verify proves that the reference's fit.
            return Outcome.FAIL, Evidence(
                called=self.answer.called,
                came_back=short(self.answer.facts),
                message=f"What came back has not the expected shape ({type(error).__name__}: {error}).",
            )
        text = str(error) if isinstance(error, Broken) else f"{type(error).__name__}: {error}"
        return Outcome.BROKEN, Evidence(message=text)


def _raised_in(error: BaseException, filename: str) -> bool:
    """Whether the innermost frame of a traceback lies in that file."""
    tb = error.__traceback__
    while tb is not None and tb.tb_next is not None:
        tb = tb.tb_next
    return tb is not None and tb.tb_frame.f_code.co_filename == filename
