"""What a failed assertion says, reduced to what a learner needs: came back, wanted, and the author's own message."""

from __future__ import annotations

from typing import Any

from weft.judge.verdicts import Evidence

#: Longer values are cut; a check should compare less.
LONGEST = 300

WANTED = {
    "==": "{}",
    "<=": "at most {}",
    "<": "less than {}",
    ">=": "at least {}",
    ">": "more than {}",
    "!=": "anything but {}",
    "in": "one of {}",
    "not in": "none of {}",
    "is": "{}",
    "is not": "anything but {}",
}


def of_comparison(operator: str, left: Any, right: Any) -> tuple[str, str]:
    """``(came back, wanted)`` for ``left operator right``, of which only the parts that differ are shown."""
    if operator == "==":
        left, right = only_differences(left, right)
    return short(left), WANTED.get(operator, operator + " {}").format(short(right))


def only_differences(left: Any, right: Any) -> tuple[Any, Any]:
    """Two dictionaries without the items that they share, or two long lists from where they begin to differ.

    Else both as they are.
    """
    if isinstance(left, dict) and isinstance(right, dict):
        same = {key for key in left.keys() & right.keys() if left[key] == right[key]}
        return (
            {key: value for key, value in left.items() if key not in same},
            {key: value for key, value in right.items() if key not in same},
        )
    return left, right


def short(value: Any) -> str:
    """``repr``, cut in the middle if it is long."""
    text = repr(value)
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2
    return f"{text[:half]} … {text[-half:]}"


def of_assertion(error: BaseException, comparison: tuple[str, Any, Any] | None, called: str) -> Evidence:
    """The evidence in an AssertionError that pytest has rewritten: its message stands before the line ``assert …``."""
    message = str(error).partition("\nassert ")[0]
    if message.startswith("assert "):
        message = ""
    came_back, wanted = of_comparison(*comparison) if comparison else ("", "")
    return Evidence(called=called, came_back=came_back, wanted=wanted, message=message)
