"""Judgements are found again by what was judged, and by nothing else."""

import copy
from pathlib import Path

import pytest

from weft.answer.lift import CheckCell, Lifted
from weft.gradebook import store as stores
from weft.gradebook.store import JudgementStore, key_of
from weft.judge.verdicts import Judgement, Outcome, Verdict

LIFTED = Lifted(
    {"adder": "a = 1\n", "other": "b = 2\n"}, "def run(): ...\n", [CheckCell("correctness-a", "correctness", "x", 2.0)]
)


def judgement(outcome: Outcome = Outcome.FAIL) -> Judgement:
    return Judgement(
        [Verdict("test_a", "A.", "correctness-a", "correctness", 2.0, False, outcome)], "walls", ["n"], 1.5
    )


def test_what_was_put_is_got(tmp_path: Path) -> None:
    store = JudgementStore(tmp_path)
    store.put("ab12", judgement())
    assert store.get("ab12") == judgement()
    assert store.get("ab13") is None
    assert [path.name for path in tmp_path.rglob("*.*")] == ["ab12.json"]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"verdicts": 3}', b'{"verdicts": [{"check": 1}]}', b"\xff"])
def test_a_damaged_file_is_a_miss(tmp_path: Path, damage: bytes) -> None:
    store = JudgementStore(tmp_path)
    store.put("ab12", judgement())
    store.path("ab12").write_bytes(damage)
    assert store.get("ab12") is None
    store.put("ab12", judgement())
    assert store.get("ab12") == judgement()


def test_a_broken_judgement_is_not_kept(tmp_path: Path) -> None:
    store = JudgementStore(tmp_path)
    store.put("ab12", judgement(Outcome.BROKEN))
    assert store.get("ab12") is None


def test_all_that_decides_changes_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {key_of(LIFTED)}
    for change in (
        lambda lifted: lifted.modules.update(adder="a = 3\n"),
        lambda lifted: lifted.modules.update(new=""),
        lambda lifted: lifted.modules.update(adder=lifted.modules.pop("adder")),
        lambda lifted: setattr(lifted, "drives", ""),
        lambda lifted: setattr(lifted.cells[0], "source", "y"),
        lambda lifted: setattr(lifted.cells[0], "name", "correctness-b"),
        lambda lifted: setattr(lifted.cells[0], "hidden_points", 0.0),
    ):
        changed = copy.deepcopy(LIFTED)
        change(changed)
        keys.add(key_of(changed))
    monkeypatch.setattr(stores, "package_digest", lambda: "another weft")
    keys.add(key_of(LIFTED))
    monkeypatch.setattr(stores.platform, "platform", lambda: "another machine")
    keys.add(key_of(LIFTED))
    assert len(keys) == 10


def test_notes_do_not_change_the_key() -> None:
    noted = copy.deepcopy(LIFTED)
    noted.notes.append("a note")
    assert key_of(noted) == key_of(LIFTED)
