"""Code quality, by ruff: the rules that a reviewer would insist on, with the learner's own line numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from weft.judge.verdicts import Broken


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that ruff found."""

    module: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.module}.py:{self.line} {self.message} ({self.rule})"


class Code:
    """The text of an answer's modules. ``given`` modules, which the learner did not write, are left out by name."""

    def __init__(self, modules: Path) -> None:
        self.modules = modules

    def findings(self, *rules: str, only: tuple[str, ...], complexity: int = 10, statements: int = 50) -> list[str]:
        """What ruff's ``rules`` (its own codes or prefixes) find in the modules named by ``only``, one sentence each.

        ``complexity`` is the limit of C901, ``statements`` of PLR0915. Raises Broken if ruff cannot run.
        """
        files = [str(self.modules / f"{name}.py") for name in only]
        settings = f"lint.mccabe.max-complexity={complexity}", f"lint.pylint.max-statements={statements}"
        command = [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--isolated",
            "--no-cache",
            "--preview",
            "--output-format=json",
        ]
        command += [
            f"--select={','.join(rules)}",
            "--target-version=py311",
            "--line-length=120",
            "--ignore=D203,D213",
        ]
        command += [word for setting in settings for word in ("--config", setting)]
        done = subprocess.run([*command, *files], capture_output=True, text=True, timeout=30)
        if done.returncode not in (0, 1):
            raise Broken(f"ruff could not run: {done.stderr.strip()[:300]}")
        return [str(_finding(row)) for row in json.loads(done.stdout)]


def _finding(row: dict) -> Finding:
    return Finding(Path(row["filename"]).stem, row["location"]["row"], row["code"] or "syntax", row["message"])
