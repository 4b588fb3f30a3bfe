"""The work folder: the learner's answer modules as files that this process, and any that it starts, can import."""

from __future__ import annotations

import ast
import atexit
import importlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import psutil

from weft.answer.lift import CheckCell, Lifted

#: A work folder's name goes on with the number of its process, so that others can tell when nobody needs it any more.
PREFIX = "weft-work-"


@dataclass(slots=True)
class Outcome:
    """What came of running a module's cell.

    ``modules`` are those now in force: the cell's own first, then those that import it and were imported afresh.
    ``error`` is why the cell's own module is not in force; ``failed`` are modules that import it and no longer run.
    """

    modules: list[ModuleType] = field(default_factory=list)
    error: BaseException | None = None
    failed: dict[str, BaseException] = field(default_factory=dict)


class Workbench:
    """Answer modules, drives, and what is in force of them. The folder is removed when this process ends."""

    def __init__(self) -> None:
        sweep()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")).resolve()
        self.texts: dict[str, str] = {}
        self.drives = ""
        self._clock = 0
        sys.path.insert(0, str(self.folder))
        # A child made by os.fork inherits this call, and must leave the folder to its owner.
        atexit.register(self._remove, os.getpid())

    def _remove(self, owner: int) -> None:
        if os.getpid() == owner:
            shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name: str) -> Path:
        """``NAME.py`` in the work folder."""
        return self.folder / f"{name}.py"

    def in_force(self, name: str) -> bool:
        """Whether ``import NAME`` gives the module as its cell last stood."""
        return name in sys.modules and self.path(name).exists()

    def run(self, name: str, text: str) -> Outcome:
        """Replace module ``name`` by ``text``, import it afresh, and after it those that import it.

        Whatever goes wrong is told in the outcome; only KeyboardInterrupt passes. A module that did not run, and those
        that import it, cannot be imported from then on: no older version stays behind.
        """
        self.texts[name] = text
        users = self.importers(name)
        for each in (name, *users):
            self._withdraw(each)
        outcome = Outcome()
        try:
            compile(text, str(self.path(name)), "exec", dont_inherit=True)
            for each in (name, *users):
                self._write(each)
            outcome.modules.append(importlib.import_module(name))
        except BaseException as error:
            for each in (name, *users):
                self._withdraw(each)
            if isinstance(error, KeyboardInterrupt):
                raise
            outcome.error = error
            return outcome
        for each in users:
            self._follow(each, outcome)
        return outcome

    def _follow(self, name: str, outcome: Outcome) -> None:
        try:
            outcome.modules.append(importlib.import_module(name))
        except Exception as error:
            self._withdraw(name)
            outcome.failed[name] = error

    def importers(self, name: str) -> list[str]:
        """The answer modules that import ``name``, directly or through each other, in the order of their first runs."""
        wanted, before = {name}, set[str]()
        while wanted != before:
            before = set(wanted)
            wanted |= {other for other, text in self.texts.items() if imports_of(text) & wanted}
        return [other for other in self.texts if other in wanted - {name}]

    def lifted(self, cell: CheckCell) -> Lifted:
        """What the judge needs to judge this one check cell: all modules that are in force, and the drives."""
        modules = {name: text for name, text in self.texts.items() if self.in_force(name)}
        return Lifted(modules=modules, drives=self.drives, cells=[cell])

    def _write(self, name: str) -> None:
        """Write at one go, so that a process that imports meanwhile sees the old file or the new one."""
        draft = self.folder / f"{name}.py.new"
        draft.write_text(self.texts[name], encoding="utf-8")
        # A cached .pyc, and linecache, are told from newer text by whole seconds and size: two edits within a second
        # could pass for one. So every file is at least a second younger than the one before.
        self._clock = max(int(time.time()), self._clock + 1)
        os.utime(draft, (self._clock, self._clock))
        draft.replace(self.path(name))
        importlib.invalidate_caches()

    def _withdraw(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)
        sys.modules.pop(name, None)


def sweep() -> None:
    """Remove work folders of processes that are gone: a kernel that was killed could not remove its own."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def imports_of(text: str | ast.AST) -> set[str]:
    """The first names of all modules that ``text`` imports, at its top or in functions; nothing if it is not Python."""
    try:
        tree = ast.parse(text) if isinstance(text, str) else text
    except (SyntaxError, ValueError):
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def public_names(module: ModuleType) -> Mapping[str, object]:
    """What ``from module import *`` would bring."""
    everything = vars(module)
    chosen = everything.get("__all__")
    if chosen is None:
        chosen = [name for name in everything if not name.startswith("_")]
    return {name: everything[name] for name in chosen if name in everything}
