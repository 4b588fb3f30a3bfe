"""The same live view in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from weft.notebook.background import Background
from weft.notebook.view import View, chosen_bars

INTERVAL = 0.2

Result = TypeVar("Result")


def run_in_terminal(
    work: Callable[[], Result],
    read: Callable[[], View],
    actions: Mapping[str, Callable[[], object]] | None = None,
    console: Console | None = None,
) -> Result:
    """Run ``work`` in a thread, show ``read()`` until it is done, and return what it returned or raise what it raised.

    Ctrl-C calls the action ``Stop`` and waits for the work to end; a second one, or the first if there is no such
    action, raises KeyboardInterrupt here and leaves the work alone.
    """
    stop = (actions or {}).get("Stop")
    background = Background(work)
    with Live(_show(read), console=console, auto_refresh=False, transient=False) as live:
        background.start()
        try:
            _watch(background, read, live)
        except KeyboardInterrupt:
            if stop is None:
                raise
            stop()
            _watch(background, read, live)
        live.update(_show(read), refresh=True)
    return background.result()


def _watch(background: Background[Result], read: Callable[[], View], live: Live) -> None:
    while not background.done.wait(INTERVAL):
        live.update(_show(read), refresh=True)


def _show(read: Callable[[], View]) -> RenderableType:
    try:
        return render(read())
    except Exception as error:  # a view that cannot be read must not stop the looking: the work goes on
        return Text(f"The figures could not be read. {type(error).__name__}: {error}", style="red")


def render(view: View) -> RenderableType:
    """A view as something that rich prints."""
    stats = Text("   ").join(
        Text.assemble((f"{name} ", "dim"), (figure, "bold")) for name, figure in view.stats.items()
    )
    table = Table(box=None, show_header=False, pad_edge=False)
    bars, rest = chosen_bars(view)
    for bar in bars:
        table.add_row(
            Text(bar.name), ProgressBar(total=1.0, completed=bar.share, width=32), Text(bar.words, style="dim")
        )
    return Group(stats, table, *([Text(rest, style="dim")] if rest else []))
