"""JupyterLab on a copy of the course, and a browser that looks at it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).parents[2]
TOKEN = "not-a-secret"

#: Whether the notebook in front has a kernel that is connected and idle: before that, cells that are run are forgotten.
IDLE = """() => {
    const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
    const kernel = context?.session?.kernel;
    return context?.isReady && kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""

#: Puts texts into the cells of the notebook in front.
WRITE = """texts => {
    const cells = window.jupyterapp.shell.currentWidget.content.widgets;
    for (const [place, text] of Object.entries(texts)) cells[place].model.sharedModel.setSource(text);
}"""

#: The errors that cells of the notebook in front ended with.
ERRORS = """() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells
    .flatMap(cell => cell.outputs || []).filter(output => output.output_type === "error")
    .map(output => `${output.ename}: ${output.evalue}`)"""

#: The verdict tables of the notebook in front. The page itself holds only the cells in view.
TABLES = """() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells
    .flatMap(cell => cell.outputs || []).map(output => [output.data?.["text/html"] || ""].flat().join(""))
    .filter(html => html.includes("weft-verdicts"))"""

#: What JupyterLab would fetch from outside, or ask the user about.
QUIET = [
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.news_url=None",
    "--LabApp.expose_app_in_browser=True",
    "--ServerApp.open_browser=False",
]


def made_up_challenge() -> nbformat.NotebookNode:
    """A small release of the shape that real ones have: an answer cell, drives, a check cell that is folded away."""
    module = (
        '%%module adding\ndef add(a, b):\n    """The sum."""\n    return a + b\n\ndef wait():\n    while True: pass'
    )
    drives = (
        '%%drives\ndef sums(a, b):\n    """`add(a, b)`"""\n    from adding import add\n    return add(a, b)\n\n'
        'def hang():\n    """`wait()`"""\n    from adding import wait\n    wait()'
    )
    checks = (
        "%%checks correctness --hidden 4\nfrom weft.judge import points, requires\n\n"
        '@points(3)\ndef test_small(answer):\n    """Small numbers are added."""\n'
        "    assert answer.drive(sums, 1, 2) == 3\n\n"
        '@points(2)\ndef test_words(answer):\n    """Words are refused, not joined."""\n'
        '    assert answer.drive(sums, "a", "b") is None, "Adding words should give None."\n\n'
        '@points(1)\ndef test_wait(answer):\n    """Waiting ends."""\n    answer.drive(hang, deadline=1.0)\n\n'
        '@points(2)\n@requires("test_words")\ndef test_lists(answer):\n    """Lists are refused too."""\n    pass'
    )
    about = {
        "title": "Adding up",
        "concept": "threading",
        "difficulty": "easy",
        "minutes": "5",
        "focus": "locks",
        "id": "X1",
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [new_markdown_cell("# X1 · Adding up"), new_code_cell("%load_ext weft"), new_code_cell(module)]
    cells += [new_code_cell(drives), new_code_cell(checks, metadata={"jupyter": {"source_hidden": True}})]
    return new_notebook(cells=cells, metadata={"weft": about, "kernelspec": kernel})


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the course, with a made-up challenge X1 among its releases."""
    root = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    shutil.copytree(ROOT / "notebooks", root / "notebooks", ignore=shutil.ignore_patterns("challenges", ".ipynb*"))
    for name in ("source", "release"):
        shutil.copytree(ROOT / name, root / name)
    (root / "release" / "X1").mkdir(parents=True)
    nbformat.write(made_up_challenge(), root / "release" / "X1" / "adding_up.ipynb")
    return root


@pytest.fixture(scope="session")
def lab(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab's address. It keeps its settings and runtime files to itself, and is ended afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("jupyter")
    own = {name: str(home / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR")}
    own |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces")}
    notices = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    notices.parent.mkdir(parents=True)
    notices.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    command = [sys.executable, "-m", "jupyterlab", f"--port={port}", "--ip=127.0.0.1", "--allow-root", *QUIET]
    command += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={course / 'notebooks'}"]
    # The notebooks must find the copy; nothing else of this process's environment may lead them elsewhere.
    environment = {name: value for name, value in os.environ.items() if name != "WEFT_COURSE"} | own
    with open(home / "log", "wb") as log:
        server = subprocess.Popen(command, cwd=course, env=environment, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api", server, home / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


def end_kernels(address: str) -> None:
    """So that no test meets what another has imported."""

    def ask(path: str, method: str) -> bytes:
        request = urllib.request.Request(f"{address}/api/{path}?token={TOKEN}", method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            return bytes(response.read())

    for session in json.loads(ask("sessions", "GET")):
        ask(f"sessions/{session['id']}", "DELETE")


@dataclass
class Lab:
    """A JupyterLab in a browser tab. ``page`` is Playwright's; ``shot(name)`` puts a picture into ``folder``."""

    address: str
    page: Any
    folder: Path
    shot: Callable[[str], None]

    def open(self, path: str) -> None:
        """Open a notebook below ``notebooks/`` and wait until its kernel is idle."""
        self.page.goto(f"{self.address}/lab/workspaces/test/tree/{path}?reset&token={TOKEN}")
        self.wait_for_kernel()

    def wait_for_kernel(self, timeout: float = 60.0) -> None:
        """Wait until the visible notebook's kernel is idle; seconds."""
        self.page.wait_for_function(IDLE, timeout=timeout * 1000)

    def command(self, name: str, **arguments: object) -> None:
        """Run one of JupyterLab's commands."""
        self.page.evaluate("([name, args]) => window.jupyterapp.commands.execute(name, args)", [name, arguments])

    def write(self, sources: dict[int, str]) -> None:
        """Put texts into cells, by their places from 0, as a learner who pastes them would."""
        self.page.evaluate(WRITE, {str(place): source for place, source in sources.items()})

    def show_cell(self, place: int) -> None:
        """Bring the cell at that place, from 0, into view, and so into the page."""
        self.page.evaluate("place => window.jupyterapp.shell.currentWidget.content.scrollToItem(place, 'start')", place)

    def run_all(self, timeout: float = 180.0) -> None:
        """Run every cell and wait until the last one has ended; seconds. An error in any of them is a failure."""
        self.command("notebook:run-all-cells")
        self.wait_for_kernel(timeout)
        errors = self.page.evaluate(ERRORS)
        assert not errors, errors

    def theme(self, name: str) -> None:
        """``Light`` or ``Dark``."""
        self.command("apputils:change-theme", theme=f"JupyterLab {name}")
        self.page.wait_for_selector(
            f"body[data-jp-theme-light={'true' if name == 'Light' else 'false'}]", state="attached"
        )
        self.page.wait_for_timeout(300)  # the theme's style sheet loads after the mark on the body


@pytest.fixture
def jupyter(lab: str, browser: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A tab. Pictures go to the folder named by WEFT_SCREENSHOTS, or to the test's own."""
    folder = Path(os.environ.get("WEFT_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    case = re.sub(r"\W+", "-", request.node.name).strip("-")

    def shot(name: str) -> None:
        page.screenshot(path=str(folder / f"{case}-{name}.png"))

    yield Lab(lab, page, folder, shot)
    shot("end")
    page.close()
    end_kernels(lab)
