"""The judge's process: ``python -m weft.judge FOLDER`` judges the job in that folder and prints one verdict a line."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from weft.answer.drive import Host
from weft.answer.lift import CheckCell
from weft.judge.answer import Answer
from weft.judge.cells import checks_of
from weft.judge.verdicts import Verdict


def main() -> int:
    """Judge, and return pytest's exit code; the verdicts are on standard output."""
    folder = Path(sys.argv[1])
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    verdicts = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever prints from here on must not be taken for a verdict

    def emit(verdict: Verdict) -> None:
        verdicts.write(json.dumps(asdict(verdict)) + "\n")

    # The host starts while pytest is being imported: each takes about a fifth of a second.
    with Host(folder / "modules", walls=job["walls"]) as host:
        return _run(folder, job, Answer(host, folder / "modules"), emit)


def _run(folder: Path, job: dict, answer: Answer, emit: object) -> int:
    import pytest

    from weft.judge.fixtures import FixturePlugin, Worlds
    from weft.judge.plugin import JudgePlugin

    cells = {name: CheckCell(**cell) for name, cell in job["cells"].items()}
    checks = {(name, check.check): check for name, cell in cells.items() for check in checks_of(cell)}
    worlds = Worlds()
    arguments = [
        "--import-mode=prepend",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:terminal",
        "-p",
        "no:faulthandler",
    ]
    arguments += ["-o", "python_files=*.py", "-c", str(folder / "pytest.ini"), "--rootdir", str(folder)]
    arguments += [str(folder / "checks" / f"{name}.py") for name in cells]
    try:
        plugins = [JudgePlugin(checks, answer, emit), FixturePlugin(answer, worlds)]  # type: ignore[arg-type]
        return int(pytest.main(arguments, plugins=plugins))
    finally:
        worlds.close()


if __name__ == "__main__":
    sys.exit(main())
