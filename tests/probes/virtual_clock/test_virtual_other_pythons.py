"""The table of cases on the other interpreters of this machine; they need nothing but the standard library."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path


def test_shows_the_same_on_another_python(run_elsewhere: Callable[[Path], str]) -> None:
    wrong = json.loads(run_elsewhere(Path(__file__).with_name("virtual_cases.py")))
    assert len(wrong) > 30
    assert {name: why for name, why in wrong.items() if why} == {}
