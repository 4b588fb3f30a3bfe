"""M1's reference beside polars and pandas: ``python benchmarks/m1_pipeline.py [rows per file] [files]``.

1.2 million rows in 8 files, unless said. All of them drop the same rows for the same reasons and reach the same totals;
rows of the wrong length, and such as are not UTF-8, are left out, because neither of the two tells them apart.
Polars (``pip install polars``) is left out, with a sentence, where it is missing.
"""

from __future__ import annotations

import importlib
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from weft.course.variants import reference
from weft.layout import Course
from weft.worlds.csv_factory import open_world
from weft.worlds.csv_truth import RATES
from weft.worlds.csv_yardstick import add_up

ROUNDS = 3
REASONS = ("day", "product", "quantity", "price", "currency")
PRICE = r"^[0-9]+(?:[.,][0-9]{1,2})?$"
NEEDED = ["day", "product", "quantity", "price", "currency"]

#: What every contender returns: rows, rows dropped by reason, and by month and product the sales, units and cents.
Found = tuple[int, dict[str, int], dict[str, list[int]]]


def ours(folder: Path) -> Found:
    """The reference in two processes that are forked."""
    pipeline = importlib.import_module("pipeline")
    totals = pipeline.Pipeline(folder, workers=2, chunk_size=1 << 20, method="fork").run().totals
    groups = {f"{month} {product}": [g.sales, g.units, g.cents] for (month, product), g in totals.groups.items()}
    return totals.rows, dict(totals.dropped), groups


def plain_loop(folder: Path) -> Found:
    """The checks' yardstick: one process, row by row."""
    truth = add_up(folder)
    return truth.rows, dict(truth.dropped), {key: group[:3] for key, group in truth.groups.items()}


def with_pandas(folder: Path) -> Found:
    """One process; every column is text, as whether it is a number is what is to be found out."""
    parts = [
        pd.read_csv(path, dtype=str, keep_default_na=False, usecols=NEEDED) for path in sorted(folder.glob("*.csv"))
    ]
    rows = pd.concat(parts).apply(lambda column: column.str.strip())
    rows["product"] = rows["product"].str.lower().str.replace(r"\s+", " ", regex=True)
    days = pd.to_datetime(rows["day"], format="%Y-%m-%d", errors="coerce")
    good = {
        "day": days.notna() & rows["day"].str.fullmatch(r"\d{4}-\d{2}-\d{2}"),
        "product": rows["product"] != "",
        "quantity": rows["quantity"].str.fullmatch("0*[1-9][0-9]*"),
        "price": rows["price"].str.fullmatch(PRICE),
        "currency": rows["currency"].isin(RATES),
    }
    dropped, left = {}, np.full(len(rows), True)
    for reason, column in good.items():
        bad = left & ~column.to_numpy(dtype=bool)
        dropped[reason] = int(bad.sum())
        left &= ~bad
    kept = rows[left]
    units = kept["quantity"].astype("int64")
    price = (kept["price"].str.replace(",", ".").astype(float) * 100).round().astype("int64")
    cents = (units * price * kept["currency"].map(RATES).astype("int64") + 5_000) // 10_000
    table = pd.DataFrame({"key": kept["day"].str[:7] + " " + kept["product"], "units": units, "cents": cents})
    sums = table.groupby("key").agg(sales=("units", "size"), units=("units", "sum"), cents=("cents", "sum"))
    return (
        len(rows),
        dropped,
        {str(key): [int(n) for n in row] for key, row in zip(sums.index, sums.to_numpy(), strict=True)},
    )


def with_polars(pl: Any, folder: Path) -> Found:
    """As many threads as polars likes."""
    text = dict.fromkeys(NEEDED, pl.String)
    column = pl.col
    rows = pl.scan_csv(folder / "*.csv", schema_overrides=text).select(
        column(name).fill_null("").str.strip_chars() for name in NEEDED
    )
    rows = rows.with_columns(column("product").str.to_lowercase().str.replace_all(r"\s+", " "))
    is_day = column("day").str.contains(r"^\d{4}-\d{2}-\d{2}$")
    bad = {
        "day": ~is_day | column("day").str.to_date("%Y-%m-%d", strict=False).is_null(),
        "product": column("product") == "",
        "quantity": ~column("quantity").str.contains("^0*[1-9][0-9]*$"),
        "price": ~column("price").str.contains(PRICE),
        "currency": ~column("currency").is_in(list(RATES)),
    }
    reason = pl.coalesce([pl.when(what).then(pl.lit(name)) for name, what in bad.items()])
    told = rows.with_columns(reason=reason)
    units = column("quantity").cast(pl.Int64)
    price = (column("price").str.replace(",", ".").cast(pl.Float64) * 100).round().cast(pl.Int64)
    rate = column("currency").replace_strict(RATES, return_dtype=pl.Int64)
    kept = told.filter(column("reason").is_null()).select(
        key=column("day").str.slice(0, 7) + " " + column("product"),
        units=units,
        cents=(units * price * rate + 5_000) // 10_000,
    )
    sums = kept.group_by("key").agg(pl.len(), column("units").sum(), column("cents").sum())
    counts = told.group_by("reason").agg(pl.len())
    found, dropped = pl.collect_all([sums, counts])
    by_reason = {name: count for name, count in dropped.iter_rows() if name}
    return sum(n for _, n in dropped.iter_rows()), by_reason, {row[0]: list(row[1:]) for row in found.iter_rows()}


def contenders() -> dict[str, Callable[[Path], Found]]:
    """Who takes part, by name."""
    found: dict[str, Callable[[Path], Found]] = {"reference": ours, "plain loop": plain_loop, "pandas": with_pandas}
    try:
        pl = importlib.import_module("polars")
    except ImportError:
        print("polars is not installed (pip install polars), so it is left out.")
    else:
        found["polars"] = lambda folder: with_polars(pl, folder)
    return found


def cpu_seconds() -> float:
    """Of this process with all its threads, and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def timed(work: Callable[[Path], Found], folder: Path, wanted: Found) -> tuple[float, float]:
    """Seconds, and CPU seconds, for one run, which must find what there is."""
    started, before = time.perf_counter(), cpu_seconds()
    rows, dropped, groups = work(folder)
    took, used = time.perf_counter() - started, cpu_seconds() - before
    assert (rows, {why: n for why, n in dropped.items() if n}, groups) == wanted
    return took, used


def report(times: dict[str, list[tuple[float, float]]]) -> None:
    """Medians, and the reference's time and CPU time over each other's, round by round."""
    mine = times["reference"]
    print(f"{'':12} {'seconds':>8} {'CPU':>8}   reference / it: seconds, CPU")
    for name, found in times.items():
        wall, cpu = (statistics.median(pair[place] for pair in found) for place in (0, 1))
        ratios = [
            statistics.median(own[place] / other[place] for own, other in zip(mine, found, strict=True))
            for place in (0, 1)
        ]
        print(f"{name:12} {wall:8.2f} {cpu:8.2f}   {ratios[0]:.2f}, {ratios[1]:.2f}")


def main() -> None:
    """Measure everybody in turn."""
    count, files = (int(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else (150_000, 8)
    with tempfile.TemporaryDirectory() as modules, open_world() as night:
        for name, source in reference(Course(Path(__file__).parents[1]).challenge("M1")).lifted.modules.items():
            Path(modules, f"{name}.py").write_text(source)
        sys.path.insert(0, modules)
        for number in range(files):
            night.add(f"{number}.csv", count // 10, copies=10, reasons=REASONS)
        truth, folder = night.truth, night.write()
        wanted = truth["rows"], truth["dropped"], {key: group[:3] for key, group in truth["groups"].items()}
        works = contenders()
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
        for number in range(ROUNDS + 1):
            for name in sorted(works, reverse=number % 2 == 0):
                took = timed(works[name], folder, wanted)
                if number:  # the first round warms up
                    times[name].append(took)
    print(f"{truth['rows']:,} rows in {files} files, {ROUNDS} rounds")
    report(times)


if __name__ == "__main__":
    main()
