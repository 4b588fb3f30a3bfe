"""The judge's process: ``python -m weft.judge FOLDER`` judges the job in that folder and prints one verdict a line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from weft.answer.drive import Host
from weft.answer.lift import CheckCell
from weft.judge.answer import Answer
from weft.judge.cells import CheckInfo, checks_of
from weft.judge.opened import Worlds, world_names
from weft.judge.verdicts import Verdict

Checks = dict[tuple[str, str], CheckInfo]


def main() -> int:
    """Judge, and return pytest's exit code; the verdicts are on standard output."""
    folder = Path(sys.argv[1])
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    verdicts = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever prints from here on must not be taken for a verdict

    def emit(verdict: Verdict) -> None:
        verdicts.write(json.dumps(asdict(verdict)) + "\n")

    cells = {name: CheckCell(**cell) for name, cell in job["cells"].items()}
    checks = {(name, check.check): check for name, cell in cells.items() for check in checks_of(cell)}
    worlds = Worlds()
    try:
        # The host and the worlds start while pytest is being imported: each takes a fifth of a second or more.
        with Host(folder / "modules", walls=job["walls"]) as host:
            for name in set(world_names()) & {used for check in checks.values() for used in check.uses}:
                worlds.open(name)
            return _run(folder, checks, Answer(host, folder / "modules"), worlds, emit)
    finally:
        worlds.close()


def _run(folder: Path, checks: Checks, answer: Answer, worlds: Worlds, emit: Callable[[Verdict], None]) -> int:
    import pytest

    from weft.judge.fixtures import fixture_plugin
    from weft.judge.plugin import JudgePlugin

    left_out = [word for name in ("cacheprovider", "terminal", "faulthandler") for word in ("-p", f"no:{name}")]
    settings = ["--import-mode=prepend", "-o", "python_files=*.py", "-c", str(folder / "pytest.ini")]
    files = sorted({str(folder / "checks" / f"{name}.py") for name, _ in checks})
    plugins = [JudgePlugin(checks, answer, emit), fixture_plugin(answer, worlds)]
    return int(pytest.main([*left_out, *settings, "--rootdir", str(folder), *files], plugins=plugins))


if __name__ == "__main__":
    sys.exit(main())
