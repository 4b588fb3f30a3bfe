"""Where a thread may be preempted: the instructions that touch what threads can share, found in the byte code.

A :class:`Site` says in the learner's words what an instruction reads or writes ("self.count"). The names come from a
small symbolic run over the byte code; where it loses the thread, the site stays, without a name.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import CodeType
from typing import Any

#: What stands on the stack: ("name", n) · ("const", v) · ("attr", base, n) · ("item", base, key) · None, unknown.
Expression = tuple[Any, ...] | None

#: Methods of built-in containers, by what they do to the contents. They are one step each, for they are C.
READERS = frozenset({"get", "items", "keys", "values", "index", "count", "copy"})
WRITERS = frozenset({"append", "appendleft", "add", "extend", "insert", "setdefault", "update", "sort"})
WRITERS |= {"clear", "discard", "pop", "popitem", "popleft", "remove"}

_NOTHING = frozenset({"NOP", "RESUME", "CACHE", "PRECALL", "KW_NAMES", "EXTENDED_ARG", "MAKE_CELL", "NOT_TAKEN"})
_NOTHING |= {"COPY_FREE_VARS"}
_NULL_IS_ON_TOP = sys.version_info >= (3, 13)


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


class Stack:
    """The expressions on the interpreter's stack, as far as they are known."""

    def __init__(self) -> None:
        self.items: list[Expression] = []

    def push(self, *expressions: Expression) -> None:
        self.items.extend(expressions)

    def pop(self) -> Expression:
        return self.items.pop() if self.items else None

    def peek(self, depth: int) -> Expression:
        return self.items[-depth] if depth <= len(self.items) else None

    def swap(self, depth: int) -> None:
        while len(self.items) < depth:
            self.items.insert(0, None)
        self.items[-1], self.items[-depth] = self.items[-depth], self.items[-1]

    def unknown(self, instruction: dis.Instruction) -> None:
        """An instruction that we do not follow: right depth, unknown contents."""
        try:
            effect = dis.stack_effect(instruction.opcode, instruction.arg, jump=False)
        except ValueError:
            self.items.clear()
            return
        for _ in range(-effect):
            self.pop()
        if effect > 0:
            self.push(*[None] * effect)
        elif self.items:
            self.items[-1] = None


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
        _step(instruction, stack)
    return sites


def _is_local(base: Expression, code: CodeType) -> bool:
    """Whether ``base`` is a variable of the function's own, and no argument."""
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return base is not None and base[0] == "name" and base[1] in code.co_varnames and base[1] not in arguments


def _site(instruction: dis.Instruction, stack: Stack, rebound: set[str], line: int) -> Site | None:
    op, name = instruction.opname, instruction.argval
    if op in ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "DELETE_ATTR"):
        return _attribute(instruction, stack.peek(1), line)
    if op in ("LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_DEREF", "STORE_DEREF"):
        if name not in rebound:
            return None
        form = "nonlocal" if "DEREF" in op else "global"
        return Site("read" if op.startswith("LOAD") else "write", form, None, name, None, line, name)
    if _is_subscript(instruction):
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
    if not _is_method_load(instruction):
        return Site("read", "attribute", base, name, None, line, text)
    if name in READERS or name in WRITERS:
        return Site("write" if name in WRITERS else "read", "contents", base, name, None, line, text)
    return None  # a plain call: what it does is seen where it is done


def _item(kind: str, base: Expression, key: Expression, line: int) -> Site:
    return Site(kind, "item", base, "", key, line, f"{text_of(base)}[{text_of(key)}]")


def _is_method_load(instruction: dis.Instruction) -> bool:
    if instruction.opname == "LOAD_METHOD":
        return True
    return sys.version_info >= (3, 12) and instruction.opname == "LOAD_ATTR" and bool((instruction.arg or 0) & 1)


def _is_subscript(instruction: dis.Instruction) -> bool:
    return instruction.opname == "BINARY_SUBSCR" or (
        instruction.opname == "BINARY_OP" and instruction.argrepr.strip() == "[]"  # from 3.14
    )


def _step(instruction: dis.Instruction, stack: Stack) -> None:
    op, value = instruction.opname, instruction.argval
    if op in _NOTHING:
        return
    if op == "STORE_FAST_LOAD_FAST":
        stack.pop()
        stack.push(("name", value[1]))
    elif op.startswith("LOAD_FAST"):
        stack.push(*[("name", name) for name in (value if isinstance(value, tuple) else (value,))])
    elif op in ("LOAD_CONST", "LOAD_SMALL_INT"):
        stack.push(("const", value))
    elif op in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF"):
        _load_name(instruction, stack)
    elif op in ("LOAD_ATTR", "LOAD_METHOD"):
        base = stack.pop()
        stack.push(("attr", base, value), *[None] * _is_method_load(instruction))
    elif _is_subscript(instruction):
        key, base = stack.pop(), stack.pop()
        stack.push(("item", base, key))
    elif op == "COPY":
        stack.push(stack.peek(instruction.arg or 1))
    elif op == "SWAP":
        stack.swap(instruction.arg or 1)
    else:
        _pop_known(instruction, stack)


def _load_name(instruction: dis.Instruction, stack: Stack) -> None:
    null = [None] * (instruction.opname == "LOAD_GLOBAL" and bool((instruction.arg or 0) & 1))
    name = [("name", instruction.argval)]
    stack.push(*([*name, *null] if _NULL_IS_ON_TOP else [*null, *name]))


#: Instructions that only take from the stack, and leave what is below as it was.
_POPS = {"POP_TOP": 1, "STORE_FAST": 1, "STORE_NAME": 1, "STORE_GLOBAL": 1, "STORE_DEREF": 1, "STORE_ATTR": 2}
_POPS |= {"STORE_SUBSCR": 3, "DELETE_SUBSCR": 2, "DELETE_ATTR": 1, "STORE_FAST_STORE_FAST": 2}


def _pop_known(instruction: dis.Instruction, stack: Stack) -> None:
    if instruction.opname == "PUSH_NULL":
        stack.push(None)
    elif instruction.opname in _POPS:
        for _ in range(_POPS[instruction.opname]):
            stack.pop()
    elif instruction.opname.startswith("POP_JUMP"):
        stack.pop()
    else:
        stack.unknown(instruction)


def text_of(expression: Expression) -> str:
    """``expression`` as it stands in the source; "…" where it is not known."""
    if expression is None:
        return "…"
    kind = expression[0]
    if kind == "attr":
        return f"{text_of(expression[1])}.{expression[2]}"
    if kind == "item":
        return f"{text_of(expression[1])}[{text_of(expression[2])}]"
    return str(expression[1]) if kind == "name" else repr(expression[1])[:30]
