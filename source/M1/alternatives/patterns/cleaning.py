"""A table of patterns, one for each field; no cache, no classes for what goes wrong."""

import datetime
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

RATES = {"EUR": 10_000, "CHF": 10_500, "GBP": 11_700, "SEK": 900}

PATTERNS = {
    "day": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "product": re.compile(r".+", re.DOTALL),
    "quantity": re.compile(r"0*[1-9][0-9]*"),
    "price": re.compile(r"[0-9]+([.,][0-9]{1,2})?"),
    "currency": re.compile("|".join(RATES)),
}
SURROGATE = re.compile("[\udc80-\udcff]")


class Sale(NamedTuple):
    """A good row."""

    day: str
    product: str
    quantity: int
    price: int
    currency: str


class BadRow(Exception):
    """Not needed here."""


def clean(records: Iterable[list[str]], columns: Sequence[str]) -> tuple[list[Sale], Counter[str]]:
    """Ask for a reason first; what has none is a sale."""
    places = [(name, columns.index(name), pattern.fullmatch) for name, pattern in PATTERNS.items()]
    sales, dropped = [], Counter[str]()
    for record in records:
        fields: dict[str, str] = {}
        reason = "columns" if len(record) != len(columns) else trouble(record, places, fields)
        if reason:
            dropped[reason] += 1
        else:
            sales.append(as_sale(fields))
    return sales, dropped


def trouble(record: list[str], places: list, fields: dict[str, str]) -> str:
    """The first reason to drop a record; empty if there is none. Fills ``fields``."""
    if SURROGATE.search("".join(record)):
        return "encoding"
    for name, place, fits in places:
        fields[name] = field = record[place].strip()
        if not fits(field) or (name == "day" and not exists(field)):
            return str(name)
    return ""


def exists(day: str) -> bool:
    """Whether the calendar has this day."""
    year, month, number = map(int, day.split("-"))
    try:
        datetime.date(year, month, number)
    except ValueError:
        return False
    return True


def as_sale(fields: dict[str, str]) -> Sale:
    """Convert what is known to be good."""
    whole, _, part = fields["price"].replace(",", ".").partition(".")
    return Sale(
        fields["day"],
        re.sub(r"\s+", " ", fields["product"].lower()),
        int(fields["quantity"]),
        int(whole) * 100 + int(f"{part}00"[:2]),
        fields["currency"],
    )
