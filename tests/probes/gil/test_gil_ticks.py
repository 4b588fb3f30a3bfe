"""Who had the interpreter when; and the search for an interpreter without a lock."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from weft.probes import free_threading, gil_ticks
from weft.probes.gil_ticks import Ticks


def test_every_thread_has_its_slices_in_order() -> None:
    ticks = gil_ticks.watch(threads=2, steps=2_000)
    assert list(ticks.lanes) == ["thread 1", "thread 2"]
    for lane in ticks.lanes.values():
        edges = [edge for pair in lane for edge in pair]
        assert edges == sorted(edges)
    assert min(lane[0][0] for lane in ticks.lanes.values()) == 0.0
    assert ticks.version == sys.version.split()[0]


def test_two_threads_of_an_interpreter_with_a_lock_hardly_run_together() -> None:
    ticks = gil_ticks.watch(threads=2, steps=8_000)
    assert ticks.gil is gil_ticks.has_gil()
    if ticks.gil:
        assert ticks.together <= 0.3


def test_the_share_of_time_together() -> None:
    ticks = Ticks({"a": [(0.0, 2.0)], "b": [(1.0, 3.0)], "c": [(3.0, 4.0)]})
    assert ticks.seconds == 4.0 and ticks.together == pytest.approx(0.25)
    assert Ticks().together == 0.0 and Ticks.from_json(ticks.to_json()) == ticks


def test_another_interpreter_says_the_same_as_json() -> None:
    ticks = Ticks.from_json(free_threading.run_module(sys.executable, "weft.probes.gil_ticks", "2", "200"))
    assert ticks.version == sys.version.split()[0] and len(ticks.lanes) == 2


def test_a_module_that_fails_is_an_error_in_a_sentence() -> None:
    with pytest.raises(RuntimeError, match="no_such_module"):
        free_threading.run_module(sys.executable, "weft.no_such_module")
    with pytest.raises(RuntimeError):
        free_threading.run_module("/no/such/python", "weft.probes.gil_ticks")
    with pytest.raises(RuntimeError, match="timed out"):
        free_threading.run_module(sys.executable, "weft.probes.gil_ticks", "1", "100", timeout=0.001)


def fake(folder: Path, name: str, said: str) -> Path:
    """A command that answers what it is asked with ``said``."""
    path = folder / name
    path.write_text(f"#!/bin/sh\necho {said}\n")
    path.chmod(0o755)
    return path


def test_an_interpreter_is_believed_only_if_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setenv("WEFT_NOGIL_PYTHON", str(fake(tmp_path, "liar", "0 3.14.0")))
    assert free_threading.find() is None
    here = fake(tmp_path, "python3.13t", "1 3.13.0")
    assert free_threading.find() == free_threading.Interpreter(str(here), "3.13.0")
    mine = fake(tmp_path, "mine", "1 3.14.1")
    monkeypatch.setenv("WEFT_NOGIL_PYTHON", str(mine))
    assert free_threading.find() == free_threading.Interpreter(str(mine), "3.14.1")
