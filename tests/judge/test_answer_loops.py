"""Checks of what an answer does to its event loop, through the whole judge."""

from __future__ import annotations

import pytest

from weft.answer.lift import CheckCell, Lifted
from weft.judge import Outcome, Verdict
from weft.judge.session import judge

DRIVES = '''
async def fetches():
    """`fetch()`"""
    from loops import fetch
    return await fetch()
'''

CHECKS = '''
from weft.judge import points

@points(1)
def test_clean(answer):
    """The loop is left clean."""
    assert answer.watch(fetches) == 7

@points(1)
def test_cancelled(answer):
    """Whoever cancels it can rely on it."""
    assert answer.sweep(fetches)["cancelled"] > 0

@points(1)
def test_hogs(answer):
    """No step computes for long."""
    answer.watch(fetches, cpu_limit=0.3)
'''

GOOD = """
    await asyncio.sleep(0.001)
    await asyncio.sleep(0.001)
    return 7
"""

BLOCKS = GOOD.replace("await asyncio.sleep(0.001)", "time.sleep(0.001)", 1)
LEAVES = """
    asyncio.create_task(asyncio.sleep(30))
    await asyncio.sleep(0.001)
    return 7
"""
SWALLOWS = """
    try:
        await asyncio.sleep(0.001)
    except BaseException:
        pass
    return 7
"""
RAISES = """
    await asyncio.sleep(0.001)
    raise ValueError("no such page")
"""
HOGS = """
    end = time.thread_time() + 0.5
    while time.thread_time() < end:
        pass
    await asyncio.sleep(0.001)
    return 7
"""


def verdicts(body: str) -> dict[str, Verdict]:
    cell = CheckCell("concurrency-loops", "concurrency", CHECKS)
    found = judge(Lifted({"loops": f"import asyncio, time\n\nasync def fetch():{body}"}, DRIVES, [cell])).verdicts
    return {verdict.check: verdict for verdict in found}


def test_a_clean_answer_passes() -> None:
    assert {verdict.outcome for verdict in verdicts(GOOD).values()} == {Outcome.PASS}


@pytest.mark.parametrize(
    ("body", "check", "came_back", "look_at"),
    [
        (BLOCKS, "test_clean", "blocking call: time.sleep", "loops.py:4 time.sleep(0.001)"),
        (LEAVES, "test_clean", "leaked task", "loops.py:4 asyncio.create_task(asyncio.sleep(30))"),
        (SWALLOWS, "test_cancelled", "cancelled at loops.py:5 await", "loops.py:5 await asyncio.sleep(0.001)"),
        (RAISES, "test_clean", "ValueError: no such page", "loops.py:5 raise ValueError"),
        (HOGS, "test_hogs", "cpu hog", "loops.py:"),
    ],
    ids=["blocks", "leaves", "swallows", "raises", "hogs"],
)
def test_a_fault_comes_with_its_line(body: str, check: str, came_back: str, look_at: str) -> None:
    verdict = verdicts(body)[check]
    assert verdict.outcome is Outcome.FAIL
    assert verdict.evidence.came_back.startswith(came_back), verdict.evidence
    assert verdict.evidence.look_at[0].startswith(look_at), verdict.evidence
    assert verdict.evidence.called == "`fetch()`"


def test_a_slow_step_is_no_fault_where_it_is_not_asked_for() -> None:
    assert verdicts(HOGS)["test_clean"].outcome is Outcome.PASS


def test_a_report_that_is_none_counts_against_the_answer() -> None:
    forged = "\n    import weft.probes.async_hygiene as own\n    own.Hygiene.to_json = lambda hygiene: {}\n    return 7"
    verdict = verdicts(forged)["test_clean"]
    assert (verdict.outcome, verdict.evidence.message) == (
        Outcome.FAIL,
        "The report on its event loop did not arrive.",
    )
