"""nbgrader's own API, which Formgrader and the commands use, works with nothing but our nbgrader_config.py."""

import csv
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.plugins.export import CsvExportPlugin
from traitlets.config.loader import PyFileConfigLoader

from weft.gradebook.verdict import JudgeSubmission
from weft.judge import session

from .madecourse import Class

REAL_JUDGE = session.judge


@pytest.fixture
def api(klass: Class, monkeypatch: pytest.MonkeyPatch) -> Iterator[NbGraderAPI]:
    config = PyFileConfigLoader("nbgrader_config.py", path=str(klass.root)).load_config()
    monkeypatch.chdir(klass.root.parent)
    yield NbGraderAPI(config=config)


def totals(klass: Class) -> dict[str, float]:
    with Gradebook(f"sqlite:///{klass.root / 'gradebook.db'}") as gradebook:
        return {item.student.id: item.score for item in gradebook.assignment_submissions("X1")}


def test_the_way_of_a_challenge_through_formgraders_api(klass: Class, api: Any) -> None:
    assert api.generate_assignment("X1")["success"]
    klass.hand_in("ann", klass.answered())
    klass.hand_in("bob", klass.answered("return a - b"))
    assert all(api.autograde("X1", name)["success"] for name in ("ann", "bob"))
    assert totals(klass) == {"ann": 6.5, "bob": 0.0}
    assert api.generate_feedback("X1")["success"]
    assert (klass.root / "feedback" / "bob" / "X1" / "sums.html").exists()
    assert {row["student"]: row["score"] for row in api.get_submissions("X1")} == {"ann": 6.5, "bob": 0.0}

    with api.gradebook as gradebook:
        CsvExportPlugin(to=str(klass.root / "grades.csv")).export(gradebook)
    with open(klass.root / "grades.csv") as file:
        assert {row["student_id"]: row["score"] for row in csv.DictReader(file)} == {"ann": "6.5", "bob": "0.0"}


def test_a_wrong_name_is_graded_by_the_stock_command_too(klass: Class, api: Any) -> None:
    klass.hand_in("ann", klass.answered(), name="sums-Copy1.ipynb")
    assert api.autograde("X1", "ann")["success"]
    assert totals(klass) == {"ann": 0.0}


def test_the_stock_command_fills_and_uses_the_store(klass: Class, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    klass.hand_in("ann", klass.answered())
    klass.hand_in("bob", klass.answered())
    assert api.autograde("X1", "ann")["success"]
    monkeypatch.setattr(session, "judge", lambda lifted, **_: pytest.fail("judged again"))
    assert api.autograde("X1", "bob")["success"]
    assert totals(klass) == {"ann": 6.5, "bob": 6.5}
    assert len(list((klass.root / ".weft" / "judgements").rglob("*.json"))) == 1
    shutil.rmtree(klass.root / ".weft")
    assert JudgeSubmission().store == ".weft/judgements"


def test_the_real_judge_gives_the_points(klass: Class, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "judge", REAL_JUDGE)
    klass.hand_in("ann", klass.answered())
    klass.hand_in("bob", klass.answered("return a + b if a > 0 else 0"))
    assert all(api.autograde("X1", name)["success"] for name in ("ann", "bob"))
    assert totals(klass) == {"ann": 6.5, "bob": 4.5}
    cell = klass.autograded("bob")["cells"][5]
    assert "Negative numbers are added." in "".join(cell["outputs"][0]["data"]["text/plain"])


def test_a_submission_is_never_executed(klass: Class, api: Any) -> None:
    trap = klass.root / "executed"
    notebook = klass.answered()
    code = {"id": "t", "cell_type": "code", "metadata": {}, "source": f"open({str(trap)!r}, 'w')", "outputs": []}
    notebook["cells"].insert(0, code | {"execution_count": None})
    klass.hand_in("ann", notebook)
    assert api.autograde("X1", "ann")["success"]
    assert not trap.exists()
