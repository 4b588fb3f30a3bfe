"""How JupyterLab is started: on this machine alone, on the learner's shelf, with the course's nbgrader_config.py."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from weft.layout import Course

START_PAGE = "start_here.ipynb"


def command(course: Course, whole: bool, arguments: Sequence[str]) -> list[str]:
    """The command that starts JupyterLab; ``arguments`` come last, so they win.

    It is to run in the course's root: that is where nbgrader's extensions look for nbgrader_config.py.
    """
    root = course.root if whole else course.root / "notebooks"
    page = f"notebooks/{START_PAGE}" if whole else START_PAGE
    url = f"/lab/tree/{page}" if (root / page).exists() else "/lab"
    settings = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.root_dir": str(root),
        "ServerApp.answer_yes": "True",  # Ctrl-C ends it, without a question
        "LabApp.default_url": url,
    }
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # In a container everybody is root. Jupyter's objection is to strangers, and there is only this machine.
        settings["ServerApp.allow_root"] = "True"
    return [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in settings.items()), *arguments]


def environment() -> dict[str, str]:
    """Kernels and terminals find the commands of this Python first."""
    own = str(Path(sys.executable).parent)
    return {"PATH": os.pathsep.join([own, os.environ.get("PATH", os.defpath)])}
