"""Has anything that is withheld from learners got into the release?"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from weft.answer.lift import lift
from weft.judge.cells import BEGIN_HIDDEN, END_HIDDEN, all_checks
from weft.layout import Challenge, read_notebook

BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"

#: Files and folders of source/T1 that never leave it.
WITHHELD = ("design.md", "mutants.toml", "alternatives", "jupytext.toml")

#: A line shorter than this says nothing (``return None``); so many in a row are no accident.
TELLING, RUN = 16, 3


def leaks(challenge: Challenge) -> list[str]:
    """What of solutions, hidden tests, design, mutants and alternatives stands in ``release/``, in sentences.

    A line that the source shows to learners anyway is no leak, but a piece of a solution that stands elsewhere in the
    notebook is one. Raises LayoutError if there is no source notebook.
    """
    source = read_notebook(challenge.source_notebook)
    shown, solutions, hidden = _split(source)
    folder = challenge.release_notebook.parent
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    found = [f"{path.relative_to(folder)} is withheld, and is in release/{challenge.id}." for path in _withheld(files)]
    secrets = _secrets(challenge, [line for piece in solutions for line in piece], hidden, set(shown))
    known = [check for check in all_checks(lift(source).cells) if check.hidden]
    for path in files:
        text = _text(path)
        lines = {_plain(line) for line in text.splitlines()}
        found += [f"{path.name} shows a line of {secrets[line]}: {line}" for line in sorted(lines & secrets.keys())]
        words = " ".join(text.split())
        found += [f"{path.name} tells of the hidden check {c.check}." for c in known if _tells(c, words)]
        found += [f"{path.name} has a line {marker!r}." for marker in _markers() if marker in lines]
    return found + [f"The solution stands in the open, too: {run[0]}" for run in _repeated(solutions, shown)]


def _split(notebook: dict[str, Any]) -> tuple[list[str], list[list[str]], list[str]]:
    """Telling lines of a source notebook: what learners see, what each solution region holds, what hidden tests do."""
    shown: list[str] = []
    solutions: list[list[str]] = []
    hidden: list[str] = []
    for cell in notebook["cells"]:
        target = shown
        for line in _source(cell).splitlines():
            plain = _plain(line)
            if plain in (BEGIN_SOLUTION, BEGIN_HIDDEN):
                solutions += [[]] if plain == BEGIN_SOLUTION else []
                target = solutions[-1] if plain == BEGIN_SOLUTION else hidden
            elif plain in (END_SOLUTION, END_HIDDEN):
                target = shown
            elif len(plain) >= TELLING:
                target.append(plain)
    return shown, solutions, hidden


def _secrets(challenge: Challenge, solution: list[str], hidden: list[str], shown: set[str]) -> dict[str, str]:
    """Every line that must not be seen, and what it is of."""
    secrets: dict[str, str] = {}
    for path in sorted((challenge.source / "alternatives").rglob("*.py")):
        secrets |= dict.fromkeys(_lines(path), f"the alternative {path.parent.name}")
    secrets |= dict.fromkeys(_lines(challenge.source / "design.md"), "design.md")
    secrets |= dict.fromkeys(_mutant_lines(challenge.source / "mutants.toml"), "mutants.toml")
    secrets |= dict.fromkeys(hidden, "a hidden test") | dict.fromkeys(solution, "the solution")
    return {line: what for line, what in secrets.items() if line not in shown}


def _mutant_lines(path: Path) -> Iterator[str]:
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("mutant", []) if path.exists() else []
    for row in rows:
        for text in (row.get("mistake", ""), *(edit.get("replace", "") for edit in row.get("edit", []))):
            yield from (plain for line in text.splitlines() if len(plain := _plain(line)) >= TELLING)


def _lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    return [plain for line in path.read_text(encoding="utf-8").splitlines() if len(plain := _plain(line)) >= TELLING]


def _text(path: Path) -> str:
    """All text of a file; of a notebook also what stands in outputs and metadata."""
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        return "\n".join(_strings(json.loads(text))) if path.suffix == ".ipynb" else text
    except ValueError:
        return text


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        yield "".join(value)
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def _withheld(files: Iterable[Path]) -> list[Path]:
    return [path for path in files if path.name.endswith(".nb.py") or set(WITHHELD) & set(path.parts[-3:])]


def _tells(check: Any, words: str) -> bool:
    return check.check in words.replace("(", " ").split() or (check.sentence != check.check and check.sentence in words)


def _markers() -> tuple[str, ...]:
    return BEGIN_SOLUTION, END_SOLUTION, BEGIN_HIDDEN, END_HIDDEN


def _repeated(solutions: list[list[str]], shown: list[str]) -> Iterator[list[str]]:
    """The first run of solution lines, of each region, that stands in the same order among the lines shown."""
    runs = {tuple(shown[i : i + RUN]) for i in range(len(shown) - RUN + 1)}
    for region in solutions:
        yield from [region[i : i + RUN] for i in range(len(region) - RUN + 1) if tuple(region[i : i + RUN]) in runs][:1]


def _source(cell: dict[str, Any]) -> str:
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


def _plain(line: str) -> str:
    return " ".join(line.split())
