"""A submission's cells become those of the database, and only what may be trusted is lifted."""

from typing import Any

import pytest

from weft.gradebook.repair import Slot, lift_repaired, repair

SLOTS = [
    Slot("adder", "code", False, "%%module adder\nraise NotImplementedError()", "0" * 32, solution=True),
    Slot("given", "code", True, "%%module given\nx = 1", "1" * 32),
    Slot("drives", "code", True, "%%drives\ndef run(): ...", "2" * 32),
    Slot("correctness-a", "code", True, "%%checks correctness\ndef test_a(): ...", "3" * 32, points=4.0),
]


def cell(source: str, grade_id: object = None, kind: str = "code", **nbgrader: Any) -> dict[str, Any]:
    metadata = {"nbgrader": {"grade_id": grade_id, **nbgrader}} if grade_id or nbgrader else {}
    return {"id": f"id{abs(hash(source))}", "cell_type": kind, "metadata": metadata, "source": source}


def whole() -> list[dict[str, Any]]:
    return [
        cell("%%module adder\nmine = 1", "adder"),
        cell("%%module given\nx = 1", "given"),
        cell("%%drives\ndef run(): ...", "drives"),
        cell("%%checks correctness --hidden 2\n", "correctness-a"),
    ]


def lifted(cells: list[dict[str, Any]]) -> Any:
    return lift_repaired({"cells": cells})


def test_metadata_comes_from_the_database_alone() -> None:
    cells = whole()
    cells[3]["metadata"]["nbgrader"].update(grade=False, points=400, locked=False, solution=True, schema_version=9)
    repair(cells, SLOTS)
    known = cells[3]["metadata"]["nbgrader"]
    assert known["grade"] and known["locked"] and not known["solution"]
    assert (known["points"], known["schema_version"], known["checksum"]) == (4.0, 3, "3" * 32)
    assert cells[3]["source"] == SLOTS[3].source
    assert cells[0]["source"] == "%%module adder\nmine = 1"


def test_missing_locked_cells_go_back_to_their_places() -> None:
    cells = [cell("# notes", kind="markdown"), whole()[0], cell("print()"), whole()[3]]
    notes = repair(cells, SLOTS)
    assert [item["metadata"].get("nbgrader", {}).get("grade_id") for item in cells] == [
        None, "adder", "given", "drives", None, "correctness-a",
    ]  # fmt: skip
    assert notes == [
        "Cell given was missing and has been put back.",
        "Cell drives was missing and has been put back.",
    ]


def test_an_empty_notebook_gets_all_locked_cells_in_order() -> None:
    cells: list[dict[str, Any]] = []
    repair(cells, SLOTS)
    assert [item["source"] for item in cells] == [slot.source for slot in SLOTS if slot.locked]
    assert len({item["id"] for item in cells}) == 3


def test_a_second_cell_of_a_name_and_an_unknown_one_keep_their_text_only() -> None:
    cells = [*whole(), cell("%%module adder\nmine = 2", "adder"), cell("1 + 1", "bonus", grade=True, points=50)]
    notes = repair(cells, SLOTS)
    assert [item["metadata"] for item in (cells[0], cells[5])] == [{}, {}]
    assert cells[4]["metadata"]["nbgrader"]["solution"] and cells[5]["source"] == "1 + 1"
    assert notes == [
        "Cell adder stands there more than once; the last one counts.",
        "Cell 6 claims to be graded but is none of this challenge's; it does not count.",
    ]


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_cells_of_the_wrong_type_are_repaired(kind: str) -> None:
    cells = whole()
    for item in cells:
        item["cell_type"] = kind
    repair(cells, SLOTS)
    assert {item["cell_type"] for item in cells} == {"code"}
    assert all(item["outputs"] == [] for item in cells)
    assert list(lifted(cells).modules) == ["adder", "given"]


def test_an_answer_cell_that_lost_its_name_is_found_by_its_module() -> None:
    cells = whole()
    cells[0]["metadata"] = {}
    repair(cells, SLOTS)
    assert cells[0]["metadata"]["nbgrader"]["grade_id"] == "adder"


@pytest.mark.parametrize("grade_id", [["adder"], {"a": 1}, 7, "", "x" * 500])
def test_grade_ids_of_any_kind_are_survived(grade_id: object) -> None:
    cells = [*whole(), cell("pass", grade_id)]
    repair(cells, SLOTS)
    assert cells[4]["metadata"] == {}


def test_a_learners_checks_and_drives_never_reach_the_judge() -> None:
    cells = whole()
    cells += [cell("%%checks correctness\nimport os"), cell("%%drives\ndef run(): return 'right'")]
    repair(cells, SLOTS)
    result = lifted(cells)
    assert [check.name for check in result.cells] == ["correctness-a"]
    assert "right" not in result.drives


def test_a_given_module_cannot_be_replaced() -> None:
    cells = [*whole(), cell("%%module given\nx = 2")]
    repair(cells, SLOTS)
    result = lifted(cells)
    assert "x = 1" in result.modules["given"]
    assert result.notes == ["Cell 5 does not count: module given is given by the course."]


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "class", "a.b", "x" * 65])
def test_what_is_no_name_of_a_module_never_becomes_a_file(name: str) -> None:
    cells = [*whole(), cell(f"%%module {name}\nx = 2")]
    repair(cells, SLOTS)
    assert name not in lifted(cells).modules


def test_the_last_of_two_modules_counts_and_a_note_says_so() -> None:
    cells = [*whole(), cell("%%module adder\nmine = 2")]
    repair(cells, SLOTS)
    result = lifted(cells)
    assert "mine = 2" in result.modules["adder"]
    assert result.notes == ["Module adder stands in 2 cells; the last one counts."]
