"""What an expression means in a frame, and how to show it: without running a line of the learner's code.

A property, a ``__repr__`` or a ``__getattr__`` of the answer's would run under the scheduler, in the middle of a step.
So attributes are read from dictionaries and slots, and only built-in values are spelt out.
"""

from __future__ import annotations

from collections import deque
from threading import local
from types import FrameType, MemberDescriptorType, ModuleType
from typing import Any, NamedTuple

from weft.probes.explorer.expressions import Expression, text_of
from weft.probes.explorer.points import Site

MISSING = object()
CONTAINERS = (list, dict, set, deque, bytearray)
_SCALARS = (int, float, complex, bool, str, bytes, type(None))
_DEEP = 3


class Variable(NamedTuple):
    """Something that threads can share: what it is called, and which one it is.

    ``key`` is None where there may be several of one name and we cannot tell them apart (a closure's cells).
    ``owner`` keeps the object alive during a run, so that no other object gets its id.
    """

    label: str
    key: tuple[Any, ...] | None
    owner: object


def variable_at(site: Site, frame: FrameType) -> Variable | None:
    """The variable that ``site`` touches when ``frame`` is about to run it, or None if it cannot be told."""
    if site.form == "global":
        space = frame.f_globals
        return Variable(f"{space.get('__name__', '?')}.{site.name}", (id(space), site.name), space)
    if site.form == "nonlocal":
        return Variable(site.name, None, None)
    owner = evaluate(site.base, frame)
    if owner is MISSING:
        return None if site.form == "contents" else Variable(site.text, None, None)
    if isinstance(owner, local):
        return None  # each thread has its own
    if site.form == "attribute":
        return _attribute(owner, site.name)
    if site.form == "item":
        return _item(owner, site, frame)
    if isinstance(owner, CONTAINERS):
        return Variable(f"{_label(site.base, frame)}[…]", None, owner)
    return None


def _attribute(owner: Any, name: str) -> Variable:
    if isinstance(owner, ModuleType):
        return Variable(f"{owner.__name__}.{name}", (id(owner.__dict__), name), owner)
    holder = owner if isinstance(owner, type) else type(owner)
    return Variable(f"{holder.__name__}.{name}", (id(owner), name), owner)


def _item(owner: Any, site: Site, frame: FrameType) -> Variable | None:
    label = f"{_label(site.base, frame)}[…]"
    key = evaluate(site.key, frame)
    if isinstance(owner, CONTAINERS) and is_plain(key):
        return Variable(label, (id(owner), "[]", key), owner)
    return Variable(label, None, owner)


def _label(base: Expression, frame: FrameType) -> str:
    """What to call a container: by the class of the object that has it, or by the name that it has here."""
    if base is not None and base[0] == "attr":
        owner = evaluate(base[1], frame)
        if owner is not MISSING:
            return _attribute(owner, base[2]).label
    return text_of(base)


def evaluate(expression: Expression, frame: FrameType) -> Any:
    """The value of ``expression`` in ``frame``, or MISSING."""
    if expression is None:
        return MISSING
    kind = expression[0]
    if kind == "name":
        value = frame.f_locals.get(expression[1], MISSING)
        return frame.f_globals.get(expression[1], MISSING) if value is MISSING else value
    if kind == "const":
        return expression[1]
    owner = evaluate(expression[1], frame)
    if owner is MISSING:
        return MISSING
    return raw_attribute(owner, expression[2]) if kind == "attr" else raw_item(owner, evaluate(expression[2], frame))


def raw_attribute(owner: Any, name: str) -> Any:
    """An attribute as it is stored; MISSING for methods, properties and what ``__getattr__`` would make."""
    if isinstance(owner, type):
        return next((vars(cls)[name] for cls in owner.__mro__ if name in vars(cls)), MISSING)
    try:
        stored = object.__getattribute__(owner, "__dict__")
        if name in stored:
            return stored[name]
    except Exception:
        pass  # slots only
    for cls in type(owner).__mro__:
        if name in vars(cls):
            return _from_class(vars(cls)[name], owner)
    return MISSING


def _from_class(value: Any, owner: Any) -> Any:
    if isinstance(value, MemberDescriptorType):
        try:
            return value.__get__(owner)
        except AttributeError:
            return MISSING
    return MISSING if hasattr(type(value), "__get__") else value


def is_plain(key: Any) -> bool:
    """Whether looking ``key`` up runs no code of the learner's."""
    return type(key) in _SCALARS or (type(key) is tuple and all(is_plain(part) for part in key))


def raw_item(owner: Any, key: Any) -> Any:
    """An item of a built-in container; MISSING for all others."""
    if type(owner) not in (list, dict, deque, tuple, bytearray) or key is MISSING:
        return MISSING
    if not is_plain(key):
        return MISSING
    try:
        return owner[key]
    except Exception:
        return MISSING


def current_value(site: Site, frame: FrameType) -> Any:
    """What the variable at ``site`` holds now, or MISSING."""
    if site.form in ("global", "nonlocal"):
        return evaluate(("name", site.name), frame)
    owner = evaluate(site.base, frame)
    if owner is MISSING or site.form == "contents":
        return owner
    return raw_attribute(owner, site.name) if site.form == "attribute" else raw_item(owner, evaluate(site.key, frame))


def short(value: Any, limit: int = 40) -> str:
    """``value`` in at most ``limit`` characters; objects of the learner's own by the name of their class."""
    if value is MISSING:
        return ""
    text = _spell(value, _DEEP)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _spell(value: Any, deep: int) -> str:
    kind = type(value)
    if kind in (str, bytes):
        return repr(value[:60])
    if kind in _SCALARS:
        return repr(value)[:60]
    if deep and kind in (list, tuple, set, frozenset, deque):
        return _spell_items(value, deep)
    if deep and kind is dict:
        pairs = list(value.items())[:8]
        return "{" + ", ".join(f"{_spell(key, deep - 1)}: {_spell(item, deep - 1)}" for key, item in pairs) + "}"
    if isinstance(value, type):
        return value.__name__
    return (
        getattr(value, "__name__", None) or f"<{kind.__name__}>"
        if kind.__module__ == "builtins"
        else f"<{kind.__name__}>"
    )


def _spell_items(value: Any, deep: int) -> str:
    inside = ", ".join(_spell(item, deep - 1) for item in list(value)[:8])
    if isinstance(value, tuple):
        return f"({inside})"
    if isinstance(value, (set, frozenset)):
        return f"{{{inside}}}"
    return f"[{inside}]"
