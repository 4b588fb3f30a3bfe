"""The CSV factory: its truth is what a second, independent reading finds, and its hook shows what ran at once."""

from __future__ import annotations

import csv
import datetime
import multiprocessing
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from weft.worlds.csv_factory import CsvFactory, open_world, write_files
from weft.worlds.csv_hook import Hook, sleep_holding_the_lock
from weft.worlds.csv_rows import COLUMNS
from weft.worlds.csv_truth import RATES, REASONS
from weft.worlds.csv_yardstick import add_up
from weft.worlds.notes import processes_at_once, read_notes


@pytest.fixture
def factory() -> Iterator[CsvFactory]:
    with open_world() as made:
        yield made


def reason_for(row: list[str], columns: list[str]) -> str:
    """Why a row is bad, by rules written again, on another way than the maker's; empty if it is good."""
    if len(row) != len(columns):
        return "columns"
    fields = {name: field.strip() for name, field in zip(columns, row, strict=True)}
    if any("\udc80" <= letter <= "\udcff" for field in row for letter in field):
        return "encoding"
    try:
        datetime.datetime.strptime(fields["day"], "%Y-%m-%d")
        if not re.fullmatch("....-..-..", fields["day"]):
            return "day"
    except ValueError:
        return "day"
    if not fields["product"]:
        return "product"
    if not re.fullmatch("0*[1-9][0-9]*", fields["quantity"]):
        return "quantity"
    if not re.fullmatch("[0-9]+([.,][0-9][0-9]?)?", fields["price"]):
        return "price"
    return "" if fields["currency"] in RATES else "currency"


def read_again(folder: Path) -> dict[str, Any]:
    """The truth about a folder's usable files, by the csv module and Decimal."""
    dropped: Counter[str] = Counter()
    sales: dict[str, list[int]] = {}
    rows = 0
    for path in sorted(folder.glob("*.csv")):
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            header, *body = list(csv.reader(file)) or [[]]
        if not {*header} >= {*COLUMNS} - {"note"}:
            continue
        for row in body:
            rows += 1
            if reason := reason_for(row, header):
                dropped[reason] += 1
                continue
            fields = dict(zip(header, row, strict=True))
            worth = int(fields["quantity"]) * Decimal(fields["price"].replace(",", ".")) * 100
            cents = int((worth * RATES[fields["currency"]] / 10_000).to_integral_value(ROUND_HALF_UP))
            key = f"{fields['day'][:7]} {re.sub(' +', ' ', fields['product'].strip().lower())}"
            group = sales.setdefault(key, [0, 0, 0, cents, cents])
            units = int(fields["quantity"])
            sales[key] = [group[0] + 1, group[1] + units, group[2] + cents, min(group[3], cents), max(group[4], cents)]
    return {"rows": rows, "dropped": dict(dropped), "groups": sales}


def test_the_truth_is_what_a_second_reading_finds(factory: CsvFactory) -> None:
    factory.add_night(2_000)
    truth = factory.truth
    assert truth == read_again(factory.write())
    assert truth["rows"] == 2_000 + 50 + 500 + 500 + 250 + 250
    assert set(truth["dropped"]) == set(REASONS)


def test_copies_count_as_often_as_they_are_written(factory: CsvFactory) -> None:
    factory.add("a.csv", 100, copies=7)
    assert factory.truth["rows"] == 700
    assert factory.truth == read_again(factory.write())


def test_a_correction_keeps_the_length_and_changes_the_truth(factory: CsvFactory) -> None:
    factory.add("a.csv", 500)
    before, size = factory.truth, (factory.write() / "a.csv").stat().st_size
    factory.correct("a.csv")
    assert factory.truth == read_again(factory.write()) != before
    assert (factory.folder / "a.csv").stat().st_size == size


def test_notes_hold_line_ends_so_rows_are_not_lines(factory: CsvFactory) -> None:
    factory.add("a.csv", 300)
    path = factory.write() / "a.csv"
    assert path.read_bytes().count(b"\n") > 301


def test_a_seed_repeats_and_none_does_not(factory: CsvFactory) -> None:
    bodies = []
    for seed in ("one", "one", "two", None, None):
        factory.reset(seed)
        factory.add("a.csv", 50)
        bodies.append(factory.files["a.csv"]["body"])
    assert bodies[0] == bodies[1]
    assert len(set(bodies)) == 4


def test_reset_leaves_nothing_of_before(factory: CsvFactory) -> None:
    factory.add_night(40)
    factory.hook()("something")
    factory.write()
    factory.reset()
    assert (factory.files, len(factory.trace), factory.rejected, list(factory.folder.iterdir())) == ({}, 0, set(), [])


def test_files_survive_their_travel_as_json(factory: CsvFactory, tmp_path: Path) -> None:
    import json

    factory.add("a.csv", 200, newline="\r\n", copies=2)
    write_files(tmp_path, json.loads(json.dumps(factory.files)))
    assert (tmp_path / "a.csv").read_bytes() == (factory.write() / "a.csv").read_bytes()


def test_threads_cannot_overlap_in_the_sleep_and_processes_can(tmp_path: Path) -> None:
    def run(kind: Any, name: str) -> int:
        """How many processes were in the hook at once, of three of this kind."""
        hook = Hook(str(tmp_path / name), 0.1)
        each = [kind(target=hook, args=(str(number),)) for number in range(3)]
        for one in each:
            one.start()
        for one in each:
            one.join()
        return processes_at_once(read_notes(tmp_path / name))

    assert run(multiprocessing.get_context("fork").Process, "processes") == 3
    started = time.monotonic()
    assert run(threading.Thread, "threads") == 1
    assert time.monotonic() - started >= 0.3


def test_the_sleep_lasts_as_long_as_it_says() -> None:
    started = time.monotonic()
    sleep_holding_the_lock(0.05)
    assert 0.05 <= time.monotonic() - started < 0.5


def test_a_hook_can_kill_and_can_wait(tmp_path: Path) -> None:
    log, sign = tmp_path / "log", tmp_path / "sign"
    process = multiprocessing.get_context("fork").Process(target=Hook(str(log), kills="b"), args=("b.csv:0",))
    process.start()
    process.join()
    assert process.exitcode == -9
    assert read_notes(log).count("leave") == 0
    waiting = threading.Thread(target=Hook(str(log), waits_for=str(sign)), args=("c.csv:0",))
    waiting.start()
    time.sleep(0.05)
    assert waiting.is_alive()
    sign.touch()
    waiting.join(2)
    assert read_notes(log).count("leave", "c.csv:0") == 1


def test_the_yardstick_does_the_whole_work(factory: CsvFactory) -> None:
    factory.add("a.csv", 3_000, copies=2)
    factory.add("b.csv", 100, columns=COLUMNS[::-1], newline="\r\n")
    assert add_up(factory.write()).to_json() == factory.truth
