"""How a command ends: one sentence and an exit code that a script can rely on."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

NOT_SO, CANNOT, BROKEN, STOPPED = 1, 2, 3, 130

#: Exceptions whose message is a sentence for the user, and their modules (which are slow to import just to ask).
EXPECTED = {
    "weft.layout": "LayoutError",
    "weft.gradebook.books": "BooksError",
    "weft.course.percent": "PairingError",
    "weft.course.variants": "VariantError",
}


class WeftGroup(TyperGroup):
    """Commands that end in a sentence, not in a traceback. ``WEFT_DEBUG=1`` shows the traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            leave("Stopped.", STOPPED)
        except Exception as error:
            # typer's own exceptions carry their exit code, and it deals with a closed pipe.
            if hasattr(error, "exit_code") or isinstance(error, typer.Abort) or _closed_pipe(error):
                raise
            if os.environ.get("WEFT_DEBUG"):
                raise
            if is_expected(error):
                leave(str(error), CANNOT)
            kind = type(error).__name__
            leave(f"weft itself broke ({kind}: {error}). WEFT_DEBUG=1 before the command shows where.", BROKEN)


def leave(sentence: str, code: int) -> NoReturn:
    """End the command with a sentence on standard error."""
    typer.echo(sentence, err=True)
    raise typer.Exit(code)


def is_expected(error: BaseException) -> bool:
    """Whether the error's message was written for the user."""
    classes = (getattr(sys.modules.get(module), name, None) for module, name in EXPECTED.items())
    return any(isinstance(error, known) for known in classes if known is not None)


def _closed_pipe(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno == errno.EPIPE
