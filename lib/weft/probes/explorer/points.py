"""Where a thread may be preempted: the instructions that touch what threads can share, found in the byte code.

A :class:`Site` says in the learner's words what an instruction reads or writes ("self.count"). The names come from a
small symbolic run over the byte code; where it loses the thread, the site stays, without a name.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import CodeType

from weft.probes.explorer.expressions import CALLS, Expression, Stack, is_method_load, is_subscript, step, text_of

#: Methods of built-in containers, by what they do to the contents. They are one step each, for they are C.
READERS = frozenset({"get", "items", "keys", "values", "index", "count", "copy"})
WRITERS = frozenset({"append", "appendleft", "add", "extend", "insert", "setdefault", "update", "sort"})
WRITERS |= {"clear", "discard", "pop", "popitem", "popleft", "remove"}


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """One instruction that reads or writes something that threads can share, or jumps back.

    ``form`` is "attribute", "item", "global", "nonlocal", "contents" (a container's method, an iteration) or "jump".
    ``base`` is the expression whose attribute, item or contents is meant. ``text`` is what the learner wrote.
    ``eager``: it changes a container that this function has been given. Whether others look at it need not be seen
    (``if items:`` is no site), so it counts as shared from the start.
    """

    kind: str
    form: str
    base: Expression
    name: str
    key: Expression
    line: int
    text: str
    eager: bool = False


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """``code`` and all code nested in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_in(constant)


def rebound_names(code: CodeType) -> set[str]:
    """Names that functions in ``code`` assign as globals, nonlocals or attributes: only these can change under a read.

    A module's own top level runs once, before there are threads.
    """
    names = set()
    for each in codes_in(code):
        for instruction in dis.get_instructions(each):
            op, name = instruction.opname, instruction.argval
            nonlocal_ = op == "STORE_DEREF" and name in each.co_freevars
            if nonlocal_ or op in ("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_ATTR"):
                names.add(name)
    return names


def sites_of(code: CodeType, rebound: set[str]) -> dict[int, Site]:
    """The sites of one code object (not of those nested in it), by the offset of their instruction."""
    lines = {
        offset: line or code.co_firstlineno for start, end, line in code.co_lines() for offset in range(start, end, 2)
    }
    stack, sites = Stack(), {}
    for instruction in dis.get_instructions(code):
        if instruction.is_jump_target:
            stack.items.clear()  # reached from elsewhere too
        found = _site(instruction, stack, rebound, lines.get(instruction.offset, code.co_firstlineno))
        if found and found.kind == "write" and found.form in ("item", "contents") and not _is_local(found.base, code):
            found = replace(found, eager=True)
        if found:
            sites[instruction.offset] = found
        step(instruction, stack)
    return sites


def _is_local(base: Expression, code: CodeType) -> bool:
    """Whether ``base`` is a variable of the function's own, and no argument."""
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return base is not None and base[0] == "name" and base[1] in code.co_varnames and base[1] not in arguments


def _site(instruction: dis.Instruction, stack: Stack, rebound: set[str], line: int) -> Site | None:
    op, name = instruction.opname, instruction.argval
    if op in ("LOAD_ATTR", "STORE_ATTR", "DELETE_ATTR"):
        return _attribute(instruction, stack.peek(1), line)
    if op in CALLS:
        return _call(stack.peek((instruction.arg or 0) + CALLS[op]), line)
    if op in ("LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_DEREF", "STORE_DEREF"):
        if name not in rebound:
            return None
        form = "nonlocal" if "DEREF" in op else "global"
        return Site("read" if op.startswith("LOAD") else "write", form, None, name, None, line, name)
    if is_subscript(instruction):
        return _item("read", stack.peek(2), stack.peek(1), line)
    if op in ("STORE_SUBSCR", "DELETE_SUBSCR"):
        return _item("write", stack.peek(2), stack.peek(1), line)
    if op == "CONTAINS_OP":
        return _item("read", stack.peek(1), stack.peek(2), line)
    if op == "GET_ITER":
        base = stack.peek(1)
        return Site("read", "contents", base, "iteration", None, line, text_of(base)) if base else None
    if op.startswith("JUMP_BACKWARD") or op.startswith("POP_JUMP_BACKWARD"):
        return Site("jump", "jump", None, "", None, line, "")
    return None


def _attribute(instruction: dis.Instruction, base: Expression, line: int) -> Site | None:
    name = instruction.argval
    text = f"{text_of(base)}.{name}"
    if not instruction.opname.startswith("LOAD"):
        return Site("write", "attribute", base, name, None, line, text)
    if is_method_load(instruction):
        return None  # a plain call: what it does is seen where it is done, or in _call
    return Site("read", "attribute", base, name, None, line, text)


def _call(callee: Expression, line: int) -> Site | None:
    """A container's method touches the contents when it is called, with its arguments ready."""
    if callee is None or callee[0] != "attr" or callee[2] not in READERS | WRITERS:
        return None
    _, base, name = callee
    return Site("write" if name in WRITERS else "read", "contents", base, name, None, line, text_of(callee))


def _item(kind: str, base: Expression, key: Expression, line: int) -> Site:
    return Site(kind, "item", base, "", key, line, f"{text_of(base)}[{text_of(key)}]")
