"""A Python without a global interpreter lock, if this machine has one, and a way to run a module of ours in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Where one is looked for, after the environment variable WEFT_NOGIL_PYTHON.
NAMES = ("python3.14t", "python3.13t")

#: What to say where there is none.
NONE = "none in WEFT_NOGIL_PYTHON, and no python3.14t or python3.13t"

QUESTION = "import sys, sysconfig; print(sysconfig.get_config_var('Py_GIL_DISABLED'), sys.version.split()[0])"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """One that was built without the lock: its path and its version."""

    path: str
    version: str


def find() -> Interpreter | None:
    """The first that is one: a name alone is not believed."""
    for name in filter(None, (os.environ.get("WEFT_NOGIL_PYTHON"), *NAMES)):
        path = shutil.which(name)
        said = _output([path, "-c", QUESTION]) if path else ""
        if said.startswith("1 "):
            return Interpreter(str(path), said[2:])
    return None


def run_module(python: str, module: str, *arguments: str, timeout: float = 30.0) -> Any:
    """What ``python -m module arguments`` prints, read as JSON; the module needs the standard library and weft only.

    Raises RuntimeError with the last line of its complaint if it fails, or takes longer than ``timeout`` seconds.
    """
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [python, "-m", module, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=environment, check=True)
        return json.loads(done.stdout)
    except subprocess.CalledProcessError as error:
        raise RuntimeError((error.stderr.strip() or f"exit code {error.returncode}").splitlines()[-1]) from None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(str(error)) from None


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
