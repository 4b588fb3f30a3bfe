"""Every case of the table is judged right, and its failure comes back when its schedule is replayed."""

from __future__ import annotations

import pytest
from case_table import CASES, Case, judge

#: A correct case must hold in so many schedules here; the benchmark takes more. Mistakes get what they need.
CLEAN = 30
#: Two hundred threads take a third of a second for each schedule.
FEW = {"two hundred threads, locked": 3}


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.name)
def test_is_judged_right(one: Case) -> None:
    schedules = FEW.get(one.name, CLEAN if one.expected == "holds" else 200)
    found = judge(one, schedules=schedules)
    assert found["right"], found
    assert found["repeats"], found


def test_the_table_is_fair() -> None:
    """A judge that always said the same would be wrong in a good part of the cases."""
    holds = [one for one in CASES if one.expected == "holds"]
    assert len({one.name for one in CASES}) == len(CASES)
    assert 0.3 < len(holds) / len(CASES) < 0.7
