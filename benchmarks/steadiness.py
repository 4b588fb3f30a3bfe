"""Whether load changes points: ``python benchmarks/steadiness.py [repetitions] [variant ...]``.

Judges the reference of each challenge (and the mutants and alternatives that are named) so many times, 20 unless said,
while every core is busy with a process that only counts, and prints how often each score came out.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from weft.course.variants import Variant, variants
from weft.judge.session import judge
from weft.judge.verdicts import Judgement, Outcome
from weft.layout import Course


def count() -> None:
    """Keep one core busy."""
    while True:
        pass


@contextlib.contextmanager
def full_load() -> Iterator[None]:
    """One counting process for each core."""
    busy = [multiprocessing.Process(target=count, daemon=True) for _ in range(multiprocessing.cpu_count())]
    for process in busy:
        process.start()
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.join()


def said(judgement: Judgement) -> str:
    """The points, and what did not pass."""
    other = [f"{v.check} {v.outcome}" for v in judgement.verdicts if v.outcome is not Outcome.PASS]
    return f"{judgement.earned:g}" + (f" ({', '.join(other)})" if other else "")


def repeat(variant: Variant, times: int) -> tuple[Counter[str], list[float]]:
    """Scores with how often each came out, and seconds."""
    scores, seconds = Counter[str](), []
    for _ in track(range(times), description=variant.name, transient=True):
        started = time.perf_counter()
        scores[said(judge(variant.lifted, sandbox=True))] += 1
        seconds.append(time.perf_counter() - started)
    return scores, seconds


def main() -> None:
    """Print one row for each variant of each challenge."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    wanted = set(sys.argv[2:]) | {"reference"}
    table = Table("challenge", "variant", "score × times", "median s", title=f"{times} repetitions under full load")
    with full_load():
        for challenge in Course(Path(__file__).parents[1]).challenges():
            for variant in variants(challenge):
                if variant.name in wanted:
                    scores, seconds = repeat(variant, times)
                    text = "\n".join(f"{score} × {often}" for score, often in scores.most_common())
                    table.add_row(challenge.id, variant.name, text, f"{statistics.median(seconds):.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
