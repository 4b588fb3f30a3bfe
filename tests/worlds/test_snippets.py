"""Labelled snippets: what the text says, what the learners' set holds, and how advice on it is marked."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from weft.worlds.snippets import MODELS, Snippets, mark, open_world, parse

TEXT = """\
## name: first
## model: threads
## why: It waits.
## trap: alias
## run: f(1)
import time as t

## a comment of its own
t.sleep(1)  #!

## name: second
## model: serial
## why: Nothing to do.
pass
"""


@pytest.fixture
def world() -> Snippets:
    with open_world() as world:
        return world


def advice(model: str, confidence: float = 1.0, line: int = 1) -> dict[str, object]:
    return {"model": model, "confidence": confidence, "line": line}


def test_a_snippet_has_a_head_a_source_and_marked_lines() -> None:
    first, second = parse(TEXT)
    assert (first.name, first.model, first.why, first.trap, first.run) == (
        "first", "threads", "It waits.", "alias", "f(1)",
    )  # fmt: skip
    assert first.source == "import time as t\n\n## a comment of its own\nt.sleep(1)\n"
    assert first.lines == (4,)
    assert (second.source, second.lines, second.alone) == ("pass\n", (), "")


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ValueError, match="first: there is no model 'fibres'"):
        parse(TEXT.replace("threads", "fibres"))


def test_the_learners_have_sixty_snippets_each_with_a_reason(world: Snippets) -> None:
    assert len(world.all) == 60
    assert len({snippet.name for snippet in world.all}) == 60
    assert all(snippet.why.endswith(".") and "\n" not in snippet.why for snippet in world.all)
    assert set(Counter(snippet.model for snippet in world.all)) == set(MODELS)
    assert min(Counter(snippet.model for snippet in world.all).values()) >= 10


def test_every_snippet_can_be_read_and_every_mark_is_inside_it(world: Snippets) -> None:
    for snippet in world.all:
        ast.parse(snippet.source)
        assert "#!" not in snippet.source, snippet.name
        assert all(line <= snippet.source.count("\n") for line in snippet.lines), snippet.name


def test_all_but_serial_point_somewhere(world: Snippets) -> None:
    assert [snippet.name for snippet in world.all if not snippet.lines and snippet.model != "serial"] == []


def test_snippets_are_found_by_label_and_name(world: Snippets) -> None:
    assert {snippet.model for snippet in world.of("threads", "serial")} == {"threads", "serial"}
    assert world.named("primes by division").model == "processes"
    world.reset()
    assert len(world.trace) == 0


def test_perfect_advice_has_perfect_marks() -> None:
    found = parse(TEXT)
    marks = mark(found, [advice("threads", line=4), advice("serial")])
    assert (marks.macro_accuracy, marks.brier, marks.lines_right) == (1, 0, 1)
    assert (marks.wrong, marks.astray) == ({}, {})


def test_each_model_counts_the_same_in_the_macro_accuracy() -> None:
    found = parse(TEXT) + parse(TEXT)[:1]
    marks = mark(found, [advice("threads", line=4), advice("threads"), advice("threads", line=2)])
    assert marks.macro_accuracy == 0.5
    assert marks.by_model == {"threads": 1, "serial": 0}
    assert marks.brier == pytest.approx(1 / 3)
    assert marks.wrong == {"second": "threads"}
    assert marks.astray == {"first": 2}
    assert marks.lines_right == 0.5


def test_the_unreadable_counts_in_nothing() -> None:
    found = parse(TEXT + "\n## name: third\n## model: unreadable\n## why: Broken.\nprint 1\n")
    assert mark(found, [advice("threads", line=4), advice("serial"), advice("threads")]).macro_accuracy == 1
