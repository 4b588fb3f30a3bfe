"""Each case shows a planted fault, or that its correct twin is left in peace."""

from __future__ import annotations

import time

import pytest
from virtual_cases import CASES

from weft.probes.virtual_clock import run_virtual


@pytest.mark.parametrize("name", CASES)
def test_shows(name: str) -> None:
    main, check = CASES[name]
    start = time.perf_counter()
    run = run_virtual(main)
    assert check(run), run
    assert time.perf_counter() - start < 5
