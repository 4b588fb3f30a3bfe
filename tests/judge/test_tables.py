"""The verdict tables: the same content in HTML, plain text and the terminal, and nothing of the answer unescaped."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from rich.console import Console

from weft.judge.tables_html import verdict_table
from weft.judge.tables_text import clean, verdict_lines, verdict_text
from weft.judge.verdicts import Evidence, Judgement, Outcome, Verdict

EVIL = "<script>alert(1)</script>\x1b[2J\x00\u202e\ud800"


def verdict(outcome: Outcome = Outcome.PASS, points: float = 4, **more: Any) -> Verdict:
    fields: dict[str, Any] = {"check": "test_it", "sentence": "It adds up.", "cell": "c", "criterion": "correctness"}
    return Verdict(**{**fields, "points": points, "hidden": False, "outcome": outcome, **more})


def failed(**evidence: Any) -> Verdict:
    return verdict(Outcome.FAIL, evidence=Evidence(**evidence))


def terminal(judgement: Judgement, **options: Any) -> str:
    console = Console(width=200, file=None, force_terminal=False)
    with console.capture() as captured:
        console.print(verdict_text(judgement, **options))
    return captured.get()


class Reader(HTMLParser):
    """Reads a table as a screen reader would: tags that are open, texts, labels."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.labels: list[str] = []
        self.text = ""
        self.feed(text.replace("<br>", ""))
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.append(tag)
        self.labels += [value for name, value in attrs if name == "aria-label" and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data + " "


def every_form(judgement: Judgement, **options: Any) -> list[str]:
    return [
        Reader(verdict_table(judgement, **options)).text,
        verdict_lines(judgement, **options),
        terminal(judgement, **options),
    ]


@pytest.mark.parametrize(
    ("hidden", "hidden_points", "headline"),
    [
        (False, 0.0, "4 / 8 points"),
        (False, 8.0, "4 / 8 visible points · 8 more are judged at grading"),
        (False, 2.5, "4 / 8 visible points · 2.5 more are judged at grading"),
        (True, 8.0, "4 / 8 points"),
    ],
)
def test_headline(hidden: bool, hidden_points: float, headline: str) -> None:
    judgement = Judgement([verdict(), verdict(Outcome.FAIL, hidden=hidden)])
    for told in every_form(judgement, hidden_points=hidden_points):
        assert headline in told
        assert ("visible" in headline) == ("visible" in told)
        assert ("(judged at grading)" in told or "· judged at grading" in told) is hidden


def test_criteria_are_told_apart() -> None:
    one = Judgement([verdict(criterion="errors")])
    two = Judgement([verdict(criterion="errors"), verdict(criterion="concurrency")])
    for told in every_form(one):
        assert "Errors" in told
    for told in every_form(two):
        assert told.index("All criteria") < told.index("Concurrency") < told.index("Errors")
    assert "Quality" in verdict_lines(Judgement([]), criterion="quality")


@pytest.mark.parametrize(
    ("outcome", "glyph", "said", "earned"),
    [
        (Outcome.PASS, "✓", "passed", "4 / 4"),
        (Outcome.FAIL, "✗", "failed", "0 / 4"),
        (Outcome.NOT_RUN, "–", "not run", "0 / 4"),
        (Outcome.BROKEN, "!", "broken", "4 / 4"),
    ],
)
def test_each_outcome_is_seen_and_heard(outcome: Outcome, glyph: str, said: str, earned: str) -> None:
    judgement = Judgement([verdict(outcome)])
    for told in every_form(judgement):
        assert glyph in told and earned in told and "It adds up." in told
        assert ("Not your fault" in told and "costs nothing" in told) is (outcome is Outcome.BROKEN)
    labels = Reader(verdict_table(judgement)).labels
    assert said in labels and f"{earned} points" in labels


def test_evidence_is_complete_in_every_form() -> None:
    evidence = {
        "called": "`add(1, 2)`",
        "came_back": "4",
        "wanted": "3 of them",
        "message": "One too many.",
        "look_at": ["adding.py:3 return a + b + 1", "adding.py:9 add(1, 2)"],
        "stacks": {"worker-0": ["adding.py:7 lock.acquire()"]},
        "output": "so far so good",
    }
    for told in every_form(Judgement([failed(**evidence)])):
        for part in (
            "add(1, 2)",
            "3 of them",
            "One too many.",
            "return a + b + 1",
            "adding.py:9",
            "worker-0",
            "so good",
        ):
            assert part in told
        assert told.index("called") < told.index("came back") < told.index("wanted") < told.index("look at")


def test_empty_evidence_leaves_nothing_behind() -> None:
    table = verdict_table(Judgement([failed(message="No.")])).partition("</style>")[2]
    assert not [tag for tag in ("<dl>", "<details", "<pre>", "<figure") if tag in table]


@pytest.mark.parametrize("place", ["called", "came_back", "wanted", "message", "output"])
def test_nothing_of_the_answer_is_markup(place: str) -> None:
    for outcome in (Outcome.FAIL, Outcome.BROKEN, Outcome.NOT_RUN):
        shown = [verdict_table(Judgement([verdict(outcome, evidence=Evidence(**{place: EVIL}))]))]
        shown += [verdict_lines(Judgement([verdict(outcome, evidence=Evidence(**{place: EVIL}))]))]
        assert "<script" not in shown[0]
        assert not [character for text in shown for character in "\x1b\x00\u202e\ud800" if character in text]
        "".join(shown).encode("utf-8")


def test_nothing_elsewhere_is_markup_either() -> None:
    judgement = Judgement(
        [verdict(Outcome.FAIL, sentence=EVIL, evidence=Evidence(look_at=[EVIL], stacks={EVIL: [EVIL]}))]
    )
    judgement.notes.append(EVIL)
    table = verdict_table(judgement, criterion=EVIL)
    assert "script" not in Reader(table).tags
    assert "\x1b" not in terminal(judgement)


def test_a_failing_schedule_is_drawn_and_told() -> None:
    read = {"thread": "T1", "kind": "read", "what": "n", "value": "0", "file": "a.py", "line": 3, "source": "n += 1"}
    schedule = {"found_in": 2, "switches": 1, "kind": "invariant", "message": "1 is not 2", "events": [read]}
    judgement = Judgement([failed(schedule=schedule)])
    assert '<figure class="weft-schedule"' in verdict_table(judgement)
    assert "T1  a.py:3  n += 1  reads n → 0" in verdict_lines(judgement)


def test_long_values_are_folded() -> None:
    short, long = "x" * 160, "y" * 161
    table = verdict_table(Judgement([failed(came_back=short, wanted=long)]))
    assert f"<code>{short}</code>" in table
    assert f"<summary><code>{'y' * 60} …</code> 161 characters</summary><pre>{long}</pre>" in table


def test_many_failures_keep_only_the_first_open() -> None:
    three, four = (verdict_table(Judgement([failed(message=f"m{n}") for n in range(count)])) for count in (3, 4))
    assert three.count("<summary>why</summary>") == 0
    assert four.count("<summary>why</summary>") == 3 and '<div class="why"><p>m0</p>' in four


def test_the_bar_is_the_share_of_points() -> None:
    assert "width:25%" in verdict_table(Judgement([verdict(points=2), verdict(Outcome.FAIL, points=6)]))
    assert "width:0%" in verdict_table(Judgement([]))


def test_terminal_sequences_are_removed_whole() -> None:
    assert clean("\x1b[31mred\x1b[0m \x1b]0;title\x07plain\ttab\r\n") == "red plain\ttab\n"
