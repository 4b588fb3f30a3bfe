"""The rows of one till's CSV file, good and bad, and what they add up to: told by the maker, not found by reading."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence

from weft.worlds.csv_truth import RATES, REASONS, Truth, euro_cents

#: The columns of a file, in their usual order; ``note`` is nobody's business.
COLUMNS = ("day", "store", "product", "quantity", "price", "currency", "note")

#: Products as a till prints them.
PRODUCTS = ("Green Tea", "coffee", "Bread", "oat  milk", "Apples", "crème fraîche", "SALT")

#: Notes that a reader who splits at commas or at line ends gets wrong.
AWKWARD = ("paid, in part", 'size 5"', "first line\nsecond line", "one\n\nthree, four", '"quoted"', ",", "\n")

#: What a bad field says, by the reason for which its row is dropped.
BAD = {
    "day": ("", "2026-02-30", "20260314", "2026-W11-6", "14.03.2026", "yesterday", "2026-3-4"),
    "product": ("", "   "),
    "quantity": ("", "0", "-3", "2.5", "three", "1_000", "٣"),
    "price": ("", "free", "-1.00", "1.234", "1e3", "nan", "1.", ".5"),
    "currency": ("", "XXX", "EURO"),
}

#: How encoding goes wrong: one byte of Latin-1 in a file of UTF-8. It travels as a lone surrogate until it is written.
LATIN_1 = b"Caf\xe9".decode("utf-8", "surrogateescape")


class RowMaker:
    """Makes rows from a seed and keeps the truth about them.

    ``dirt`` is the share of bad rows (0.0 to 1.0), ``reasons`` what may be wrong with them, ``awkward`` the share of
    rows whose note holds commas, quotes or line ends.
    """

    def __init__(
        self, seed: int | str, dirt: float = 0.1, reasons: Sequence[str] = REASONS, awkward: float = 0.2
    ) -> None:
        self.random = random.Random(seed)
        self.dirt, self.reasons, self.awkward = dirt, reasons, awkward
        self.truth = Truth()

    def body(self, rows: int, columns: Sequence[str] = COLUMNS, newline: str = "\n") -> bytes:
        """So many rows as the bytes of a file, its columns in this order."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator=newline)
        for number in range(rows):
            writer.writerow(self._row(columns, number))
        return text.getvalue().encode("utf-8", "surrogateescape")

    def _row(self, columns: Sequence[str], number: int) -> list[str]:
        fields = self._good()
        if self.random.random() >= self.dirt:
            self._count(fields)
            return [fields[name] for name in columns]
        reason = self.reasons[number % len(self.reasons)]
        self.truth.drop(reason)
        if reason == "columns":
            row = [fields[name] for name in columns]
            return [*row, "extra"] if number % 2 else row[:-1]
        self._spoil(fields, reason)
        return [fields[name] for name in columns]

    def _spoil(self, fields: dict[str, str], reason: str) -> None:
        """Make one field bad, and now and then a later one too: the first reason counts."""
        if reason == "encoding":
            fields[self.random.choice(["product", "note"])] = LATIN_1
            return
        fields[reason] = self.random.choice(BAD[reason])
        later = REASONS[REASONS.index(reason) + 1 :]
        if later and self.random.random() < 0.2:
            other = self.random.choice(later)
            fields[other] = self.random.choice(BAD[other])

    def _good(self) -> dict[str, str]:
        pick = self.random
        price = pick.randrange(1, 5_000)
        note = pick.choice(AWKWARD) if pick.random() < self.awkward else ""
        return {
            "day": f"2026-{pick.randrange(1, 4):02}-{pick.randrange(1, 29):02}",
            "store": f"store {pick.randrange(1, 10)}",
            "product": f"{' ' * pick.randrange(2)}{pick.choice(PRODUCTS)}",
            "quantity": f"{pick.randrange(1, 12)}{' ' * pick.randrange(2)}",
            "price": f"{price // 100}{pick.choice('.,')}{price % 100:02}" if price % 100 else str(price // 100),
            "currency": pick.choice(list(RATES)),
            "note": note,
        }

    def _count(self, fields: dict[str, str]) -> None:
        whole, _, hundredths = fields["price"].replace(",", ".").partition(".")
        price = 100 * int(whole) + int(hundredths or 0)
        units = int(fields["quantity"])
        product = " ".join(fields["product"].lower().split())
        self.truth.sell(fields["day"][:7], product, units, euro_cents(units, price, fields["currency"]))
