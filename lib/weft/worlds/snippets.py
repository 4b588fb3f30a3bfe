"""Labelled snippets: small programs, the model that fits each, why, and the lines on which the advice may point.

They are text and are never run here. ``benchmarks/d1_labels.py`` runs those that can run, to confirm their labels.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from weft.trace import Trace

MODELS = ("threads", "processes", "asyncio", "to_thread", "serial")

#: What cannot be parsed has a label as well; it counts in no accuracy.
UNREADABLE = "unreadable"

#: Stands at the end of every line on which the advice may point, and is taken away.
MARK = re.compile(r"[ ]*#!$")

HEAD = re.compile(r"## (\w+): (.*)$")
LEARNERS = Path(__file__).with_name("snippets_learners.txt")


@dataclass(frozen=True, slots=True)
class Snippet:
    """One labelled program. ``lines`` are those on which the advice may point; none means any.

    ``run`` is an expression that runs it, ``alone`` one that treats its items independently; both may be empty.
    """

    name: str
    model: str
    why: str
    source: str
    lines: tuple[int, ...]
    trap: str = ""
    run: str = ""
    alone: str = ""


def parse(text: str) -> list[Snippet]:
    """Snippets from text: ``## name: …`` begins one, other ``## key: …`` lines follow, then its source.

    Raises ValueError for an unknown model.
    """
    found = []
    for block in re.split(r"^(?=## name: )", text, flags=re.MULTILINE)[1:]:
        head: dict[str, str] = {}
        lines = block.strip("\n").split("\n")
        while lines and (match := HEAD.match(lines[0])):
            head[match[1]] = match[2].strip()
            lines.pop(0)
        if head["model"] not in (*MODELS, UNREADABLE):
            raise ValueError(f"{head['name']}: there is no model {head['model']!r}")
        marked = tuple(number for number, line in enumerate(lines, start=1) if MARK.search(line))
        source = "\n".join(MARK.sub("", line) for line in lines) + "\n"
        found.append(Snippet(source=source, lines=marked, **head))
    return found


@dataclass(frozen=True, slots=True)
class Marks:
    """How advice on labelled snippets did. Shares are from 0 to 1; ``wrong`` tells what was said instead, by name."""

    macro_accuracy: float
    brier: float
    lines_right: float
    by_model: dict[str, float] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    astray: dict[str, int] = field(default_factory=dict)


def mark(snippets: Sequence[Snippet], advice: Sequence[Any]) -> Marks:
    """Marks for ``advice``, a mapping with ``model``, ``confidence`` and ``line`` for each snippet, in their order.

    Macro-accuracy is the mean of each model's share of right answers; the Brier score that of (confidence − right)²,
    where right is 1 or 0; a line counts where the model is right. Snippets that cannot be parsed are left out.
    """
    pairs = [(s, a) for s, a in zip(snippets, advice, strict=True) if s.model != UNREADABLE]
    asked = Counter(snippet.model for snippet, _ in pairs)
    right = Counter(snippet.model for snippet, given in pairs if given["model"] == snippet.model)
    by_model = {model: right[model] / count for model, count in asked.items()}
    gaps = [(float(given["confidence"]) - (given["model"] == snippet.model)) ** 2 for snippet, given in pairs]
    cited = [(s, given["line"]) for s, given in pairs if s.lines and given["model"] == s.model]
    astray = {snippet.name: line for snippet, line in cited if line not in snippet.lines}
    return Marks(
        _mean(by_model.values()),
        _mean(gaps),
        1 - len(astray) / max(1, len(cited)),
        by_model,
        {snippet.name: given["model"] for snippet, given in pairs if given["model"] != snippet.model},
        astray,
    )


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0


class Snippets:
    """The learners' snippets, as a world: nothing happens in it, so its trace is empty."""

    def __init__(self) -> None:
        self.trace = Trace()
        self.all = parse(LEARNERS.read_text(encoding="utf-8"))

    def reset(self) -> None:
        """Nothing changes here."""

    def of(self, *models: str) -> list[Snippet]:
        """Those with these labels."""
        return [snippet for snippet in self.all if snippet.model in models]

    def named(self, name: str) -> Snippet:
        """The one of that name. Raises KeyError."""
        return {snippet.name: snippet for snippet in self.all}[name]


@contextlib.contextmanager
def open_world() -> Iterator[Snippets]:
    """The learners' snippets, as long as the context lasts."""
    yield Snippets()
