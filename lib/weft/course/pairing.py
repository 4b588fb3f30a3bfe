"""Notebooks and their texts in step: ``python -m weft.course.pairing [--check] [--take text|notebook]``.

The ``.nb.py`` is the truth in git and the ``.ipynb`` is made from it; but whoever edits the ``.ipynb`` in JupyterLab
finds the edit carried back. What two people, or two tools, changed at once is left alone, and said.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from weft.course.percent import PairingError, dump, notebook_of, text_of
from weft.layout import Course, LayoutError, read_notebook

#: Which of the two is to be believed.
Side = Literal["text", "notebook"]

#: Where notebooks with a text are, below the course's root.
SHELVES = ("source/*", "notebooks", "notebooks/lessons")

#: What each pair said when it was last in step, so that a later change of one can be told from a change of both.
RECORD = Path(".weft") / "paired.json"


@dataclass(frozen=True, slots=True)
class Pair:
    """One notebook twice. ``root`` is the course's."""

    root: Path
    text: Path

    @property
    def notebook(self) -> Path:
        """The ``.ipynb`` beside the ``.nb.py``."""
        return self.text.with_name(self.text.name.removesuffix(".nb.py") + ".ipynb")

    @property
    def name(self) -> str:
        """The text's path below the root."""
        return self.text.relative_to(self.root).as_posix()


def pairs(course: Course) -> list[Pair]:
    """All pairs of the course, also those of which one half is missing, in order of their names."""
    texts: set[Path] = set()
    for shelf in SHELVES:
        texts |= set(course.root.glob(f"{shelf}/*.nb.py"))
        texts |= {path.with_suffix(".nb.py") for path in course.root.glob(f"{shelf}/*.ipynb")}
    return [Pair(course.root, text) for text in sorted(texts)]


def complaint(pair: Pair) -> str:
    """Why a pair is out of step, in a sentence; empty if it is in step. Changes nothing."""
    for path in (pair.text, pair.notebook):
        if not path.exists():
            return f"{path.relative_to(pair.root)} is missing."
    try:
        text = pair.text.read_text(encoding="utf-8")
        notebook = notebook_of(text)
        if text_of(notebook) != text:
            return f"{pair.name} is not written as jupytext writes it."
        if dump(notebook) != pair.notebook.read_text(encoding="utf-8"):
            return f"{pair.name} and its .ipynb differ."
    except PairingError as error:
        return f"{pair.name}: {error}"
    return ""


def sync(pair: Pair, take: Side | None = None) -> str:
    """Bring a pair into step and return what was done, in a sentence; empty if nothing was.

    ``take`` decides which half is believed where both changed. Raises PairingError, with both left as they are, if that
    is needed and not said; LayoutError if the ``.ipynb`` is no notebook.
    """
    if not complaint(pair):
        _remember(pair)
        return ""
    try:
        side = _believed(pair, take)
        source = _canonical(pair, side)
    except PairingError as error:
        raise PairingError(f"{pair.name}: {error}") from None
    _write(pair.text, source)
    _write(pair.notebook, dump(notebook_of(source)))
    # As old as the text: whichever is edited next is then the newer one, and jupytext does not take fright.
    modified = pair.text.stat().st_mtime_ns
    os.utime(pair.notebook, ns=(modified, modified))
    _remember(pair)
    return (
        f"{pair.name}: {'the .ipynb was made from it.' if side == 'text' else 'the edit in the .ipynb was taken over.'}"
    )


def _canonical(pair: Pair, side: Side) -> str:
    """What one half says, as the text of a ``.nb.py``."""
    if side == "text":
        return text_of(notebook_of(pair.text.read_text(encoding="utf-8")))
    return text_of(read_notebook(pair.notebook))


def _believed(pair: Pair, take: Side | None) -> Side:
    """Which half has the newest work. Raises PairingError where nobody can know."""
    if take or not pair.notebook.exists() or not pair.text.exists():
        return take or ("text" if pair.text.exists() else "notebook")
    text, notebook = _canonical(pair, "text"), _canonical(pair, "notebook")
    if text == notebook:
        return "text"
    changed: Side | None = None
    for agreed in (_remembered(pair), _digest(_committed(pair))):
        if agreed in (_digest(text), _digest(notebook)):
            changed = "notebook" if agreed == _digest(text) else "text"
            break
    difference = pair.notebook.stat().st_mtime_ns - pair.text.stat().st_mtime_ns
    if changed is None or (difference > 0) != (changed == "notebook"):
        raise PairingError(
            "both it and its .ipynb have changed since they last agreed. Compare them, "
            "and say which to keep: python -m weft.course.pairing --take text, or --take notebook."
        )
    return changed


def _committed(pair: Pair) -> str:
    """The text in git's HEAD, in jupytext's form; empty where there is none."""
    command = ["git", "-C", str(pair.root), "show", f"HEAD:./{pair.name}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=20)
        return text_of(notebook_of(done.stdout.decode())) if done.returncode == 0 else ""
    except (OSError, ValueError, PairingError, subprocess.TimeoutExpired):
        return ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _records(root: Path) -> dict[str, str]:
    try:
        return dict(json.loads((root / RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _remembered(pair: Pair) -> str:
    return _records(pair.root).get(pair.name, "")


def _remember(pair: Pair) -> None:
    records, digest = _records(pair.root), _digest(pair.text.read_text(encoding="utf-8"))
    if records.get(pair.name) != digest:
        (pair.root / RECORD).parent.mkdir(exist_ok=True)
        _write(pair.root / RECORD, json.dumps({**records, pair.name: digest}, indent=1, sort_keys=True) + "\n")


def _write(path: Path, content: str) -> None:
    """Write a file whole or not at all; leave one alone that says so already."""
    if path.exists() and path.read_bytes() == content.encode():
        return
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(content, encoding="utf-8", newline="\n")
    os.replace(beside, path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring every pair into step, or with ``--check`` say which are not. Returns 1 if some are not, else 0."""
    parser = argparse.ArgumentParser(prog="python -m weft.course.pairing", description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if something is out of step")
    parser.add_argument("--take", choices=["text", "notebook"], help="which half to keep where both have changed")
    options = parser.parse_args(arguments)
    failed = False
    try:
        for pair in pairs(Course.find()):
            try:
                said = complaint(pair) if options.check else sync(pair, options.take)
                failed |= bool(said) and options.check
            except PairingError as error:
                said, failed = str(error), True
            if said:
                print(said)
    except LayoutError as error:
        print(error, file=sys.stderr)
        return 2
    if failed and options.check:
        print("Out of step. Bring them into step with: weft notebooks")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
