"""The doctor's command: what this machine has, what for, and what is missing."""

from __future__ import annotations

import typer

from weft.cli.endings import NOT_SO
from weft.cli.words import aside, out


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="This machine", epilog="Example: weft doctor")(doctor)


def doctor() -> None:
    """Look at this machine: what is here, what it is for, what is missing. Exit code 1: something needed is missing."""
    from rich.table import Table
    from rich.text import Text

    from weft.cli.machine import findings

    with aside().status("Looking"):
        found = list(findings())
    table = Table(show_edge=False)
    for heading in ("", "what", "found", "for"):
        table.add_column(heading, overflow="fold")
    for finding in found:
        mark = ("✓", "green") if finding.good else ("✗", "red") if finding.required else ("–", "yellow")
        table.add_row(Text(*mark), finding.what, Text(finding.found), finding.purpose)
    out().print(table)
    missing = [finding.what for finding in found if finding.required and not finding.good]
    if missing:
        typer.echo(f"Needed and not in order: {', '.join(missing)}.", err=True)
        raise typer.Exit(NOT_SO)
