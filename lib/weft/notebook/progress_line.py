"""The one line that says how far the judge is, and goes away."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from IPython.display import HTML, clear_output, display

from weft.judge.cells import CheckInfo
from weft.judge.verdicts import Verdict


class ProgressLine:
    """Use as a context manager; call it with each verdict. Afterwards the line is cleared by whatever comes next."""

    def __init__(self, checks: Sequence[CheckInfo]) -> None:
        self.checks = checks
        self.judged = 0
        self._handle: Any = None

    def __enter__(self) -> ProgressLine:
        self._handle = display(HTML(self.text()), display_id=True)
        return self

    def __exit__(self, *exc: object) -> None:
        clear_output(wait=exc[0] is None)

    def __call__(self, verdict: Verdict) -> None:
        self.judged += 1
        if self._handle is not None:
            self._handle.update(HTML(self.text()))

    def text(self) -> str:
        """The line as it stands, as HTML."""
        done, total = self.judged, len(self.checks)
        sentence = html.escape(self.checks[done].sentence) if done < total else ""
        return f'<div role="status" style="opacity:.75">Judging, {done} of {total} done … {sentence}</div>'
