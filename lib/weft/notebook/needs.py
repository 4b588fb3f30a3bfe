"""What a check cell needs before it can be judged: the drives, and answer modules that are in force."""

from __future__ import annotations

import ast
import sys

from weft.answer.lift import CheckCell
from weft.notebook.names import installed
from weft.notebook.workbench import Workbench, imports_of

#: The methods of an answer whose first argument is a drive.
DRIVING = {"drive", "explore", "virtually", "shuffle", "watch", "sweep"}

#: A drive may be a coroutine function.
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

Definitions = dict[str, ast.FunctionDef | ast.AsyncFunctionDef]


def complaint(cell: CheckCell, bench: Workbench) -> str | None:
    """One sentence on what to run first, or None if the cell can be judged."""
    tree = ast.parse(cell.source)
    shared = _functions(ast.parse(bench.drives))
    if _driven(tree) - _bound(tree) - _bound(ast.parse(bench.drives)):
        return "Run the cell `%%drives` first: it holds what these checks call."
    missing = sorted(name for name in _modules(tree, shared, bench) if not _importable(name, bench))
    tried = [name for name in missing if name in bench.texts]
    if tried:
        return (
            f"Module `{tried[0]}` is not in force: run its cell `%%module {tried[0]}` until it ends without an error."
        )
    if missing:
        cells = " and ".join(f"`%%module {name}`" for name in missing)
        return f"Run the {'cell' if len(missing) == 1 else 'cells'} {cells} first: these checks need what is in it."
    return None


def _modules(tree: ast.Module, shared: Definitions, bench: Workbench) -> set[str]:
    """Modules that the checks import, by themselves, through drives, or through other answer modules."""
    found = imports_of(tree) | _inspected(tree)
    for name in _reached(tree, shared):
        found |= imports_of(shared[name])
    waiting = list(found)
    while waiting:
        new = imports_of(bench.texts.get(waiting.pop(), "")) - found
        found |= new
        waiting += new
    return found


def _reached(tree: ast.Module, shared: Definitions) -> set[str]:
    """The drives that are named in ``tree``, and those that they name."""
    found, waiting = set[str](), _names(tree)
    while new := (waiting & shared.keys()) - found:
        found |= new
        waiting = set().union(*(_names(shared[name]) for name in new))
    return found


def _driven(tree: ast.Module) -> set[str]:
    """The first arguments of ``answer.drive(...)`` and of its like."""
    return {
        call.args[0].id
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in DRIVING
        and call.args
        and isinstance(call.args[0], ast.Name)
    }


def _inspected(tree: ast.Module) -> set[str]:
    """The modules in ``only=("transfer", "manager")``: how a check of quality says what it reads."""
    return {
        constant.value
        for keyword in ast.walk(tree)
        if isinstance(keyword, ast.keyword) and keyword.arg == "only"
        for constant in ast.walk(keyword.value)
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
    }


def _functions(tree: ast.Module) -> Definitions:
    return {node.name: node for node in tree.body if isinstance(node, FUNCTIONS)}


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _bound(tree: ast.Module) -> set[str]:
    """Names that ``tree`` binds, anywhere in it."""
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.name for node in ast.walk(tree) if isinstance(node, (*FUNCTIONS, ast.ClassDef))}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {alias.asname or alias.name for alias in node.names}
    return bound


def _importable(name: str, bench: Workbench) -> bool:
    """Whether ``name`` is an answer module in force, or a module from elsewhere."""
    if name in bench.texts:
        return bench.in_force(name)
    return name in sys.stdlib_module_names or name == "drives" or installed(name, bench.folder)
