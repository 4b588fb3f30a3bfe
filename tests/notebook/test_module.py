"""``%%module``: what is in force after a cell has run, and what the learner is told."""

from __future__ import annotations

import importlib
import inspect
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from weft.notebook.workbench import Workbench, sweep

from .conftest import Notebook

COUNTER = '''%%module counter
"""A counter."""
import threading

class Counter:
    def add(self, n):
        return n + 1

def twice(n):
    return 2 * n

_private = 1
'''


def test_public_names_reach_the_notebook(notebook: Notebook) -> None:
    notebook.good(COUNTER)
    assert notebook.good("Counter().add(1) + twice(4)").result == 10
    assert "threading" in notebook.shell.user_ns and "_private" not in notebook.shell.user_ns


def test_lines_are_the_cells_own(notebook: Notebook) -> None:
    notebook.good(COUNTER)
    twice = notebook["twice"]
    assert inspect.getsource(twice) == "def twice(n):\n    return 2 * n\n"  # type: ignore[arg-type]
    assert inspect.getsourcelines(twice)[1] == COUNTER.splitlines().index("def twice(n):") + 1  # type: ignore[arg-type]
    try:
        twice(None)  # type: ignore[operator]
    except TypeError as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
    assert (frame.lineno, frame.line) == (10, "return 2 * n")


def test_running_again_replaces_at_once(notebook: Notebook) -> None:
    """Same size, same second: neither a cached .pyc nor linecache may show the older text."""
    for number in range(5):
        notebook.good(f"%%module counter\ndef number():\n    return {number}")
        assert notebook.good("number()").result == number
        assert importlib.import_module("counter").number() == number
        assert f"return {number}" in inspect.getsource(notebook["number"])  # type: ignore[arg-type]


def test_a_name_that_is_gone_leaves_the_notebook_too(notebook: Notebook) -> None:
    notebook.good("%%module counter\ndef old(): ...\ndef mine(): ...")
    notebook.good("mine = 'given to something else'")
    notebook.good("%%module counter\ndef new(): ...")
    assert "old" not in notebook.shell.user_ns and "new" in notebook.shell.user_ns
    assert notebook["mine"] == "given to something else"


def test_modules_that_import_it_are_imported_afresh(notebook: Notebook) -> None:
    notebook.good("%%module base\nVALUE = 1")
    notebook.good("%%module middle\nfrom base import VALUE\nDOUBLE = 2 * VALUE")
    notebook.good("%%module top\ndef get():\n    import middle\n    return middle.DOUBLE")
    notebook.good("%%module apart\nOTHER = 5")
    ran = notebook.good("%%module base\nVALUE = 10")
    assert ran.printed == "Imported afresh, because they use it: middle, top\n"
    assert notebook.good("DOUBLE, get()").result == (20, 20)


def test_a_follower_that_no_longer_runs_is_named(notebook: Notebook) -> None:
    notebook.good("%%module base\nVALUE = 1")
    notebook.good("%%module top\nfrom base import VALUE")
    ran = notebook.good("%%module base\nOTHER = 1")
    assert "No longer importable, until its own cell runs: top." in ran.printed
    assert "cannot import name 'VALUE' from 'base' (top.py:2)" in ran.printed
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("top")


@pytest.mark.parametrize(
    "wrong", ["def f(:", "1 / 0", "raise SystemExit(3)", "from nowhere_at_all import x", "x = '\0'"]
)
def test_nothing_stale_stays_importable(notebook: Notebook, wrong: str) -> None:
    notebook.good("%%module base\nVALUE = 1")
    notebook.good("%%module top\nfrom base import VALUE\nSEEN = VALUE")
    ran = notebook.run(f"%%module base\n{wrong}")
    assert "`base` cannot be imported until this cell runs without an error. Nor can `top`, which need it." in ran.told
    for name in ("base", "top"):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(name)
    assert not {"VALUE", "SEEN"} & notebook.shell.user_ns.keys()
    assert "top" in notebook.good("%%module base\nVALUE = 7").printed
    assert notebook["SEEN"] == 7


def test_syntax_errors_point_at_the_cells_line(notebook: Notebook) -> None:
    ran = notebook.run("%%module broken\n\ndef f():\n    return (1 +")
    assert "broken.py, line 4 of this cell" in ran.told
    assert "    return (1 +\n           ^" in ran.told.replace("\x1b[31m", "")
    assert "'(' was never closed" in ran.told
    assert str(notebook.bench.folder) not in ran.told and "File" not in ran.told


def test_notebook_commands_are_explained(notebook: Notebook) -> None:
    assert "belong in a cell of their own" in notebook.run("%%module broken\n%time x = 1").told


def test_errors_show_the_learners_frames_only(notebook: Notebook) -> None:
    notebook.good("%%module helper\ndef divide(n):\n    return 1 / n")
    ran = notebook.run("%%module user\nimport json\nfrom helper import divide\ndivide(0)")
    assert "user.py" in ran.told and "line 4, in <module>" in ran.told
    assert "helper.py" in ran.told and "line 3, in divide" in ran.told
    assert "ZeroDivisionError: division by zero" in ran.told
    assert "importlib" not in ran.told and "weft" not in ran.told and "/" not in ran.told.replace("1 / n", "")


def test_a_module_that_is_not_there_yet_is_named(notebook: Notebook) -> None:
    ran = notebook.run("%%module manager\nfrom weft_transfer import Item")
    assert "If `weft_transfer` is an answer of yours, run its cell `%%module weft_transfer` first." in ran.told


def test_a_refused_name_runs_nothing(notebook: Notebook) -> None:
    ran = notebook.run("%%module json\nVALUE = 1")
    assert "use another name, such as `%%module my_json`" in ran.told
    assert "VALUE" not in notebook.shell.user_ns and not notebook.bench.texts


def test_a_ring_of_modules_is_followed_once(notebook: Notebook) -> None:
    notebook.good("%%module ping\ndef go():\n    import pong\n    return pong.NUMBER")
    notebook.good("%%module pong\nimport ping\nNUMBER = 3")
    assert notebook.good("%%module pong\nimport ping\nNUMBER = 4").printed.endswith(": ping\n")
    assert notebook.good("go()").result == 4


def test_an_interrupted_module_is_not_in_force(notebook: Notebook) -> None:
    ran = notebook.run("%%module endless\nraise KeyboardInterrupt")
    assert ran.told == "Stopped. `endless` cannot be imported until this cell runs to its end."
    assert "endless" not in sys.modules


def test_a_forked_child_leaves_the_folder_alone() -> None:
    bench = Workbench()
    try:
        bench._remove(owner=-1)
        assert bench.folder.exists()
    finally:
        sys.path.remove(str(bench.folder))
        bench._remove(owner=os.getpid())
        assert not bench.folder.exists()


def test_folders_of_killed_kernels_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ended = subprocess.Popen(["true"])
    ended.wait()
    for owner in (ended.pid, os.getpid()):
        (tmp_path / f"weft-work-{owner}-abc").mkdir()
    sweep()
    assert [folder.name for folder in tmp_path.iterdir()] == [f"weft-work-{os.getpid()}-abc"]
