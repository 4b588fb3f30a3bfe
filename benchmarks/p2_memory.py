"""P2's reference beside polars, duckdb and pandas: ``python benchmarks/p2_memory.py``.

One file of readings of MIB MiB, and for the growth of the peak one of twice the size; each program in a process of its
own, in turn, ROUNDS times. Time is that of the work, imports left out; memory is the growth of the whole process tree
(PSS, sampled every 10 ms) over what was there after the imports. Printed are medians, and ratios to polars in the same
round. What is not installed is left out, with a sentence.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from weft.course.variants import reference
from weft.layout import Course
from weft.probes.memory import tree_peak
from weft.worlds import readings
from weft.worlds.readings_work import add_up, merge, summarise

MIB, ROUNDS, BUDGET = 192, 3, 32 << 20
NAMES = ["station", "value"]


def ours(model: str) -> Callable[[str], int]:
    """The reference in one model; the sum of all values."""
    processor = importlib.import_module("processor").Processor(BUDGET, model=model)
    return lambda path: int(processor.reduce(path, summarise, merge).sums.sum())


def polars_streaming() -> Callable[[str], int]:
    """Its streaming engine, lazily from the file."""
    pl = importlib.import_module("polars")

    def run(path: str) -> int:
        read = pl.scan_csv(path, has_header=False, new_columns=NAMES)
        sums = read.group_by("station").agg(pl.col("value").sum()).collect(engine="streaming")
        return int(sums["value"].sum())

    return run


def duckdb_limited() -> Callable[[str], int]:
    """Two threads, and a limit of 128 MB."""
    duckdb = importlib.import_module("duckdb")

    def run(path: str) -> int:
        columns = "{'station': 'BIGINT', 'value': 'BIGINT'}"
        asked = f"select station, sum(value) as s from read_csv('{path}', columns={columns}, header=false) group by 1"
        with duckdb.connect(config={"threads": 2, "memory_limit": "128MB"}) as session:
            return int(session.execute(f"select sum(s) from ({asked})").fetchone()[0])

    return run


def pandas_whole() -> Callable[[str], int]:
    """The whole file at once."""
    pd = importlib.import_module("pandas")
    return lambda path: int(pd.read_csv(path, names=NAMES).groupby("station").value.sum().sum())


PROGRAMS: dict[str, Callable[[], Callable[[str], int]]] = {
    "polars": polars_streaming,
    "duckdb": duckdb_limited,
    "pandas": pandas_whole,
    "one thread": lambda: lambda path: int(add_up(path).sums.sum()),
    "ours, threads": lambda: ours("threads"),
    "ours, processes": lambda: ours("processes"),
}


def measured(name: str, path: str, modules: str) -> None:
    """In a process of its own: print seconds, MiB and the sum."""
    sys.path.insert(0, modules)
    run = PROGRAMS[name]()
    with tree_peak(every=0.01) as peak:
        started = time.perf_counter()
        total = run(path)
        took = time.perf_counter() - started
    print(json.dumps([took, peak.growth / 2**20, total]))


def ask(name: str, path: Path, modules: str) -> tuple[float, float, int]:
    """One run of one program."""
    command = [sys.executable, __file__, name, str(path), modules]
    took, grown, total = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return took, grown, total


def main() -> None:
    """All programs in turn, then the same of ours with twice the file."""
    lifted = reference(Course.find(Path(__file__)).challenge("P2")).lifted
    missing = [name for name in ("polars", "duckdb", "pandas") if importlib.util.find_spec(name) is None]
    names = [name for name in PROGRAMS if name not in missing]
    print("".join(f"{name} is not installed: left out.\n" for name in missing), end="")
    with tempfile.TemporaryDirectory() as folder:
        for module, source in lifted.modules.items():
            (Path(folder) / f"{module}.py").write_text(source, encoding="utf-8")
        plan = readings.Readings().plan_bytes(MIB << 20)
        one, two = Path(folder) / "one.csv", Path(folder) / "two.csv"
        readings.write(one, plan)
        readings.write(two, {**plan, "copies": 2 * plan["copies"]})
        wanted = sum(readings.truth(plan)["sums"])
        rounds = [{name: ask(name, one, folder) for name in names} for _ in range(ROUNDS)]
        assert all(found[2] == wanted for each in rounds for found in each.values()), "Somebody's sum is wrong."
        for name in names:
            tell(name, rounds)
        for name in names:
            growth = ask(name, two, folder)[1] / max(rounds[-1][name][1], 1)
            print(f"{name:16} peak when the file doubles: {growth:5.2f} ×")


def tell(name: str, rounds: list[dict[str, tuple[float, float, int]]]) -> None:
    """One line: medians, and ratios to polars."""
    took = statistics.median(each[name][0] for each in rounds)
    grown = statistics.median(each[name][1] for each in rounds)
    line = f"{name:16}{took:7.2f} s {grown:7.1f} MiB"
    if "polars" in rounds[0]:
        times = statistics.median(each[name][0] / each["polars"][0] for each in rounds)
        shares = statistics.median(each[name][1] / each["polars"][1] for each in rounds)
        line += f"   {times:5.2f} × its time, {shares:5.2f} × its memory (polars)"
    print(line)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        measured(*sys.argv[1:4])
    else:
        main()
