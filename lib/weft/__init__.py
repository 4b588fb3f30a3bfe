"""Weft: a notebook course on Python concurrency, with a grader that sees what concurrent code does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from weft.notebook.exploring import explore, replay

__all__ = ["explore", "load_ipython_extension", "replay"]

__version__ = "0.1.0"


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the course's magics: what ``%load_ext weft`` calls."""
    from weft.notebook.magics import register

    register(shell)


def __getattr__(name: str) -> Any:
    """What a learner calls, imported when it is: everything in this package imports this module first."""
    if name in ("explore", "replay"):
        from weft.notebook import exploring

        return getattr(exploring, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
