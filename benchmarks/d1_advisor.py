"""D1's reference beside simpler advisors and a linter: ``python benchmarks/d1_advisor.py``.

Accuracy on the learners' and on the hidden snippets: the reference; the same reading without a call graph; names as
they stand, without their meaning; words in the text. Where ruff has a rule (ASYNC210 to ASYNC251: blocking calls in
coroutines) it is asked about the snippets with coroutines. Then CPU time over the standard library: one parse and one
ast.walk, the reference, and pyflakes, which also reads scopes, where it is installed.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from d1_labels import hidden

from weft.course.variants import alternatives, reference
from weft.layout import Course
from weft.worlds.snippets import Snippet, mark, open_world

ROOT = Path(__file__).parents[1]
ROUNDS = 5
AWAY = {"test", "tests", "site-packages", "idlelib", "lib2to3", "__pycache__"}
WORDS = {
    "to_thread": r"async def[\s\S]*(time\.sleep|requests\.|subprocess\.|urlopen)",
    "asyncio": r"\bawait\b|\basync\b",
    "threads": r"\brequests\b|\bsleep\b|urlopen|subprocess|socket|sqlite3|smtplib|ftplib|hashlib|zlib",
    "processes": r"for [\s\S]*for |while|\bjson\b|\bre\b|random|pickle",
}


def modules_of(lifted: Mapping[str, str], folder: Path) -> Callable[[str | bytes], Any]:
    """``advise`` of these modules, imported afresh."""
    for name, text in lifted.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
        sys.modules.pop(name, None)
    sys.path.insert(0, str(folder))
    try:
        importlib.invalidate_caches()
        return importlib.import_module("advice").advise
    finally:
        sys.path.remove(str(folder))


def by_words(source: str | bytes) -> dict[str, Any]:
    """The first pattern that is found in the text decides."""
    model = next((model for model, pattern in WORDS.items() if re.search(pattern, str(source))), "serial")
    return {"model": model, "confidence": 0.8, "line": 1}


def as_row(advise: Callable[[str | bytes], Any]) -> Callable[[str | bytes], dict[str, Any]]:
    """Advice as a mapping."""

    def row(source: str | bytes) -> dict[str, Any]:
        given = advise(source)
        return {"model": given.model, "confidence": given.confidence, "line": given.line}

    return row


def advisors(home: Path) -> dict[str, Callable[[str | bytes], dict[str, Any]]]:
    """Everyone whose accuracy is compared."""
    challenge = Course(ROOT).challenge("D1")
    whole = dict(reference(challenge).lifted.modules)
    found = {"reference": whole}
    found |= {f"alternative {each.name}": dict(each.lifted.modules) for each in alternatives(challenge)}
    alone = whole["graph"].replace("    callee.times = min(callee.times + ", "    _ = (callee.times + ")
    alone = alone.replace("callee.free or caller.free or place.free", "callee.free")
    alone = alone.replace("callee.in_loop or (caller", "callee.in_loop or (False and caller")
    found["reference without a call graph"] = whole | {
        "graph": alone.replace("_ = (callee.times + caller", "_ = min(caller")
    }
    plain = whole["names"].replace("        found = scope.find", "")
    found["reference that takes names as they stand"] = whole | {
        "names": plain.replace("    for alias in node.names:\n", "    for alias in []:\n")
    }
    rows = {"words in the text": by_words}
    for number, (name, modules) in enumerate(found.items()):
        folder = home / str(number)
        folder.mkdir()
        for each in modules:
            sys.modules.pop(each, None)
        rows[name] = as_row(modules_of(modules, folder))
    return rows


def accuracy(learners: list[Snippet], unseen: list[Snippet], home: Path) -> None:
    """Print marks on both sets."""
    print(f"{'':42} {'learners: macro, Brier, lines':>32} {'hidden: macro, Brier, lines':>32}")
    for name, row in advisors(home).items():
        told = ""
        for snippets in (learners, unseen):
            readable = [snippet for snippet in snippets if snippet.model != "unreadable"]
            marks = mark(readable, [row(snippet.source) for snippet in readable])
            told += f"{marks.macro_accuracy:18.1%} {marks.brier:6.3f} {marks.lines_right:6.0%}"
        print(f"{name:42} {told}")


def linter(snippets: list[Snippet], home: Path) -> None:
    """Print how many blocked loops ruff finds, and how many it finds where there is none."""
    found = {"to_thread": [0, 0], "asyncio": [0, 0]}
    for snippet in snippets:
        if snippet.model in found:
            file = home / "snippet.py"
            file.write_text(snippet.source)
            command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=ASYNC2", "--preview", str(file)]
            done = subprocess.run([*command, "--output-format=json"], capture_output=True, text=True)
            found[snippet.model][0] += bool(json.loads(done.stdout))
            found[snippet.model][1] += 1
    there, not_there = found["to_thread"], found["asyncio"]
    print(f"ruff's ASYNC2 rules: {there[0]} of {there[1]} blocked loops found, {not_there[0]} of {not_there[1]} others")


def walk(source: bytes) -> None:
    """One parse and one walk."""
    for _ in ast.walk(ast.parse(source)):
        pass


def speed(advise: Callable[[str | bytes], Any], files: list[Path], title: str) -> None:
    """Print CPU seconds over these files, and ratios to parse and walk within each round."""
    texts = [path.read_bytes() for path in files]
    workers: dict[str, Callable[[bytes], Any]] = {"parse and ast.walk": walk, "reference": advise}
    try:
        from pyflakes.checker import Checker

        workers["pyflakes"] = lambda text: Checker(ast.parse(text))
    except ImportError:
        print("pyflakes is not installed, so it is left out.")
    times: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(ROUNDS):
        for name, work in workers.items():
            started = time.process_time()
            for text in texts:
                work(text)
            times[name].append(time.process_time() - started)
    lines = sum(text.count(b"\n") for text in texts)
    print(f"{title}: {len(texts)} files, {lines:,} lines, medians of {ROUNDS}")
    for name, spent in times.items():
        ratios = [mine / walked for mine, walked in zip(spent, times["parse and ast.walk"], strict=True)]
        print(f"  {name:20} {statistics.median(spent):6.2f} s CPU   {statistics.median(ratios):5.2f} × parse and walk")


def main() -> None:
    """Accuracy, then the linter, then speed."""
    unseen = hidden(ROOT)
    with open_world() as world, tempfile.TemporaryDirectory() as home:
        accuracy(world.all, unseen, Path(home))
        linter(world.all + unseen, Path(home))
    with tempfile.TemporaryDirectory() as home:
        lifted = reference(Course(ROOT).challenge("D1")).lifted.modules
        for name in lifted:
            sys.modules.pop(name, None)
        advise = modules_of(lifted, Path(home))
        library = Path(ast.__file__).parent
        speed(advise, sorted(library.glob("*.py")), "the top of the standard library")
        deep = [path for path in sorted(library.rglob("*.py")) if not AWAY & set(path.parts)]
        speed(advise, deep, "all of the standard library without its tests")


if __name__ == "__main__":
    main()
