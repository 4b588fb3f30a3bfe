"""Every command that README and docs/ tell people to give is given here, in order, in a copy of the course."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/instructors.md", "docs/authors.md")
LEFT_BEHIND = shutil.ignore_patterns(
    ".git",
    ".venv",
    ".weft",
    ".*_cache",
    "__pycache__",
    "*.egg-info",
    "gradebook.db*",
    "submitted",
    "feedback",
    "browser",
)

#: Not given as they stand, and why nothing is lost by it.
NOT_HERE = {
    "make test": "it is what runs this test",
    "conda env create -f environment.yml": "conda is not asked of anybody; test_dependencies.py keeps the file in step",
    "conda activate weft": "as above",
    "weft certificate": "nobody in this copy has passed; tests/record/test_certificate.py gives it",
    "weft certificate --verify": "as above",
    "weft verify": "as the next",
    "weft verify T1": "test_course.py proves every challenge; here `weft verify X1` is given",
}


def commands(page: str) -> list[str]:
    """The commands of a page: indented lines, and what stands in backquotes, that begin with a program of ours."""
    found = []
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        whole = re.match(r"    ((?:weft|nbgrader|make|conda) .*?)\s*(?:#.*)?$", line)
        found += [whole[1]] if whole else re.findall(r"`(?:\.venv/bin/)?((?:weft|make|conda) [^`]+)`", line)
    return found


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the course without what people have made in it."""
    root = tmp_path_factory.mktemp("docs") / "course"
    shutil.copytree(ROOT, root, ignore=LEFT_BEHIND)
    shutil.rmtree(root / "notebooks" / "challenges", ignore_errors=True)
    return root


@pytest.fixture(scope="module")
def give(course: Path) -> Callable[[str], None]:
    """Give one command in the course, as one would in the activated environment."""
    venv = Path(sys.executable).parent.parent
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("WEFT", "PYTEST", "JUPYTER"))}
    environment |= {"PATH": f"{venv / 'bin'}:{os.environ['PATH']}", "VENV": str(venv), "NO_COLOR": "1"}

    def run(command: str) -> None:
        words = shlex.split(command)
        if words[0] == "make":
            # The environment stands; making it again would install this copy into it.
            words[1:1] = ["--old-file", str(venv / ".ready")]
        if "lab" in words:
            return open_lab(words, course, environment)
        done = subprocess.run(words, cwd=course, env=environment, text=True, capture_output=True, timeout=300)
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
        return None

    return run


def open_lab(words: list[str], course: Path, environment: dict[str, str]) -> None:
    """JupyterLab answers, and ends when it is told to."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--port", str(port), "--ServerApp.token=docs"]
    words = [*words[:4], "ARGS=" + " ".join(options)] if words[0] == "make" else [*words, *options]
    lab = subprocess.Popen(
        words,
        cwd=course,
        env=environment,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        answered = answers(f"http://127.0.0.1:{port}/api?token=docs", lab)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(lab.pid, signal.SIGINT)
        said = lab.communicate(timeout=30)[1]
    assert answered, said
    assert f"http://127.0.0.1:{port}/lab/tree/start_here.ipynb?token=" in said


def answers(url: str, server: subprocess.Popen[str], seconds: float = 60) -> bool:
    """Whether the server answers before it ends and before the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return True
        except OSError:
            time.sleep(0.2)
    return False


@pytest.fixture(scope="module")
def scheduler() -> object:
    """The address of a Dask cluster with one worker, a process of its own on this machine."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


def test_the_pages_tell_commands() -> None:
    found = {page: commands(page) for page in PAGES}
    assert "weft start T1" in found["README.md"] and "nbgrader autograde T1" in found["docs/instructors.md"]
    assert "make lab" in found["README.md"] and "weft verify X1" in found["docs/authors.md"]


def test_what_readme_says(give: Callable[[str], None], course: Path) -> None:
    for command in commands("README.md"):
        if command not in NOT_HERE:
            give(command)
    assert (course / "marks.csv").is_file()


def test_what_the_instructors_page_says(give: Callable[[str], None], course: Path, scheduler: str) -> None:
    for command in commands("docs/instructors.md"):
        if command not in NOT_HERE:
            give(command.replace("tcp://127.0.0.1:8786", scheduler))
    give(f"weft grade T1 --force --scheduler {scheduler}")  # by then, nobody is left who was not judged
    assert (course / "feedback" / "ann" / "T1" / "download_manager.html").is_file()


def test_what_the_authors_page_says(give: Callable[[str], None], course: Path) -> None:
    for folder in ("source", "release"):
        shutil.rmtree(course / folder / "X1", ignore_errors=True)  # README makes it too
    for command in commands("docs/authors.md"):
        if command not in NOT_HERE:
            give(command)
    assert (course / "my_download_manager").is_dir()
