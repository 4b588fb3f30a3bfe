"""Checks of coroutines on the virtual clock, through the whole judge."""

from __future__ import annotations

import re

import pytest

from weft.answer.lift import CheckCell, Lifted
from weft.judge import Outcome, Verdict
from weft.judge.session import judge
from weft.pictures import lines
from weft.pictures.waits import wait_graph

DRIVES = '''
import asyncio

async def waits():
    """`nap(30)`"""
    from naps import nap
    return await nap(30)

async def both_buy():
    """`buy()` by two tasks"""
    from naps import Shop
    shop = Shop()
    await asyncio.gather(shop.buy(), shop.buy())
    assert shop.left >= 0, f"{shop.left} left"
'''

CHECKS = '''
from weft.judge import points

@points(1)
def test_time(answer):
    """A nap takes its time."""
    run = answer.virtually(waits)
    assert (run.result, run.elapsed) == ("rested", 30.0)

@points(1)
def test_shop(answer):
    """Nobody buys what is not there."""
    answer.shuffle(both_buy, orders=20)
'''

NAPS = """
import asyncio
async def nap(seconds):
    {nap}
    return "rested"
class Shop:
    def __init__(self):
        self.left, self.lock = 1, asyncio.Lock()
    async def buy(self):
        {buy}
"""
GOOD_NAP, GOOD_BUY = "await asyncio.sleep(seconds)", "self.left -= 1 if self.left else 0"
RACE = "if self.left: await asyncio.sleep(0); self.left -= 1"


def verdicts(nap: str = GOOD_NAP, buy: str = GOOD_BUY) -> dict[str, Verdict]:
    cell = CheckCell("concurrency-tasks", "concurrency", CHECKS)
    found = judge(Lifted({"naps": NAPS.format(nap=nap, buy=buy)}, DRIVES, [cell])).verdicts
    return {verdict.check: verdict for verdict in found}


def test_right_answers_pass() -> None:
    assert {verdict.outcome for verdict in verdicts().values()} == {Outcome.PASS}


def test_a_race_of_tasks_is_found() -> None:
    verdict = verdicts(buy=RACE.replace("; ", "\n        ").replace(": await", ":\n            await"))["test_shop"]
    assert verdict.outcome is Outcome.FAIL
    assert "-1 left" in verdict.evidence.came_back


def test_a_deadlock_names_the_task_and_its_line() -> None:
    verdict = verdicts(nap="await asyncio.Event().wait()")["test_time"]
    assert verdict.outcome is Outcome.FAIL
    assert verdict.evidence.message == "Every task waits, and nothing is left that could wake one."
    assert any("naps.py:4 await asyncio.Event().wait()" in lines for lines in verdict.evidence.stacks.values())


CROSSED = """a, b = asyncio.Lock(), asyncio.Lock()
    async def take(x, y):
        async with x:
            await asyncio.sleep(0)
            async with y:
                pass
    await asyncio.gather(take(a, b), take(b, a))"""


def test_a_deadlock_of_locks_is_drawn_as_who_waits_for_whom() -> None:
    schedule = verdicts(nap=CROSSED)["test_time"].evidence.schedule
    boxes = re.findall("<text[^>]*>([^<]+)</text>", wait_graph(schedule))
    assert {"a", "b"} < set(boxes) and not {"Lock a", "Lock b"} & set(boxes)
    told = [sentence for sentence in lines(schedule) if "(since naps.py:6)" in sentence]
    assert len(told) == 2 and all("waits at naps.py:8 for" in sentence for sentence in told)
    assert all("which Task-" in sentence for sentence in told) and "schedule" not in lines(schedule)[1]


def test_an_error_shows_the_learners_line() -> None:
    verdict = verdicts(nap="raise KeyError('bed')")["test_time"]
    assert verdict.evidence.came_back == "KeyError: 'bed'"
    assert verdict.evidence.look_at[0] == "naps.py:4 raise KeyError('bed')"


@pytest.mark.parametrize("nap", ["await asyncio.sleep(1e9)", "while True: await asyncio.sleep(0)"])
def test_what_never_ends_is_ended(nap: str) -> None:
    verdict = verdicts(nap=nap)["test_time"]
    assert verdict.outcome is Outcome.FAIL
    assert verdict.evidence.message
