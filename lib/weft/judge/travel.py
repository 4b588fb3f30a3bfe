"""The source of a drive, made ready to travel: the function, what it calls beside it, and its imports; nothing else.

No expected value may reach the answer's process, so constants of a check cell do not travel: a check passes as an
argument what its drive needs.
"""

from __future__ import annotations

import dis
import importlib
import inspect
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from weft.judge.verdicts import Broken

#: The module that holds the text of the ``%%drives`` cell in the judge's folder. It is public, so it travels whole.
SHARED = "drives"


def travelling_source(function: Callable[..., Any]) -> str:
    """A module's text in which ``function`` can be called by its name.

    Raises Broken for a lambda, a nested function or a use of the check cell's own constants: those are the author's
    mistakes.
    """
    if not isinstance(function, FunctionType) or "<" in function.__qualname__:
        raise Broken(f"{function!r} cannot be driven: a drive is a plain function at the top of a cell")
    if function.__module__ == SHARED:
        return inspect.getsource(inspect.getmodule(function))  # type: ignore[arg-type]
    parts: dict[str, str] = {}
    _collect(function, parts)
    # Imports first, so that decorators and defaults find them.
    ordered = sorted(parts.values(), key=lambda part: not part.startswith(("import ", "from ")))
    return "from __future__ import annotations\n" + "\n\n".join(ordered)


def _collect(function: FunctionType, parts: dict[str, str]) -> None:
    parts[function.__name__] = inspect.getsource(function)
    for name in _global_names(function.__code__):
        if name in parts or name not in function.__globals__:
            continue
        value = function.__globals__[name]
        if isinstance(value, FunctionType) and value.__module__ == function.__module__:
            _collect(value, parts)
        else:
            parts[name] = _import_of(name, value, function)


def _import_of(name: str, value: Any, function: FunctionType) -> str:
    if isinstance(value, ModuleType):
        return f"import {value.__name__} as {name}"
    home, qualified = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    if home and home != function.__module__ and getattr(importlib.import_module(home), qualified, None) is value:
        return f"from {home} import {qualified} as {name}"
    raise Broken(f"the drive {function.__name__} uses {name} of its cell; pass it as an argument instead")


def _global_names(code: CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _global_names(constant)
