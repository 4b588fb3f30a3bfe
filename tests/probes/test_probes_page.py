"""The page on probes: what it imports and calls is there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import weft.charts
from weft.judge.answer import Answer

PAGE = (Path(__file__).parents[2] / "docs" / "probes.md").read_text(encoding="utf-8")


def test_every_import_of_the_page_works() -> None:
    found = re.findall(r"from (weft\.[\w.]+) import ([\w, ]+)", PAGE)
    assert len(found) >= 3
    for module, names in found:
        assert all(hasattr(importlib.import_module(module), name.strip()) for name in names.split(","))


def test_every_way_to_the_answer_is_one() -> None:
    found = set(re.findall(r"answer\.(\w+)\(", PAGE))
    assert {"explore", "virtually", "shuffle", "watch", "sweep", "drive"} == found
    assert all(hasattr(Answer, name) for name in found)


def test_every_name_of_the_table_is_one() -> None:
    for module, name in (path.rpartition(".")[::2] for path in set(re.findall(r"`(weft\.probes\.[\w.]+)`", PAGE))):
        assert hasattr(importlib.import_module(module), name), f"{module}.{name}"
    assert hasattr(weft.charts, "timeline")
