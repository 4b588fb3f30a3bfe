"""Which names an answer module may have, and what to say about the others."""

from __future__ import annotations

import keyword
import re
import sys
from importlib.machinery import PathFinder
from pathlib import Path

#: Names that the judge uses for modules of its own.
OURS = {"drive", "drives", "conftest", "__main__"}


def refusal(name: str, folder: Path) -> str | None:
    """One sentence on why ``name`` cannot be an answer module's and what to write instead; None for a good name.

    ``folder`` is the work folder, whose modules do not count as installed; nor do those of the current folder.
    """
    better = _better(name)
    if not name:
        return "A module needs a name: write `%%module NAME`, for example `%%module progress`."
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        rule = "write one word of letters, digits and underscores"
        return f"`{name}` cannot be a module's name: {rule}, such as `%%module {better}`."
    if keyword.iskeyword(name):
        return f"`{name}` is a word of the Python language: use another name, such as `%%module {better}`."
    if name in sys.stdlib_module_names:
        return f"`{name}` is a module of the standard library: use another name, such as `%%module {better}`."
    if name in OURS:
        return f"`{name}` is a name that the checks use themselves: use another, such as `%%module {better}`."
    if installed(name, folder):
        return f"`{name}` is the name of an installed package: use another name, such as `%%module {better}`."
    return None


def _better(name: str) -> str:
    """A name that would do: the last part of a path without its ending, made into one word."""
    stem = re.split(r"[\\/]", name.strip().removesuffix(".py"))[-1]
    word = re.sub(r"[^A-Za-z0-9_]+", "_", stem).strip("_")
    if word and word != name and not word[0].isdigit() and not keyword.iskeyword(word) and not _known(word):
        return word
    return f"my_{word}" if word else "progress"


def _known(name: str) -> bool:
    return name in sys.stdlib_module_names or name in OURS


def installed(name: str, folder: Path) -> bool:
    """Whether ``import name`` finds something that is neither an answer module nor a file of the current folder."""
    own = {folder.resolve(), Path.cwd().resolve()}
    paths = [path for path in sys.path if path and Path(path).resolve() not in own]
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec = find(name, paths if finder is PathFinder else None) if find else None
        if spec is not None and spec.origin is not None:  # a folder without __init__ has no origin: anything beats it
            return True
    return False
