"""A drive travels with what it needs, and never with an expected value."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from weft.judge.travel import travelling_source
from weft.judge.verdicts import Broken

CELL = """
import json as j
from collections import Counter

EXPECTED = 42

def helper(x):
    return Counter(x)

def drive(x):
    return j.dumps(helper(x))

def cheats():
    return EXPECTED

def nested():
    def inner():
        return helper("aab")
    return inner()

lambdas = lambda: 1
"""


@pytest.fixture
def cell(tmp_path: Path) -> ModuleType:
    path = tmp_path / "checks_00.py"
    path.write_text(CELL)
    spec = importlib.util.spec_from_file_location("checks_00", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_helpers_and_imports_travel(cell: ModuleType) -> None:
    namespace: dict = {}
    exec(travelling_source(cell.drive), namespace)
    assert namespace["drive"]("aab") == '{"a": 2, "b": 1}'
    exec(travelling_source(cell.nested), namespace)
    assert namespace["nested"]()["a"] == 2


def test_nothing_else_travels(cell: ModuleType) -> None:
    assert "EXPECTED" not in travelling_source(cell.drive)
    assert "cheats" not in travelling_source(cell.drive)


@pytest.mark.parametrize("name", ["cheats", "lambdas"])
def test_a_constant_or_a_lambda_is_the_authors_mistake(cell: ModuleType, name: str) -> None:
    with pytest.raises(Broken):
        travelling_source(getattr(cell, name))
