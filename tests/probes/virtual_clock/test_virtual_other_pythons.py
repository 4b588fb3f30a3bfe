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


@pytest.mark.parametrize("version", OTHERS)
def test_shows_the_same_on(version: str) -> None:
    path = interpreter(version)
    if not path:
        assert not os.environ.get("WEFT_REQUIRE_ALL"), f"python{version} is not on this machine"
        pytest.skip(f"needs python{version} (PATH, pyenv, WEFT_PYTHONS)")
    done = subprocess.run(
        [path, str(HERE / "virtual_cases.py")],
        env={**os.environ, "PYTHONPATH": str(LIB)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    wrong = json.loads(done.stdout)
    assert len(wrong) > 30
    assert {name: why for name, why in wrong.items() if why} == {}
