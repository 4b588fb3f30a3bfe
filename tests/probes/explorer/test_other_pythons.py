"""The table of cases on the other interpreters of this machine; they need nothing but the standard library."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LIB = HERE.parents[2] / "lib"
WANTED = ("python3.11", "python3.12", "python3.13", "python3.13t", "python3.14", "python3.14t")
_VERSION = "import sys; print('.'.join(map(str, sys.version_info[:2])) + getattr(sys, 'abiflags', ''))"


def version_of(program: str) -> str:
    """ "3.13t", or "" if it does not run (pyenv's shims exist for versions that are not chosen)."""
    try:
        done = subprocess.run([program, "-c", _VERSION], capture_output=True, text=True, timeout=20)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def candidates(name: str) -> list[str]:
    """Where it may be: ``WEFT_PYTHONS`` (paths, separated like PATH), PATH, and pyenv's versions."""
    given = [path for path in os.environ.get("WEFT_PYTHONS", "").split(os.pathsep) if path]
    on_path = [path] if (path := shutil.which(name)) else []
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return [*given, *on_path, *(str(path) for path in sorted(pyenv.glob(f"*/bin/{name}")))]


def found() -> dict[str, str]:
    """The other interpreters of this machine: "3.13t" to its path."""
    own = version_of(sys.executable)
    wanted = [(name.removeprefix("python"), name) for name in WANTED if name != f"python{own}"]
    programs = {version: [path for path in candidates(name) if version_of(path) == version] for version, name in wanted}
    return {version: paths[0] for version, paths in programs.items() if paths}


FOUND = found()


@pytest.mark.parametrize("version", FOUND)
def test_judges_the_same_on(version: str) -> None:
    done = subprocess.run(
        [FOUND[version], str(HERE / "case_table.py")],
        env={**os.environ, "PYTHONPATH": str(LIB)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(rows) > 100
    assert [row for row in rows if not row["right"] or not row["repeats"]] == []


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_is_judged_where_everything_is_required(version: str) -> None:
    if os.environ.get("WEFT_REQUIRE_ALL") and version_of(sys.executable) != version:
        assert version in FOUND, f"python{version} is not on this machine (PATH, pyenv, WEFT_PYTHONS)"
