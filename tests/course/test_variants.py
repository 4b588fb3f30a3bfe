"""Mutants and alternatives are what their files say, or a sentence says what is wrong with the file."""

from __future__ import annotations

import pytest

from weft.course.variants import VariantError, alternatives, mutants, reference, stub, variants, visible
from weft.judge.cells import all_checks
from weft.layout import Challenge


def test_every_variant_is_there_in_order(challenge: Challenge) -> None:
    kinds = [variant.kind for variant in variants(challenge)]
    assert kinds == ["reference", "stub", *["mutant"] * 6, *["alternative"] * 3]


def test_a_stub_has_the_release_s_modules_and_all_checks(challenge: Challenge) -> None:
    lifted = stub(challenge).lifted
    assert "NotImplementedError" in lifted.modules["crew"] and "submit(" not in lifted.modules["crew"]
    assert lifted.cells == reference(challenge).lifted.cells


def test_a_mutant_differs_in_its_edit_alone(challenge: Challenge) -> None:
    made = {variant.name: variant for variant in mutants(challenge)}
    base = reference(challenge).lifted.modules
    modules = made["one-too-many"].lifted.modules
    assert modules["crew"] == base["crew"].replace("max_workers=limit", "max_workers=limit + 1")
    assert modules["demo"] == base["demo"] and made["one-too-many"].loses == "concurrency"


def test_an_alternative_takes_what_it_lacks_from_the_reference(challenge: Challenge) -> None:
    found = {variant.name: variant.lifted.modules for variant in alternatives(challenge)}
    assert set(found) == {"asyncio_inside", "queue_workers", "thread_per_item"}
    assert found["queue_workers"]["demo"] == reference(challenge).lifted.modules["demo"]
    assert "SimpleQueue" in found["queue_workers"]["crew"]
    assert list(found["queue_workers"]) == list(reference(challenge).lifted.modules)


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ('"max_workers=limit"', '"max_workers=few"', r"stands there 0 times: 'max_workers=few'"),
        ('"max_workers=limit"', '"limit"', r"stands there \d+ times: 'limit'"),
        ('replace = "max_workers=limit + 1"', 'replace = "max_workers=limit"', "no mistake"),
        ('loses = "concurrency"', 'loses = "style"', "must be one of correctness"),
        ('module = "crew"', 'module = "crowd"', "no module 'crowd'"),
        ('"one-too-many"', '"batches"', "'batches' is not"),
        ('name = "one-too-many"', "name = one", "cannot be read"),
    ],
)
def test_a_mutant_that_does_not_apply_is_told(challenge: Challenge, before: str, after: str, sentence: str) -> None:
    path = challenge.source / "mutants.toml"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(VariantError, match=sentence):
        mutants(challenge)


def test_an_alternative_of_another_module_is_told(challenge: Challenge) -> None:
    (challenge.source / "alternatives/queue_workers/crowd.py").write_text("")
    with pytest.raises(VariantError, match="no module of the reference"):
        alternatives(challenge)


def test_visible_leaves_out_hidden_checks_and_keeps_line_numbers(challenge: Challenge) -> None:
    full = reference(challenge).lifted
    seen = visible(full)
    assert {check.check for check in all_checks(seen.cells)} == {
        c.check for c in all_checks(full.cells) if not c.hidden
    }
    assert (
        sum(cell.hidden_points for cell in seen.cells)
        == sum(c.points for c in all_checks(full.cells) if c.hidden)
        == 30
    )
    for cell, before in zip(seen.cells, full.cells, strict=True):
        lines = zip(cell.source.splitlines(), before.source.splitlines(), strict=False)
        assert all(line in ("", known) for line, known in lines)
