"""A small symbolic run over byte code: which expressions of the source lie on the interpreter's stack."""

from __future__ import annotations

import dis
import sys
from typing import Any

#: What stands on the stack: ("name", n) · ("const", v) · ("attr", base, n) · ("item", base, key) · None, unknown.
Expression = tuple[Any, ...] | None

_NOTHING = frozenset({"NOP", "RESUME", "CACHE", "PRECALL", "KW_NAMES", "EXTENDED_ARG", "MAKE_CELL", "NOT_TAKEN"})
_NOTHING |= {"COPY_FREE_VARS"}
#: What lies on the stack for a call, beside the arguments: the callable, what is before or after it, keyword names.
CALLS = {"CALL": 2, "CALL_KW": 3}
_NULL_IS_ON_TOP = sys.version_info >= (3, 13)


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


def is_method_load(instruction: dis.Instruction) -> bool:
    if instruction.opname == "LOAD_METHOD":
        return True
    return sys.version_info >= (3, 12) and instruction.opname == "LOAD_ATTR" and bool((instruction.arg or 0) & 1)


def is_subscript(instruction: dis.Instruction) -> bool:
    return instruction.opname == "BINARY_SUBSCR" or (
        instruction.opname == "BINARY_OP" and instruction.argrepr.strip() == "[]"  # from 3.14
    )


def step(instruction: dis.Instruction, stack: Stack) -> None:
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
        stack.push(("attr", base, value), *[None] * is_method_load(instruction))
    elif is_subscript(instruction):
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
    elif instruction.opname in CALLS:
        for _ in range((instruction.arg or 0) + CALLS[instruction.opname]):
            stack.pop()
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
