"""Many at once: each judged once, a cluster's losses cost nobody points."""

import sys
import threading
import types
from collections.abc import Iterator
from typing import Any

import pytest

from weft.answer.lift import CheckCell, Lifted
from weft.gradebook import fanout
from weft.gradebook.fanout import judge_all
from weft.judge import session

from .madecourse import CORRECTNESS, decide_by_word

CELL = CheckCell("correctness-sums", "correctness", "\n" + CORRECTNESS.partition("\n")[2])


def jobs(*keys: str) -> dict[str, Lifted]:
    return {key: Lifted({"adder": f"return a + b  # {key}"}, "", [CELL]) for key in keys}


def test_as_many_judges_as_workers_are_at_work_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    meet = threading.Barrier(3, timeout=10)

    def together(lifted: Lifted, **_: Any) -> Any:
        meet.wait()
        return decide_by_word(lifted)

    monkeypatch.setattr(session, "judge", together)
    judged = dict(judge_all(jobs("a", "b", "c", "d", "e", "f"), workers=3))
    assert sorted(judged) == list("abcdef")
    assert all(judgement.passed for judgement in judged.values())


def test_a_judge_that_fails_spoils_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_on_b(lifted: Lifted, **_: Any) -> Any:
        if "# b" in lifted.modules["adder"]:
            raise MemoryError
        return decide_by_word(lifted)

    monkeypatch.setattr(session, "judge", fail_on_b)
    judged = dict(judge_all(jobs("a", "b", "c"), workers=2))
    assert [bool(judged[key].verdicts) for key in "abc"] == [True, False, True]
    assert "MemoryError" in judged["b"].notes[0]


def test_what_was_judged_is_kept_though_nobody_took_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "judge", decide_by_word)
    kept: list[str] = []
    all_kept = threading.Event()

    def keep(key: str, judgement: Any) -> None:
        kept.append(key)
        if len(kept) == 3:
            all_kept.set()

    judgements = judge_all(jobs("a", "b", "c"), workers=1, keep=keep)
    next(judgements)
    assert all_kept.wait(10)
    judgements.close()
    assert sorted(kept) == list("abc")


class Future:
    """What a stand-in for Dask's client gives back."""

    def __init__(self, work: Any, lifted: Lifted) -> None:
        self.lost = KeyError("worker died") if "# lost" in lifted.modules["adder"] else None
        self.answer = work(lifted)

    def exception(self) -> Exception | None:
        return self.lost

    def result(self) -> Any:
        return self.answer


class Client:
    """The four methods of Dask's client that are used."""

    def __init__(self, address: str, timeout: float) -> None:
        assert address == "tcp://there:8786"

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: Any) -> None: ...

    def submit(self, work: Any, lifted: Lifted, key: str) -> Future:
        return Future(work, lifted)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    module = types.ModuleType("distributed")
    module.Client, module.as_completed = Client, list  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "distributed", module)
    monkeypatch.setattr(session, "judge", decide_by_word)
    yield


def test_a_cluster_judges_and_what_it_loses_is_said(cluster: None) -> None:
    kept: list[str] = []
    judged = dict(judge_all(jobs("a", "lost"), scheduler="tcp://there:8786", keep=lambda key, _: kept.append(key)))
    assert kept == ["a", "lost"]
    assert judged["a"].passed and judged["a"].possible == 4.5
    assert judged["lost"].verdicts == [] and "lost this submission" in judged["lost"].notes[0]


def test_a_worker_with_another_weft_is_not_believed(cluster: None, monkeypatch: pytest.MonkeyPatch) -> None:
    there = iter(["theirs", "ours"])
    monkeypatch.setattr(fanout, "package_digest", lambda: next(there))
    judged = dict(judge_all(jobs("a"), scheduler="tcp://there:8786"))
    assert judged["a"].verdicts == [] and "another version of weft" in judged["a"].notes[0]
