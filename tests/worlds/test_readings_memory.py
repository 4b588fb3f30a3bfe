"""Planted memory: pressure by script, leaks that grow, plateaus that stay."""

from __future__ import annotations

import json
import subprocess
import sys

from weft.probes.memory import after_each
from weft.worlds.readings_memory import Leak, filling, leaking, sawtooth, scripted


def test_a_script_is_said_and_its_end_repeated() -> None:
    reader = scripted([0.1, 0.9])
    assert [reader() for _ in range(4)] == [0.1, 0.9, 0.9, 0.9]


def test_a_planted_leak_grows() -> None:
    held = after_each(Leak(20_000), rounds=6)
    assert held[-1] - held[0] > 4 * 20_000


def test_a_planted_leak_may_take_its_time() -> None:
    held = after_each(Leak(20_000, nth=3), rounds=9)
    assert 40_000 < held[-1] < 80_000


def test_a_planted_plateau_stays() -> None:
    # In a process of its own, as a drive is: here the garbage of other tests may go meanwhile.
    call = "print(after_each(Plateau(400_000, calls=4), rounds=9))"
    told = f"from weft.probes.memory import after_each\nfrom weft.worlds.readings_memory import Plateau\n{call}"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, timeout=60, check=True)
    held = json.loads(done.stdout)
    assert held[3] > 1_000_000 and abs(held[-1] - held[4]) < 2000


def test_series_are_what_they_say() -> None:
    assert leaking(3, 10, base=0) == [0, 10, 20]
    assert filling(5, 2, 10) == [0, 10, 20, 20, 20]
    assert sawtooth(5, 2, 10) == [0, 10, 0, 10, 0]
    assert all(abs(size - 10 * number) <= 5 for number, size in enumerate(leaking(50, 10, noise=5, base=0)))
