"""What a log source sends: seeded lines of several streams, with a known number of bad ones among them."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field

#: The most urgent first. A level's place is its number in the trace.
LEVELS = ("CRITICAL", "HIGH", "NORMAL", "LOW")

#: Of a hundred records.
SHARES = (3, 12, 30, 55)


@dataclass(frozen=True, slots=True)
class Line:
    """One line, and what is true of it. ``level`` is -1 for poison: the line is no record, in one of five ways."""

    id: str
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a source does. ``records`` and ``poison`` (among them) are numbers per stream, ``refused`` in all.

    ``burst`` records come as fast as they are asked for, then the stream is quiet for ``pause`` seconds. The sink takes
    ``latency`` seconds for each record, and goes silent for ``stall`` seconds when it has taken ``stall_after``.
    """

    streams: int = 3
    records: int = 0
    poison: int = 0
    refused: int = 0
    seed: int = 0
    burst: int = 0
    pause: float = 0.0
    latency: float = 0.0
    stall: float = 0.0
    stall_after: int = 0
    made: dict[int, list[Line]] = field(default_factory=dict, compare=False, repr=False)

    def lines(self, stream: int) -> list[Line]:
        """The lines of one stream, in order; the same for the same plan."""
        if stream not in self.made:
            self.made[stream] = self._make(stream)
        return self.made[stream]

    def all_lines(self) -> list[Line]:
        """The lines of all streams."""
        return [line for stream in range(self.streams) for line in self.lines(stream)]

    def refused_ids(self) -> set[str]:
        """The good records that the sink refuses."""
        good = [line.id for line in self.all_lines() if line.level >= 0]
        return set(random.Random(self.seed).sample(good, min(self.refused, len(good))))

    def _make(self, stream: int) -> list[Line]:
        dice = random.Random(f"{self.seed}-{stream}")
        levels = dice.choices(range(len(LEVELS)), SHARES, k=self.records)
        bad = set(dice.sample(range(self.records), min(self.poison, self.records)))
        return [
            _poison(f"{stream}-{number}", number + stream) if number in bad else _good(f"{stream}-{number}", level)
            for number, level in enumerate(levels)
        ]


def _good(name: str, level: int) -> Line:
    return Line(name, level, json.dumps({"id": name, "level": LEVELS[level], "text": f"record {name}"}))


def _poison(name: str, kind: int) -> Line:
    texts = (
        f'{{"id": "{name}", "level": "HIGH", "te',
        json.dumps({"id": name, "level": "URGENT", "text": "no such level"}),
        json.dumps({"id": name, "text": "no level"}),
        json.dumps([name, "LOW", "a list"]),
        "\x00\x00 binary \x7f",
    )
    return Line(name, -1, texts[kind % len(texts)])
