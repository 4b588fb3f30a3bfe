"""The other interpreters of this machine, for tables of cases that need nothing but the standard library and weft."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

LIB = Path(__file__).parents[2] / "lib"
OTHERS = [f"3.{minor}" for minor in (11, 12, 13) if minor != sys.version_info[1]]


def interpreter(version: str) -> str:
    """Its path, from ``WEFT_PYTHONS``, pyenv's versions or PATH; "" if there is none."""
    given = [path for path in os.environ.get("WEFT_PYTHONS", "").split(os.pathsep) if path]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    known = [*given, *map(str, pyenv.glob(f"{version}.*/bin/python{version}")), shutil.which(f"python{version}")]
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    for path in filter(None, known):
        done = subprocess.run([path, "-c", code], capture_output=True, text=True)
        if done.stdout.strip() == version:
            return path
    return ""


@pytest.fixture(params=OTHERS)
def run_elsewhere(request: pytest.FixtureRequest) -> Callable[[Path], str]:
    """Runs a file on each of the other interpreters, and returns what it printed."""
    path = interpreter(request.param)
    if not path:
        assert not os.environ.get("WEFT_REQUIRE_ALL"), f"python{request.param} is not on this machine"
        pytest.skip(f"needs python{request.param} (PATH, pyenv, WEFT_PYTHONS)")

    def run(file: Path) -> str:
        environment = {**os.environ, "PYTHONPATH": str(LIB)}
        done = subprocess.run([path, str(file)], env=environment, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return run
