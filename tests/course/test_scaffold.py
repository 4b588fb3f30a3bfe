"""A scaffolded challenge is whole and works; bad and taken ids leave nothing behind."""

from __future__ import annotations

import pytest

from weft.course.scaffold import scaffold
from weft.course.variants import reference, stub
from weft.course.verify import prove
from weft.judge import session
from weft.layout import Challenge, Course, LayoutError, read_notebook


def test_the_notebook_has_every_section(challenge: Challenge) -> None:
    text = challenge.source_text.read_text()
    for section in (
        "The problem",
        "What to build",
        "Warm-up",
        "Part 1",
        "See it run",
        "Explore",
        "Graded",
        "Afterwards",
    ):
        assert f"# ## {section}" in text or f"· {section}" in text
    assert "```mermaid" in text and text.count("<details>") == 3
    assert challenge.about()["title"] == "A crew of threads"


def test_a_title_may_hold_any_sign(course: Course) -> None:
    made = scaffold(course, "Y2", title="Füße: {a} \"b\" & 'c'", notebook="feet")
    assert made.about()["title"] == "Füße: {a} \"b\" & 'c'"
    assert '{a} "b"' in "".join(read_notebook(made.source_notebook)["cells"][0]["source"])


@pytest.mark.parametrize("identity", ["X1", "x1", "", "1X", "../X", "X-1", "X 1", "ABCDEFGHI", "X1\n"])
def test_bad_or_taken_ids_are_refused_with_a_sentence(course: Course, identity: str) -> None:
    before = sorted(course.root.rglob("*"))
    with pytest.raises(LayoutError, match=r"(taken|cannot be a challenge's id).*\.$"):
        scaffold(course, identity, title="New")
    assert sorted(course.root.rglob("*")) == before


@pytest.mark.parametrize(("title", "notebook"), [(" ", ""), ("1", ""), ("日本", ""), ("a", "../a"), ("a\nb", "")])
def test_bad_titles_and_notebooks_are_refused(course: Course, title: str, notebook: str) -> None:
    with pytest.raises(LayoutError):
        scaffold(course, "Y1", title=title, notebook=notebook)
    assert not (course.root / "source" / "Y1").exists()


def test_the_judge_gives_the_reference_all_and_the_stub_nothing(challenge: Challenge) -> None:
    for variant in (reference(challenge), stub(challenge)):
        assert prove(variant, session.judge(variant.lifted)).fault == ""
