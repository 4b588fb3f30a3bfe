"""A certificate is made when everything is passed; a forged, changed or foreign one is told from a true one."""

from __future__ import annotations

import dataclasses
import stat
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from weft.cli import app
from weft.cli import progress as commands
from weft.layout import Challenge, Course, LayoutError
from weft.record import sheet, standing
from weft.record.certificate import KEY, Certificate, certificate, is_ours, read

from .conftest import graded

DAY = date(2026, 11, 25)


@pytest.fixture
def made(course: Course, challenge: Challenge) -> Certificate:
    return certificate(course, [graded(challenge, 85)], "Ann Lee", DAY)


def test_it_says_who_when_and_how_many_points(made: Certificate) -> None:
    assert (made.name, made.day, made.total) == ("Ann Lee", "2026-11-25", 85)
    assert len(made.code.replace("-", "")) == 20


@pytest.mark.parametrize("form", sheet.FORMS)
def test_its_files_carry_it_and_are_always_the_same(made: Certificate, form: str) -> None:
    drawn = sheet.FORMS[form](made)
    assert read(drawn) == made
    assert sheet.FORMS[form](made) == drawn


def test_what_is_missing_is_named(course: Course, challenge: Challenge) -> None:
    with pytest.raises(LayoutError, match=r"X1 \(59.5 points\)"):
        certificate(course, [graded(challenge, 59.5)], "Ann", DAY)
    with pytest.raises(LayoutError, match=r"X1 \(not graded\)"):
        certificate(course, standing.standings(course, "ann"), "Ann", DAY)
    for name in ("", "  ", "Ann\nLee"):
        with pytest.raises(LayoutError, match="in one line"):
            certificate(course, [graded(challenge, 85)], name, DAY)
    with pytest.raises(LayoutError, match="nothing to certify"):
        certificate(course, [], "Ann", DAY)
    assert not (course.root / KEY).exists()


def test_a_forged_one_is_told(course: Course, made: Certificate) -> None:
    assert is_ours(course, made)
    assert not is_ours(course, dataclasses.replace(made, name="Bob"))
    assert not is_ours(course, dataclasses.replace(made, day="2026-11-26"))
    better = tuple((name, title, (40.0, 30.0, 15.0, 10.0, 5.0)) for name, title, _ in made.points)
    assert not is_ours(course, dataclasses.replace(made, points=better))
    assert not is_ours(course, dataclasses.replace(made, code="0" * 23))


def test_another_course_made_another_one(made: Certificate, tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="only the course that issued it"):
        is_ours(Course(tmp_path / "elsewhere"), made)


def test_the_key_is_its_owners(course: Course, made: Certificate) -> None:
    assert stat.S_IMODE((course.root / KEY).stat().st_mode) == 0o600


@pytest.mark.parametrize("data", [b"", b"no certificate", b"weft-certificate:00:", b"weft-certificate:7b7d:"])
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    with pytest.raises(LayoutError, match="no certificate"):
        read(data)


def test_a_name_may_hold_anything_printable(course: Course, challenge: Challenge) -> None:
    made = certificate(course, [graded(challenge, 85)], "Zoë <$x_1$> & Søn", DAY)
    assert all(read(draw(made)) == made for draw in sheet.FORMS.values())


def test_the_command(course: Course, challenge: Challenge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_COURSE", str(course.root))
    monkeypatch.setattr(standing, "standings", lambda *_: [graded(challenge, 85)])
    give = CliRunner().invoke
    done = give(app, ["certificate", "--name", "Ann Lee", "--to", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    for form in sheet.FORMS:
        path = tmp_path / "out" / f"certificate.{form}"
        told = give(app, ["certificate", "--verify", str(path)])
        assert told.exit_code == 0 and "True: made here for Ann Lee" in told.output, told.output
    drawn = (tmp_path / "out" / "certificate.svg").read_bytes()
    changed = tmp_path / "changed.svg"
    changed.write_bytes(drawn.replace(b"<path", b"<path ", 1))
    told = give(app, ["certificate", "--verify", str(changed)])
    assert told.exit_code == 1 and "was changed" in told.output
    (course.root / KEY).write_text("00" * 32)
    told = give(app, ["certificate", "--verify", str(tmp_path / "out" / "certificate.svg")])
    assert told.exit_code == 1 and "never made the code" in told.output
    assert give(app, ["certificate", "--verify", "nowhere.svg"]).exit_code == commands.NOT_SO + 1
