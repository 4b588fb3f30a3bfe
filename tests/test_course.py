"""What must hold for every challenge in source/: see weft.course.verify. An eleventh is tested by being there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from weft.course.pairing import complaint, pairs
from weft.course.variants import Variant, alternatives, reference
from weft.course.verify import verify
from weft.layout import Challenge, Course

ROOT = Path(__file__).parents[1]
COURSE = Course(ROOT)
EXEMPLARY = [
    pytest.param(variant, id=f"{challenge.id}-{variant.name}")
    for challenge in COURSE.challenges()
    for variant in (reference(challenge), *alternatives(challenge))
]


@pytest.mark.parametrize("challenge", COURSE.challenges(), ids=lambda challenge: challenge.id)
def test_the_challenge_is_proved(challenge: Challenge) -> None:
    # Two judges side by side, as in grading: a challenge must bear that.
    assert verify(COURSE, challenge, workers=2, strict=True).faults == []


def test_every_notebook_is_in_step_with_its_text() -> None:
    assert [told for pair in pairs(COURSE) if (told := complaint(pair))] == []


@pytest.mark.parametrize("variant", EXEMPLARY)
def test_what_learners_are_shown_is_typed(variant: Variant, tmp_path: Path) -> None:
    for name, text in variant.lifted.modules.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    mypy = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--no-error-summary"]
    files = sorted(path.name for path in tmp_path.glob("*.py"))
    done = subprocess.run([*mypy, *files], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
