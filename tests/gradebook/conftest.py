"""Fixtures: the made-up course, one copy for each test."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from weft.judge import session
from weft.layout import Course

from .madecourse import ROOT, Class, decide_by_word, release, source_notebook


@pytest.fixture(scope="session")
def made_course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course, released and registered once."""
    from weft.gradebook.books import Books

    root = tmp_path_factory.mktemp("made")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    folder = root / "source" / "X1"
    (folder / "alternatives" / "other").mkdir(parents=True)
    (folder / "alternatives" / "other" / "adder.py").write_text("secret = 1\n")
    (folder / "sums.ipynb").write_text(json.dumps(source_notebook()))
    for name in ("sums.nb.py", "design.md", "mutants.toml"):
        (folder / name).write_text("secret\n")
    release(root)
    assert Books(Course(root), Course(root).challenge("X1")).register()
    return root


@pytest.fixture
def klass(made_course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Class:
    """A copy of the made-up course for one test; the judge is the stand-in."""
    root = tmp_path / "course"
    shutil.copytree(made_course, root)
    monkeypatch.delenv("WEFT_COURSE", raising=False)
    monkeypatch.setattr(session, "judge", decide_by_word)
    return Class(root)


@pytest.fixture
def points_of(klass: Class) -> Callable[[str], tuple[float, bool, str]]:
    """Total, whether it needs a look, and the reason, of one student."""
    from weft.gradebook.scores import scores

    def look_up(student: str) -> tuple[float, bool, str]:
        row = next(row for row in scores(klass.course, "X1") if row.student == student)
        return row.total, row.needs_a_look, row.reason

    return look_up


@pytest.fixture
def source() -> dict[str, Any]:
    """The made-up challenge's source notebook, to be changed at will."""
    return copy.deepcopy(source_notebook())
