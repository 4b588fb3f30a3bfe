"""The advisor's hidden snippets: sixty, half of them traps, none of them the learners'; found in the check cell."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from weft.answer.lift import lift
from weft.layout import Course, read_notebook
from weft.worlds.snippets import MODELS, UNREADABLE, Snippet, open_world, parse

COURSE = Course(Path(__file__).parents[2])


@pytest.fixture(scope="module")
def hidden() -> list[Snippet]:
    """What the check cell gives the name HIDDEN."""
    for cell in lift(read_notebook(COURSE.challenge("D1").source_notebook)).cells:
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "HIDDEN":
                return eval(compile(ast.Expression(node.value), "<cell>", "eval"), {"parse": parse})
    raise AssertionError("no check cell has HIDDEN")


def test_there_are_sixty_and_half_of_them_are_traps(hidden: list[Snippet]) -> None:
    assert len(hidden) == len({snippet.name for snippet in hidden}) == 60
    assert sum(bool(snippet.trap) for snippet in hidden) >= 30
    assert {snippet.model for snippet in hidden} == {*MODELS, UNREADABLE}
    assert min(sum(snippet.model == model for snippet in hidden) for model in MODELS) >= 9


def test_only_the_unreadable_cannot_be_parsed(hidden: list[Snippet]) -> None:
    for snippet in hidden:
        if snippet.model == UNREADABLE:
            with pytest.raises(SyntaxError):
                ast.parse(snippet.source)
        else:
            ast.parse(snippet.source)


def test_the_learners_have_none_of_them(hidden: list[Snippet]) -> None:
    with open_world() as world:
        known = {line for snippet in world.all for line in _telling(snippet.source)}
    for snippet in hidden:
        lines = set(_telling(snippet.source))
        assert not lines or len(lines & known) < 0.6 * len(lines), snippet.name


def _telling(source: str) -> list[str]:
    """Lines that are long enough to say something, without imports."""
    lines = (line.strip() for line in source.splitlines())
    return [line for line in lines if len(line) > 20 and not line.startswith(("import", "from"))]
