"""What nbgrader releases: no secrets, the points that are still to come, the same bytes each time."""

from pathlib import Path

import pytest

from weft.gradebook.release import announce, hidden_points

from .madecourse import CORRECTNESS, Class, release


def test_nothing_withheld_is_released(klass: Class) -> None:
    folder = klass.root / "release" / "X1"
    assert [path.name for path in folder.rglob("*")] == ["sums.ipynb"]
    text = (folder / "sums.ipynb").read_text()
    for secret in ("HIDDEN TESTS", "7031", "4242", "secret", "return a + b", "You do not see"):
        assert secret not in text


def test_the_magic_line_says_what_is_judged_at_grading(klass: Class) -> None:
    sources = [cell["source"] for cell in klass.released()["cells"]]
    assert sources[4].startswith("%%checks correctness --hidden 1.5\n")
    assert "test_adds_small_numbers" in sources[4]
    assert sources[5] == "%%checks errors --hidden 2\n# All checks of this cell are judged at grading."


def test_release_is_repeatable_to_the_byte(klass: Class) -> None:
    path = klass.root / "release" / "X1" / "sums.ipynb"
    before = path.read_bytes()
    release(klass.root)
    assert path.read_bytes() == before


def test_the_database_keeps_the_whole_check_cell(klass: Class) -> None:
    from weft.gradebook.books import Books

    books = Books(klass.course, klass.course.challenge("X1"))
    with books.gradebook() as gradebook:
        assert gradebook.find_source_cell("correctness-sums", "sums", "X1").source == CORRECTNESS


def test_registering_leaves_the_release_alone(klass: Class) -> None:
    from weft.gradebook.books import Books

    path = klass.root / "release" / "X1" / "sums.ipynb"
    path.write_text("mine")
    Books(klass.course, klass.course.challenge("X1")).register()
    assert path.read_text() == "mine"


def test_hidden_points_are_those_between_the_markers() -> None:
    assert hidden_points(CORRECTNESS) == 1.5
    assert hidden_points("x = 1\n### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS") == 0.0


def test_an_earlier_announcement_is_replaced() -> None:
    assert announce("%%checks errors --hidden 9\ndef test_a(): ...", 4).startswith("%%checks errors --hidden 4\ndef")


def test_an_open_hidden_region_is_refused(klass: Class) -> None:
    from weft.gradebook.books import Books, BooksError

    path: Path = klass.root / "source" / "X1" / "sums.ipynb"
    path.write_text(path.read_text().replace("### END HIDDEN TESTS", ""))
    with pytest.raises(BooksError, match="No end hidden tests"):
        Books(klass.course, klass.course.challenge("X1")).register()
