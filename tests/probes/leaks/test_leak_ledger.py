"""The leak ledger: each kind of leak is told, each clean idiom is not, and what is seen travels as JSON."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing import shared_memory
from pathlib import Path

import pytest
from leak_cases import CLEAN, LEAKS, Cleanup, forget_to_wait, hold_a_thread, keep_shared_memory_of_a_child, listen

from weft.probes.leaks import KINDS, ledger


@pytest.fixture
def later() -> Iterator[Cleanup]:
    """What the test undoes when it has looked."""
    calls: Cleanup = []
    yield calls
    for call in reversed(calls):
        call()


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.mark.parametrize(("leak", "kind", "said"), LEAKS, ids=[row[0].__name__ for row in LEAKS])
def test_a_leak_is_told_and_named(leak: Callable[[Cleanup], None], kind: str, said: str, later: Cleanup) -> None:
    with ledger(settle=0.05) as book:
        leak(later)
    assert {one.kind for one in book.left} == {kind}, book.sentences()
    assert any(said in sentence for sentence in book.sentences()), book.sentences()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("work", CLEAN, ids=[work.__name__ for work in CLEAN])
def test_what_is_given_back_is_no_leak(work: Callable[[], None]) -> None:
    with ledger(settle=10) as book:
        work()
    assert book.sentences() == []


def test_what_was_there_before_is_nobodys_leak(later: Cleanup) -> None:
    for leak, _, _ in LEAKS:
        if leak not in (keep_shared_memory_of_a_child, forget_to_wait):
            leak(later)
    with ledger(settle=0) as book:
        pass
    assert book.clean


def test_a_clean_block_is_not_waited_for() -> None:
    start = time.monotonic()
    with ledger(settle=30):
        pass
    assert time.monotonic() - start < 10


def test_it_is_filled_in_when_the_block_raises(later: Cleanup) -> None:
    with contextlib.suppress(KeyError), ledger(settle=0.05) as book:
        listen(later)
        raise KeyError
    assert [one.kind for one in book.left] == ["socket"]


def test_it_travels_as_json(later: Cleanup) -> None:
    with ledger(settle=0.05) as book:
        hold_a_thread(later)
        listen(later)
    row = json.loads(json.dumps(book.to_json()))
    assert list(row["counts"]) == list(KINDS) and sum(row["counts"].values()) == 2
    assert [left["kind"] for left in row["left"]] == ["thread", "socket"]
    assert row["left"][1]["detail"].endswith(", listens")


def test_only_the_given_folders_are_looked_at(tmp_path: Path) -> None:
    spill = tmp_path / "spill"
    spill.mkdir()
    with ledger(settle=0, folders=[str(spill)]) as book:
        (tmp_path / "elsewhere").write_text("x")
        (spill / "a").write_text("x")
    assert [one.name for one in book.left] == [str(spill / "a")]


def test_it_says_what_it_does_not_see() -> None:
    with ledger() as book:
        pass
    said = " ".join(book.notes)
    assert "whose parent has ended" in said and "not forked from this process" in said


def test_the_c_module_of_shared_memory_is_put_back() -> None:
    real = shared_memory.__dict__["_posixshmem"]
    with contextlib.suppress(KeyError), ledger():
        raise KeyError
    assert shared_memory.__dict__["_posixshmem"] is real


def test_a_killed_worker_that_is_waited_for_leaves_nothing() -> None:
    with ledger(settle=10) as book:
        process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
        process.start()
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        process.close()
    assert book.sentences() == []


def test_another_users_and_programs_processes_do_not_count() -> None:
    with ledger(settle=0) as book:
        subprocess.run([sys.executable, "-c", "import os; os.fork() or os.execlp('sleep', 'sleep', '0.5')"], check=True)
    assert book.of("process") == []


def test_tells_the_same_on_another_python(run_elsewhere: Callable[[Path], str]) -> None:
    found = json.loads(run_elsewhere(Path(__file__).with_name("leak_cases.py")))
    assert found == {"cases": len(LEAKS) + len(CLEAN), "wrong": {}}
