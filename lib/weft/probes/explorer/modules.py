"""The answer's modules: compiled once, made afresh for every schedule: nothing is left from the last one."""

from __future__ import annotations

import ast
import contextlib
import importlib.abc
import importlib.util
import linecache
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType

from weft.probes.explorer.points import codes_in, rebound_names, sites_of
from weft.probes.explorer.strands import me

#: A folder of modules, or the modules by name: their text, or their text and the name of the file to show.
Modules = str | Path | Mapping[str, str | tuple[str, str]]

_PROCESSES = {"multiprocessing", "subprocess", "joblib", "billiard"}
_IN_C = "What is written in C (list.append, sorted, a dictionary's own methods) is one step: no switch falls inside it."
_LIBRARIES = "Libraries are not interrupted, except where they take a lock, wait or sleep."
_ELSEWHERE = "Other processes are outside: what {} does there is not explored, and takes real time."
_LOOP = "asyncio's event loop is not explored: tasks run in one order."


class Program:
    """Answer modules, ready to be imported afresh. ``files`` are the paths whose lines are the learner's."""

    def __init__(self, modules: Modules) -> None:
        self.sources = dict(_sources(modules))
        self.names = {path: name for name, (_, path) in self.sources.items()}
        self.codes: dict[str, CodeType] = {}
        self.broken: dict[str, Exception] = {}
        for name, (text, path) in self.sources.items():
            _show_lines(path, text)
            try:
                self.codes[name] = compile(text, path, "exec", dont_inherit=True)
            except (SyntaxError, ValueError) as error:
                self.broken[name] = error
        rebound = set().union(*(rebound_names(code) for code in self.codes.values())) if self.codes else set()
        self.all_codes = [each for code in self.codes.values() for each in codes_in(code)]
        self.tables = {id(code): sites_of(code, rebound) for code in self.all_codes}
        self.files = frozenset(self.names)

    @contextlib.contextmanager
    def fresh(self) -> Iterator[None]:
        """While entered, imports give new modules; then everything is as it was."""
        before = {name: sys.modules.pop(name) for name in self.sources if name in sys.modules}
        finder = _Finder(self)
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)
            for name in self.sources:
                sys.modules.pop(name, None)
            sys.modules.update(before)

    def cannot_see(self) -> list[str]:
        """What no schedule can show, in sentences, from what the modules import."""
        imported = set().union(*(_imported(text) for text, _ in self.sources.values())) if self.sources else set()
        sentences = [_IN_C, _LIBRARIES]
        processes = sorted(imported & _PROCESSES) + ["ProcessPoolExecutor"] * ("ProcessPoolExecutor" in imported)
        if processes:
            sentences.append(_ELSEWHERE.format(" and ".join(processes)))
        if "asyncio" in imported:
            sentences.append(_LOOP)
        return sentences


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, program: Program) -> None:
        self.program = program

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.program.sources:
            return None
        origin = self.program.sources[fullname][1]
        spec = ModuleSpec(fullname, _Loader(self.program), origin=origin)
        spec.has_location = True
        return spec


class _Loader(importlib.abc.InspectLoader):
    def __init__(self, program: Program) -> None:
        self.program = program

    def get_source(self, fullname: str) -> str:
        return self.program.sources[fullname][0]

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        if name in self.program.broken:
            raise self.program.broken[name]
        strand = me()
        if strand is None:
            exec(self.program.codes[name], module.__dict__)
            return
        strand.importing += 1  # the import system holds a real lock meanwhile: nobody else must come to it
        try:
            exec(self.program.codes[name], module.__dict__)
        finally:
            strand.importing -= 1


def _sources(modules: Modules) -> Iterator[tuple[str, tuple[str, str]]]:
    if isinstance(modules, (str, Path)):
        for path in sorted(Path(modules).glob("*.py")):
            yield path.stem, (path.read_text(encoding="utf-8"), str(path))
        return
    for name, given in modules.items():
        yield name, ((given, f"{name}.py") if isinstance(given, str) else (given[0], given[1]))


def _show_lines(path: str, text: str) -> None:
    """Let tracebacks and ``inspect`` find the text."""
    linecache.cache[path] = (len(text), None, text.splitlines(True), path)


def _imported(text: str) -> set[str]:
    """The top-level names of imported modules, and the names imported from them."""
    names: set[str] = set()
    with contextlib.suppress(SyntaxError, ValueError):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                names.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                names.add((node.module or "").split(".")[0])
                names.update(alias.name for alias in node.names)
    return names
