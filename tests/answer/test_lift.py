"""Answer cells become modules, as text."""

from weft.answer.lift import lift, module_name, module_source


def code(source: str, **nbgrader: object) -> dict:
    return {"cell_type": "code", "source": source, "metadata": {"nbgrader": nbgrader} if nbgrader else {}}


def test_a_modules_lines_keep_the_cells_numbers() -> None:
    source = module_source("%%module a\nx = 1\n1 / 0")
    assert source.splitlines()[2] == "1 / 0"
    compile(source, "a.py", "exec")


def test_only_the_first_line_names_a_module() -> None:
    assert module_name("%%module a  \nx = 1") == "a"
    assert module_name("x = 1\n%%module a") is None
    assert module_name("%%module") is None


def test_the_last_of_two_modules_counts_and_a_note_says_so() -> None:
    lifted = lift({"cells": [code("%%module a\nx = 1"), code("%%module b\n"), code("%%module a\nx = 2")]})
    assert list(lifted.modules) == ["b", "a"]
    assert "x = 2" in lifted.modules["a"]
    assert lifted.notes == ["Module a stands in cells 1 and 3; the later one counts."]


def test_source_may_be_a_list_of_lines() -> None:
    cell = {"cell_type": "code", "source": ["%%module a\n", "x = 1\n"], "metadata": {}}
    assert lift({"cells": [cell]}).modules == {"a": "# %%module a\nx = 1\n"}


def test_check_cells_carry_their_name_criterion_and_hidden_points() -> None:
    lifted = lift({"cells": [code("%%checks errors --hidden 2.5\nx = 1", grade_id="errors-input")]})
    (cell,) = lifted.cells
    assert (cell.name, cell.criterion, cell.hidden_points, cell.source) == ("errors-input", "errors", 2.5, "\nx = 1")


def test_markdown_is_never_lifted() -> None:
    assert not lift({"cells": [{"cell_type": "markdown", "source": "%%module a\n"}]}).modules
