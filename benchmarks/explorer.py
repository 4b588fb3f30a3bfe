"""The schedule explorer: speed, and the same cases with frontrun and interleave-test.

``python benchmarks/explorer.py``                 speed, then our own table of cases
``python benchmarks/explorer.py --peers PYTHON``  also with frontrun and interleave-test, where PYTHON, an interpreter
                                                  of 3.12 or later, can import them; all in that one interpreter

Every case has a process and a deadline of its own. *Right*: it holds and the tool says so, or it does not and the tool
reports a failure of whatever kind. *Wrong*: the opposite. *Inconclusive*: anything else, the deadline too.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "lib"), str(ROOT / "tests" / "probes" / "explorer")]

import case_table  # noqa: E402
from case_table import CASES, Case  # noqa: E402

DEADLINE = 40.0
SCHEDULES = 200
TOOLS = ("weft", "frontrun", "interleave_test")


def named(name: str) -> Case:
    return next(one for one in CASES if one.name == name)


def fresh(one: Case) -> None:
    """For the other tools: the next import of the case's modules makes them again."""
    for name in one.modules.split():
        sys.modules.pop(name, None)


def by_weft(one: Case) -> str:
    from weft.probes.explorer import explore

    return explore(one.sources(), one.scenario, schedules=SCHEDULES, budget=DEADLINE - 5).outcome


def by_interleave_test(one: Case) -> str:
    import interleave_test

    def model() -> None:
        fresh(one)
        one.scenario()

    result = interleave_test.explore(model, iterations=SCHEDULES, seed=0, raise_on_failure=False)
    return "holds" if result.ok else "fails"


class Halves:
    """frontrun wants a set-up, workers and an invariant: a scenario is cut where it calls ``together``.

    What comes before is the set-up, the functions given are the workers, what comes after is the invariant. A scenario
    that never calls it is one worker: then the answer starts the threads.
    """

    def __init__(self, one: Case) -> None:
        self.one, self.functions, self.error = one, (), None
        self.there, self.go_on, self.done = (_REAL_LOCK() for _ in range(3))
        for lock in (self.there, self.go_on, self.done):
            lock.acquire()
        fresh(one)
        case_table.together = self.cut
        _REAL_START(self.run, ())
        self.there.acquire()

    def cut(self, *functions: Callable[[], Any]) -> None:
        self.functions = functions
        self.there.release()
        self.go_on.acquire()

    def run(self) -> None:
        try:
            self.one.scenario()
        except BaseException as error:
            self.error = error
        self.done.release()

    def holds(self) -> bool:
        self.go_on.release()
        self.done.acquire()
        return self.error is None


_REAL_LOCK = __import__("_thread").allocate_lock
_REAL_START = __import__("_thread").start_new_thread


def by_frontrun(one: Case) -> str:
    import inspect

    import frontrun

    calls = "together(" in inspect.getsource(one.scenario)
    if calls:
        count = len(Halves(one).functions)
        workers = [lambda halves, index=index: halves.functions[index]() for index in range(count)]
        result = frontrun.explore(lambda: Halves(one), workers, Halves.holds, total_timeout=DEADLINE - 10)
    else:

        def work(seen: list[BaseException]) -> None:
            fresh(one)
            try:
                one.scenario()
            except BaseException as error:
                seen.append(error)

        result = frontrun.explore(list, [work], lambda seen: not seen, total_timeout=DEADLINE - 10)
    return "holds" if result.property_holds else "fails"


def run_one(tool: str, name: str) -> None:
    """In a process of its own: print the outcome as the last line."""
    if tool != "weft":
        sys.path.insert(0, str(case_table.CASES_FOLDER))
    start = time.perf_counter()
    try:
        outcome = {"weft": by_weft, "frontrun": by_frontrun, "interleave_test": by_interleave_test}[tool](named(name))
    except Exception as error:
        outcome = f"{type(error).__name__}: {error}"[:200]
    print("\n" + json.dumps({"outcome": outcome, "seconds": time.perf_counter() - start}), flush=True)
    os._exit(0)


def asked(python: str, tool: str, one: Case) -> dict[str, Any]:
    command = [python, __file__, "--one", tool, one.name]
    if tool == "frontrun":  # it patches locks before anything else is imported
        command.insert(0, str(Path(python).parent / "frontrun"))
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, stdin=subprocess.DEVNULL)
        return dict(json.loads(done.stdout.strip().splitlines()[-1]))
    except subprocess.TimeoutExpired:
        return {"outcome": "deadline", "seconds": DEADLINE}
    except (ValueError, IndexError):
        return {"outcome": "died", "seconds": 0.0}


def cases(python: str) -> None:
    """One table: a row for each tool."""
    rows = []
    for tool in TOOLS:
        if not importable(python, tool):
            print(f"{tool} cannot be imported by {Path(python).name}: not measured")
            continue
        tally, seconds, missed = {"right": 0, "wrong": 0, "inconclusive": 0}, 0.0, []
        for one in CASES:
            got = asked(python, tool, one)
            wanted = "holds" if one.expected == "holds" else "fails"
            known = got["outcome"] in ("holds", "fails")
            verdict = "inconclusive" if not known else "right" if got["outcome"] == wanted else "wrong"
            tally[verdict] += 1
            seconds += got["seconds"]
            if verdict != "right":
                missed.append(f"{one.name} ({got['outcome'].splitlines()[0][:60]})")
        rows.append([tool, *map(str, tally.values()), f"{seconds:.0f}"])
        print(f"{tool}: not right: {'; '.join(missed) or 'none'}", flush=True)
    show(["cases", "right", "wrong", "inconclusive", "seconds"], rows)


def importable(python: str, tool: str) -> bool:
    if tool == "weft":
        return True
    return subprocess.run([python, "-c", f"import {tool}"], capture_output=True).returncode == 0


def clean_schedules() -> list[str]:
    """200 schedules of a small class with a lock, five times."""
    from weft.probes.explorer import explore

    one, found = named("counter: SafeCounter"), []
    for _ in range(5):
        start = time.perf_counter()
        assert explore(one.sources(), one.scenario, schedules=200).holds
        found.append(time.perf_counter() - start)
    spread = f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"
    return ["200 clean schedules of a small class, seconds", spread, "1.5"]


STEPS = """
class Cell:
    def __init__(self):
        self.value = 0
    def work(self, times):
        for _ in range(times):
            self.value = self.value
"""


def step() -> list[str]:
    """What one more step of a thread costs: many steps less few, so that starting threads is not counted."""
    from weft.probes.explorer import explore

    def timed(times: int) -> tuple[float, int]:
        def scenario() -> None:
            cell = importlib.import_module("steps").Cell()
            thread = threading.Thread(target=cell.work, args=(times,))
            thread.start()
            thread.join()

        start = time.perf_counter()
        found = explore({"steps": STEPS}, scenario, schedules=20)
        return time.perf_counter() - start, found.coverage.steps

    costs = []
    for _ in range(5):
        (few, fewer), (many, more) = timed(10), timed(2000)
        costs.append((many - few) / (more - fewer) * 1e6)
    return ["one step, microseconds", f"{statistics.median(costs):.1f} ({min(costs):.1f} to {max(costs):.1f})", "10"]


def seeds() -> list[str]:
    """How many schedules the unlocked counter takes, from 100 seeds."""
    from weft.probes.explorer import explore

    one = named("counter: Counter")
    taken = []
    for seed in range(100):
        found = explore(one.sources(), one.scenario, schedules=1000, seed=seed)
        assert found.failure is not None
        taken.append(found.schedules)
    text = f"median {statistics.median(taken):.0f}, worst {max(taken)}"
    return ["schedules to the unlocked counter, 100 seeds", text, "60"]


def show(head: list[str], rows: list[list[str]]) -> None:
    """A table in plain text: the peers' interpreter has no library for it."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, ["-" * width for width in widths], *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", metavar="PYTHON", default=sys.executable)
    parser.add_argument("--one", nargs=2, metavar=("TOOL", "CASE"))
    options = parser.parse_args()
    if options.one:
        run_one(*options.one)
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    show(["measured", "value", "at most"], [clean_schedules(), step(), seeds()])
    version = subprocess.run([options.peers, "-V"], capture_output=True, text=True).stdout.strip()
    print(f"\n{len(CASES)} cases, {version}")
    cases(options.peers)


if __name__ == "__main__":
    main()
