"""Weft: a notebook course on Python concurrency, with a grader that sees what concurrent code does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.1.0"


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the course's magics: what ``%load_ext weft`` calls."""
    from weft.notebook.magics import register

    register(shell)
