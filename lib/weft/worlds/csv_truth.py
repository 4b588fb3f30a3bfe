"""What a folder of tills' CSV files holds, known without reading it: counts, reasons, sums in whole cents."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

#: What one unit of each currency is worth, in ten-thousandths of a euro.
RATES = {"EUR": 10_000, "CHF": 10_500, "GBP": 11_700, "SEK": 900}

#: Why a row can be dropped. The first that applies is the one that counts.
REASONS = ("columns", "encoding", "day", "product", "quantity", "price", "currency")


def euro_cents(quantity: int, price: int, currency: str) -> int:
    """The worth of ``quantity`` at ``price`` (in hundredths of ``currency``), in euro cents; half a cent goes up."""
    return (quantity * price * RATES[currency] + 5_000) // 10_000


@dataclass(slots=True)
class Truth:
    """What is in some rows.

    ``groups`` maps ``"month product"`` to how many sales there were, how many units, how many euro cents, and the
    smallest and the largest sale in cents. ``dropped`` counts rows by reason.
    """

    rows: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    groups: dict[str, list[int]] = field(default_factory=dict)

    def sell(self, month: str, product: str, units: int, cents: int) -> None:
        """Add one good row. ``month`` is ``"2026-03"``."""
        self.rows += 1
        self._add(f"{month} {product}", [1, units, cents, cents, cents])

    def drop(self, reason: str) -> None:
        """Add one bad row."""
        self.rows += 1
        self.dropped[reason] += 1

    def merge(self, other: Truth, times: int = 1) -> None:
        """Add what ``other`` knows, so many times."""
        self.rows += times * other.rows
        for reason, count in other.dropped.items():
            self.dropped[reason] += times * count
        for key, (sales, units, cents, smallest, largest) in other.groups.items():
            self._add(key, [times * sales, times * units, times * cents, smallest, largest])

    def to_json(self) -> dict[str, Any]:
        """The same as a check compares it; a reason that nothing was dropped for is left out."""
        return {"rows": self.rows, "dropped": dict(self.dropped), "groups": self.groups}

    def _add(self, key: str, more: list[int]) -> None:
        have = self.groups.setdefault(key, [0, 0, 0, more[3], more[4]])
        have[:3] = [one + other for one, other in zip(have[:3], more[:3], strict=True)]
        have[3:] = [min(have[3], more[3]), max(have[4], more[4])]
