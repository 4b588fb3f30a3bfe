"""What the judge costs: an empty check cell, and each challenge's reference. ``python benchmarks/judge.py``."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from weft.answer.lift import CheckCell, Lifted
from weft.course.variants import reference, visible
from weft.judge.session import judge
from weft.layout import Course

EMPTY = '''
from weft.judge import points
def add(a, b):
    return a + b
@points(1)
def test_adds(answer):
    """Adds."""
    assert answer.drive(add, 1, 2) == 3
'''


def seconds(lifted: Lifted, sandbox: bool, times: int) -> list[float]:
    """Wall time of so many judgings."""
    found = []
    for _ in range(times):
        started = time.perf_counter()
        assert judge(lifted, sandbox=sandbox).passed
        found.append(time.perf_counter() - started)
    return found


def main() -> None:
    """Print two tables."""
    console = Console()
    empty = Lifted({"ans": "x = 1\n"}, "", [CheckCell("c", "correctness", EMPTY)])
    table = Table("one check that does nothing", "median s", "min", "max")
    for name, sandbox in (("plain", False), ("bubblewrap", True)):
        found = seconds(empty, sandbox, 9)
        table.add_row(name, *(f"{value:.2f}" for value in (statistics.median(found), min(found), max(found))))
    console.print(table)
    table = Table("reference of", "visible checks s", "all checks s")
    for challenge in Course(Path(__file__).parents[1]).challenges():
        lifted = reference(challenge).lifted
        found = [statistics.median(seconds(each, False, 3)) for each in (visible(lifted), lifted)]
        table.add_row(challenge.id, *(f"{value:.1f}" for value in found))
    console.print(table)


if __name__ == "__main__":
    main()
