"""Whether D1's labels are true, by running the snippets: ``python benchmarks/d1_labels.py [learners | hidden]``.

Each snippet that says how to run it runs in a process and an empty folder of its own, beside a heart that beats every
2 ms. The interpreter is told never to take the GIL from a thread that computes, so a heart that falls silent tells that
the GIL was held, on a busy machine as on an idle one. Clients of servers that are not there are stood in for
(``d1_stand_ins.py``), and labels that rest on them are counted apart. What is measured:

- a single wait, or less than 5 ms in all: serial;
- pieces computed alone are not what the whole computes (``## alone:``): serial, because each needs the one before;
- the heart was silent for half of the time at one go: processes; it beat on: threads;
- coroutines: the event loop stood still for a quarter of the time or more: to_thread; else asyncio.

The mildest of three runs counts: a busy machine can make a heart late, and cannot make it early.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import io
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import d1_stand_ins
from rich.console import Console
from rich.table import Table

from weft.layout import Course, read_notebook
from weft.worlds.snippets import Snippet, open_world, parse

BEAT, NEVER = 0.002, 100.0  # seconds: between beats, and the interpreter's switch interval
SMALL, LATE = 0.005, 0.003  # seconds: hardly any work, and a beat that is late
SILENT, STILL = 0.5, 0.25  # shares of the time: the heart's longest silence, and an event loop that stands still
RUNS = 3


class Heart(threading.Thread):
    """Beats in a thread of its own, and remembers when."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.beats = [time.perf_counter()]

    def run(self) -> None:
        """Beat for ever."""
        while True:
            time.sleep(BEAT)
            self.beats.append(time.perf_counter())

    def silence(self, start: float, end: float) -> float:
        """The longest time between two beats from ``start`` to ``end``, as a share of all of it."""
        times = [start, *(beat for beat in list(self.beats) if start < beat < end), end]
        return max(later - earlier for earlier, later in itertools.pairwise(times)) / (end - start)


class LoopHeart:
    """Stands in for ``asyncio.run``, with a task that beats beside; ``still`` is the sum of late beats in seconds."""

    still = 0.0

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """As ``asyncio.run``."""
        return asyncio.Runner().run(self._beside(coroutine))

    async def _beside(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        beats = asyncio.create_task(self._beat())
        await asyncio.sleep(0)
        try:
            return await coroutine
        finally:
            beats.cancel()
            await asyncio.sleep(0)

    async def _beat(self) -> None:
        while True:
            before = time.perf_counter()
            try:
                await asyncio.sleep(BEAT)
            finally:
                late = time.perf_counter() - before - BEAT
                self.still += late if late >= LATE else 0.0


def measure(source: str, run: str, alone: str) -> dict[str, Any]:
    """Run a snippet here, once, and say what was seen. ``alone`` is evaluated afterwards, unmeasured."""
    names: dict[str, Any] = {"__name__": "snippet", **d1_stand_ins.install()}
    exec(compile(source, "<snippet>", "exec"), names)  # what this tool is for; in a process of its own
    loop_heart, heart = LoopHeart(), Heart()
    heart.start()
    time.sleep(5 * BEAT)
    sys.setswitchinterval(NEVER)
    start, cpu = time.perf_counter(), time.process_time()
    value = eval(run, {**names, "asyncio": type("asyncio", (), {"run": loop_heart.run})})
    end, cpu = time.perf_counter(), time.process_time() - cpu
    seen = {"wall": end - start, "cpu": cpu, "calls": d1_stand_ins.calls}
    seen |= {"silent": heart.silence(start, end), "still": loop_heart.still / (end - start)}
    return seen | {"needs order": bool(alone) and eval(alone, names) != value}


def in_a_process(snippet: Snippet) -> dict[str, Any]:
    """The mildest of three measurements. Raises RuntimeError if it cannot be run."""
    seen = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            job = json.dumps([snippet.source, snippet.run, snippet.alone])
            command = [sys.executable, __file__, "--measure"]
            done = subprocess.run(command, input=job, capture_output=True, text=True, cwd=folder, timeout=60)
        if done.returncode:
            raise RuntimeError(f"{snippet.name}: {done.stderr.strip().splitlines()[-1:]}")
        seen.append(json.loads(done.stdout))
    return min(seen, key=lambda each: each["still"] + each["silent"])


def verdict(seen: dict[str, Any], coroutine: bool) -> str:
    """The model that what was seen asks for."""
    if coroutine:
        return "to_thread" if seen["still"] >= STILL else "asyncio"
    if seen["needs order"] or seen["wall"] < SMALL or (seen["calls"] == 1 and seen["cpu"] < SMALL):
        return "serial"
    return "processes" if seen["silent"] >= SILENT else "threads"


def hidden(root: Path) -> list[Snippet]:
    """The hidden snippets, out of the source notebook's check cell: the value that it gives to HIDDEN."""
    for cell in read_notebook(Course(root).challenge("D1").source_notebook)["cells"]:
        text = "".join(cell["source"])
        if "\nHIDDEN = parse(" in text:
            tree = ast.parse(text.partition("\n")[2])
            value = next(
                node.value for node in tree.body if isinstance(node, ast.Assign) and _names(node) == ["HIDDEN"]
            )
            return eval(compile(ast.Expression(value), "<cell>", "eval"), {"parse": parse})
    raise SystemExit("The source notebook of D1 has no HIDDEN.")


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def confirm(title: str, snippets: list[Snippet]) -> None:
    """Print what was measured of each, and how many labels are true."""
    table = Table("snippet", "label", "measured", "wall ms", "CPU ms", "silent %", "still %", "calls", title=title)
    found: Counter[str] = Counter()
    for snippet in snippets:
        if not snippet.run:
            found["not to be run here, or its label cannot be measured"] += 1
            continue
        try:
            seen = in_a_process(snippet)
        except RuntimeError as error:
            found[f"could not be run ({error})"] += 1
            continue
        measured = verdict(seen, snippet.run.startswith("asyncio.run"))
        kind = "confirmed with a stand-in" if seen["calls"] else "confirmed by the real thing"
        found[kind if measured == snippet.model else "measured otherwise"] += 1
        figures = [f"{1000 * seen[name]:.1f}" for name in ("wall", "cpu")]
        figures += [f"{100 * seen[name]:.0f}" for name in ("silent", "still")]
        style = "" if measured == snippet.model else "bold red"
        table.add_row(snippet.name, snippet.model, measured, *figures, str(seen["calls"]), style=style)
    Console(width=140).print(table)
    print(f"{title}: {len(snippets)} labels; " + "; ".join(f"{count} {what}" for what, count in found.most_common()))


def main() -> None:
    """Both sets, unless one is named."""
    if sys.argv[1:] == ["--measure"]:
        with contextlib.redirect_stdout(io.StringIO()):
            seen = measure(*json.loads(sys.stdin.read()))
        print(json.dumps(seen), flush=True)
        os._exit(0)
    wanted = sys.argv[1:] or ["learners", "hidden"]
    if "learners" in wanted:
        with open_world() as world:
            confirm("learners", world.all)
    if "hidden" in wanted:
        confirm("hidden", hidden(Path(__file__).parents[1]))


if __name__ == "__main__":
    main()
