"""A live view in the notebook: figures, bars and buttons, while the kernel stays free."""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets

from weft.judge.tables_html import style_of
from weft.notebook.background import Background
from weft.notebook.view import Bar, View, chosen_bars

__all__ = ["Dashboard", "View", "run"]

#: Seconds between two looks.
INTERVAL = 0.2


class Dashboard(ipywidgets.VBox):
    """Shows ``read()`` about five times a second while something runs; ``actions`` become buttons.

    ``read`` is called from a thread of the dashboard's, the actions from the kernel's main thread.
    """

    def __init__(self, read: Callable[[], View], actions: Mapping[str, Callable[[], object]]) -> None:
        self._read = read
        self._view = ipywidgets.HTML()
        self._buttons = [self._button(name, action) for name, action in actions.items()]
        self._trouble = ""
        self._shown: Background[Any] | None = None
        self._over = threading.Event()
        super().__init__(
            [ipywidgets.HTML(style_of("weft.notebook", "live.css")), self._view, ipywidgets.HBox(self._buttons)]
        )

    def start(self, work: Callable[[], Any]) -> None:
        """Start ``work`` in a thread, and look at it until it is done."""
        self._shown = Background(work)
        self._started = time.monotonic()
        self._refresh("")
        self._shown.start()
        threading.Thread(target=self._watch, args=(self._shown,), name="dashboard", daemon=True).start()

    def wait(self, timeout: float | None = None) -> Any:
        """Wait for the end, and return what the work returned or raise what it raised.

        The buttons do not answer meanwhile, as the kernel is busy. Raises TimeoutError after ``timeout`` seconds, and
        RuntimeError if nothing was started.
        """
        if self._shown is None:
            raise RuntimeError("nothing was started: call start(work) first")
        if not self._over.wait(timeout):
            raise TimeoutError(f"still running after {timeout:g} s")
        return self._shown.result()

    @property
    def text(self) -> str:
        """The view as it stands, as HTML."""
        return str(self._view.value)

    def _watch(self, shown: Background[Any]) -> None:
        while not shown.done.wait(INTERVAL):
            self._refresh("")
        seconds = time.monotonic() - self._started
        error = shown.error
        self._refresh(_told(error) if error else f"Ended after {seconds:.1f} s.", failed=error is not None)
        for button in self._buttons:
            button.disabled = True
        self._over.set()

    def _refresh(self, ending: str, failed: bool = False) -> None:
        try:
            body = _body(self._read())
        except Exception as error:  # a view that cannot be read must not stop the looking: the work goes on
            body = _line(f"The figures could not be read. {_told(error)}", failed=True)
        self._view.value = f'<div class="weft-live" role="group" aria-label="live view">{body}{self._trouble}' + (
            f'<div role="status">{_line(ending, failed)}</div></div>' if ending else "</div>"
        )

    def _button(self, name: str, action: Callable[[], object]) -> ipywidgets.Button:
        button = ipywidgets.Button(description=name, tooltip=name)

        def pressed(_: ipywidgets.Button) -> None:
            try:
                action()
            except Exception as error:
                self._trouble = _line(f"{name}: {_told(error)}", failed=True)

        button.on_click(pressed)
        return button


def run(work: Callable[[], Any], read: Callable[[], View], actions: Mapping[str, Callable[[], object]]) -> Dashboard:
    """Start ``work`` in a thread and return its dashboard at once, for the cell to show."""
    dashboard = Dashboard(read, actions)
    dashboard.start(work)
    return dashboard


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _line(text: str, failed: bool) -> str:
    return f'<p class="error">{html.escape(text)}</p>' if failed else f"<p>{html.escape(text)}</p>"


def _body(view: View) -> str:
    stats = "".join(
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(figure)}</dd></div>" for name, figure in view.stats.items()
    )
    bars, rest = chosen_bars(view)
    more = f'<p class="rest">{rest}</p>' if rest else ""
    return f"<dl>{stats}</dl>{''.join(map(_bar, bars))}{more}"


def _bar(bar: Bar) -> str:
    name, percent = html.escape(bar.name), f"{100 * bar.share:.0f}"
    words = html.escape(bar.words)
    kind = ' class="done"' if bar.share >= 1 else ""
    return (
        f'<div class="row"><span>{name}</span><div class="track" role="progressbar" aria-label="{name}" '
        f'aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent}" aria-valuetext="{words}">'
        f'<i{kind} style="width:{percent}%"></i></div><span class="words">{words}</span></div>'
    )
