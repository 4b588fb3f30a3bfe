"""What must hold for every challenge in source/: see weft.course.verify. An eleventh is tested by being there."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft.course.pairing import complaint, pairs
from weft.course.verify import verify
from weft.layout import Challenge, Course

COURSE = Course(Path(__file__).parents[1])


@pytest.mark.parametrize("challenge", COURSE.challenges(), ids=lambda challenge: challenge.id)
def test_the_challenge_is_proved(challenge: Challenge) -> None:
    # Two judges side by side, as in grading: a challenge must bear that.
    assert verify(COURSE, challenge, workers=2, strict=True).faults == []


def test_every_notebook_is_in_step_with_its_text() -> None:
    assert [told for pair in pairs(COURSE) if (told := complaint(pair))] == []
