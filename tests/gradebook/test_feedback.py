"""Feedback shows verdicts and reasons, never the source of a hidden test."""

from collections.abc import Callable

from weft.gradebook.grading import feedback, grade

from .madecourse import Class


def page_of(klass: Class, student: str) -> str:
    return (klass.root / "feedback" / student / "X1" / "sums.html").read_text()


def test_a_failed_hidden_check_is_named_by_its_sentence_and_message_only(klass: Class) -> None:
    klass.hand_in("ann", klass.answered("return a + b  # HIDDEN FAILS"))
    grade(klass.course, "X1")
    assert feedback(klass.course, "X1") == [klass.root / "feedback" / "ann" / "X1" / "sums.html"]
    page = page_of(klass, "ann")
    for shown in ("Large numbers are added.", "came out wrong", "Score: 3.0 / 6.5", "2 of 3 checks did not pass."):
        assert shown in page
    for secret in ("7031", "4242", "HIDDEN TESTS", "test_adds_what_you_do_not_see", "test_secret_error"):
        assert secret not in page


def test_the_reason_is_on_the_page(klass: Class) -> None:
    klass.hand_in("ann", None)
    klass.hand_in("bob", klass.answered())
    grade(klass.course, "X1")
    feedback(klass.course, "X1")
    assert "No notebook sums.ipynb was handed in." in page_of(klass, "ann")
    assert "All 3 checks passed." in page_of(klass, "bob")


def test_markers_in_the_learners_own_cells_do_not_stop_feedback(klass: Class) -> None:
    notebook = klass.answered("return a + b\n### BEGIN HIDDEN TESTS")
    notebook["cells"].insert(0, {"id": "m", "cell_type": "markdown", "metadata": {}, "source": "BEGIN HIDDEN TESTS"})
    klass.hand_in("ann", notebook)
    grade(klass.course, "X1")
    feedback(klass.course, "X1")
    assert page_of(klass, "ann").count("HIDDEN TESTS") == 2


def test_what_an_answer_says_is_no_markup_in_a_comment(
    klass: Class, points_of: Callable[[str], tuple[float, bool, str]]
) -> None:
    notebook = klass.answered("DIES")
    notebook["cells"].append(
        {"id": "x", "cell_type": "code", "metadata": {}, "source": "%%module <script>x", "outputs": []}
    )
    notebook["cells"].append(
        {"id": "y", "cell_type": "code", "metadata": {}, "source": "%%module <script>", "outputs": []}
    )
    klass.hand_in("ann", notebook)
    grade(klass.course, "X1")
    feedback(klass.course, "X1")
    assert "&lt;script&gt; cannot be the name of a module" in page_of(klass, "ann").replace("&amp;", "&")


def test_feedback_for_some_leaves_others_alone(klass: Class) -> None:
    for name in ("ann", "bob"):
        klass.hand_in(name, klass.answered())
    grade(klass.course, "X1")
    feedback(klass.course, "X1", students=["bob"])
    assert not (klass.root / "feedback" / "ann").exists()
    assert page_of(klass, "bob")
