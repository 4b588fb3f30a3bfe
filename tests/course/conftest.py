"""A small course in a temporary folder, with one scaffolded and released challenge; made once, copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from weft.course.release import release
from weft.course.scaffold import scaffold
from weft.layout import Challenge, Course

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course as it is made."""
    root = tmp_path_factory.mktemp("made")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    scaffold(Course(root), "X1", title="A crew of threads")
    release(Course(root), database=False)
    return root


@pytest.fixture
def course(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    """A copy of it, to be changed at will; it is the current folder."""
    shutil.copytree(made, tmp_path / "course")
    monkeypatch.delenv("WEFT_COURSE", raising=False)
    monkeypatch.chdir(tmp_path / "course")
    return Course(tmp_path / "course")


@pytest.fixture
def challenge(course: Course) -> Challenge:
    """Its challenge."""
    return course.challenge("X1")
