"""A failing schedule as its readers meet it: in a page, by ear, in a terminal; and when its JSON is nonsense."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from weft.pictures import lines, picture
from weft.pictures.rows import MOST, rows_of, threads_of
from weft.pictures.waits import wait_graph, waits_of

from .failures import ADD, FIRST, deadlock, event, lost_update


def texts(html: str) -> list[str]:
    """What stands in the cells of the table, row by row."""
    body = html.partition("<tbody>")[2].partition("</tbody>")[0]
    return [re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", row)).strip() for row in body.split("</tr>")[:-1]]


def test_what_one_thread_does_at_one_line_is_one_row_until_it_is_interrupted() -> None:
    rows = rows_of(lost_update())
    assert [(row.thread, row.effects) for row in rows if not row.remark] == [
        ("main", ["starts T1", "starts T2"]),
        ("T1", ["reads self.count → 0"]),
        ("T2", ["reads self.count → 0", "writes self.count ← 1"]),
        ("T1", ["writes self.count ← 1"]),
    ]
    assert [row.remark for row in rows if row.hurts] == ["T1 is interrupted at counter.py:5, T2 goes on"]
    assert [row.remark for row in rows if row.fails] == ["It does not hold: 2 increments, but the count is 1"]


def test_locks_are_held_from_acquire_to_release_and_a_waiting_thread_waits() -> None:
    last = rows_of(deadlock())[-1]
    assert last.held == {"T1": ["Account.lock #1"], "T2": ["Account.lock #2"]} and last.waiting == {"T1", "T2"}
    released = deadlock()
    released["events"].insert(1, event(1, "T1", "release", "Account.lock #1", "", FIRST))
    rows = rows_of(released)
    assert rows[-1].held == {"T2": ["Account.lock #2"]}


def test_a_lock_given_back_by_another_thread_is_held_no_more() -> None:
    events = [event(1, "T1", "acquire", "gate"), event(2, "T2", "release", "gate")]
    assert rows_of({"events": events})[-1].held == {}


def test_a_long_schedule_keeps_its_beginning_and_its_end() -> None:
    events = [event(n, "T1", "read", "x", str(n), ("a.py", n, "x")) for n in range(1, 500)]
    rows = rows_of({"events": events})
    assert len(rows) == MOST + 1
    assert rows[0].where == "a.py:1" and rows[-1].where == "a.py:499"
    assert [row.remark for row in rows if row.remark] == [f"{499 - MOST} rows left out"]


def test_lanes_are_in_the_order_of_appearance() -> None:
    assert threads_of(lost_update()) == ["main", "T1", "T2"]


def test_the_page_tells_the_same_as_the_terminal() -> None:
    page, terminal = texts(picture(lost_update())), lines(lost_update())
    assert page[2] == "⇄ T1 is interrupted at counter.py:5, T2 goes on" and page[2] in terminal
    assert page[3] == "counter.py:5 self.count += 1 reads self.count → 0 writes self.count ← 1"
    assert "  T2    counter.py:5  self.count += 1  reads self.count → 0, writes self.count ← 1" in terminal
    assert terminal[1] == "Found in schedule 3; one switch is enough."


def test_whatever_an_answer_calls_its_things_is_shown_and_not_run() -> None:
    failure = lost_update()
    failure["message"] = failure["events"][-1]["value"] = '<script>alert("x")</script>\x1b[31m'
    failure["events"][2]["source"] = '"><img src=x onerror=alert(1)>'
    page = picture(failure, steps=False)
    assert "<script" not in page and "<img" not in page and "\x1b" not in page


@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        {"events": 3},
        {"events": [1, None]},
        {"events": [{"kind": "read"}]},
        {"waits": [{"holds": 3}, 4]},
        {"kind": 5},
    ],
)
def test_nonsense_gives_a_picture_of_what_there_is(nonsense: dict[str, Any]) -> None:
    assert picture(nonsense) and lines(nonsense)


def test_the_wait_graph_has_an_arrow_for_each_wait_and_each_hold() -> None:
    svg = ElementTree.fromstring(wait_graph(deadlock()))
    assert [text.text for text in svg.iter("text")] == ["T1", "T2", "Account.lock #2", "Account.lock #1"]
    kinds = [group.get("class") for group in svg.iter("g")]
    assert kinds.count("wants") == 2 and kinds.count("holds") == 2
    assert svg.get("aria-label") == " ".join(wait.sentence() for wait in waits_of(deadlock()))
    assert wait_graph(lost_update()) == ""


def test_a_wait_is_said_in_a_sentence() -> None:
    assert waits_of(deadlock())[0].sentence() == (
        "T1 holds Account.lock #1 (since bank.py:8) and waits at bank.py:9 for Account.lock #2, which T2 holds."
    )


@pytest.fixture
def page(tmp_path: Path, browser: Any) -> Iterator[Any]:
    file = tmp_path / "page.html"
    file.write_text(f"<!doctype html><meta charset=utf-8><body>{picture(lost_update())}{picture(deadlock())}")
    page = browser.new_page()
    page.goto(file.as_uri())
    yield page
    page.close()


@pytest.mark.browser
def test_keys_and_buttons_step_through_each_schedule_by_itself(page: Any) -> None:
    first, second = page.locator("figure.weft-schedule").all()
    assert first.locator("output").inner_text() == "6 of 6: It does not hold: 2 increments, but the count is 1"
    first.locator("input").focus()
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    said = f"4 of 6: T2 at {ADD[0]}:{ADD[1]}: reads self.count → 0, writes self.count ← 1"
    assert first.locator("output").inner_text() == said
    assert first.locator("tr.later").count() == 2 and first.locator("tr.now").count() == 1
    assert first.locator("input").get_attribute("aria-valuetext") == said.partition(": ")[2]
    assert second.locator("tr.later").count() == 0
    second.get_by_title("one step back").click()
    assert second.locator("output").inner_text().startswith("5 of 6: T1 at bank.py:9: waits for")
