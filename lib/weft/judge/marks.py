"""The two decorators of a check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Check = TypeVar("Check", bound=Callable[..., Any])


def points(number: float) -> Callable[[Check], Check]:
    """Say how many points a check is worth; 0 for one that only others require."""
    if number < 0:
        raise ValueError(f"points must be 0 or more, not {number}")

    def mark(check: Check) -> Check:
        check.weft_points = float(number)  # type: ignore[attr-defined]
        return check

    return mark


def requires(*names: str) -> Callable[[Check], Check]:
    """Say which checks of the same cell must pass first.

    Otherwise this one is *not run* instead of failing with them.
    """

    def mark(check: Check) -> Check:
        check.weft_requires = names  # type: ignore[attr-defined]
        return check

    return mark
