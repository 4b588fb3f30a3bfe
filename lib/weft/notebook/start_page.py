"""The cards of the start page: one for each challenge that exists, with a button to start it and a link to open it."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any
from urllib.parse import quote

import ipywidgets

from weft.judge.tables_html import style_of
from weft.layout import Challenge, Course, LayoutError
from weft.notebook.shelf import Status, start, status


def show(course: Course | None = None) -> ipywidgets.VBox:
    """The cards of all challenges of the course that this notebook lies in. Raises LayoutError outside a course."""
    found = course or Course.find()
    cards = [Card(challenge, found.root / "notebooks") for challenge in found.challenges()]
    if not cards:
        return ipywidgets.VBox([_output("<p>There are no challenges here yet.</p>")])
    return ipywidgets.VBox(cards)


class Card(ipywidgets.VBox):
    """One challenge. ``folder`` is the one that links start from."""

    def __init__(self, challenge: Challenge, folder: Path) -> None:
        self.challenge, self.folder = challenge, folder
        self._about = _output("")
        self._button = ipywidgets.Button(description=f"Start {challenge.id}", button_style="primary")
        self._button.tooltip = f"Make your own copy of {challenge.id}"
        self._button.on_click(lambda _: self.press())
        super().__init__([self._about, self._button])
        self._refresh()

    def press(self) -> None:
        """Start the challenge, and say so on the card."""
        try:
            start(self.challenge)
        except (LayoutError, OSError) as error:
            self._refresh(str(error))
        else:
            self._refresh(f"Your own copy is ready: notebooks/{self._link()}")

    @property
    def text(self) -> str:
        """The card as HTML."""
        return str(self._about.outputs[0]["data"]["text/html"])

    def _refresh(self, news: str = "") -> None:
        state = status(self.challenge)
        link = quote(self._link()) if state is Status.IN_PROGRESS else ""
        self._about.outputs = _outputs(card(self.challenge.id, self.challenge.about(), state, link, news))
        self._button.layout.display = None if state is Status.NOT_STARTED else "none"

    def _link(self) -> str:
        return self.challenge.own_notebook.relative_to(self.folder).as_posix()


def card(name: str, about: dict[str, Any], state: Status, link: str, news: str) -> str:
    """A challenge as HTML. ``link`` is relative to the start page; JupyterLab opens it in a tab of its own."""

    def told(key: str, form: str = "{}") -> str:
        return html.escape(form.format(about[key])) if about.get(key) else ""

    facts = " · ".join(filter(None, [told("concept"), told("difficulty"), told("minutes", "{} minutes")]))
    opened = f'<p><a href="{html.escape(link)}">Open {html.escape(name)}</a></p>' if link else ""
    heard = f'<p role="status">{html.escape(news)}</p>' if news else ""
    return (
        f'<section class="weft-card" aria-label="{html.escape(name)}">'
        f'<p class="top"><strong>{html.escape(name)} · {told("title") or "untitled"}</strong>'
        f'<span class="state {state.name.lower()}">{state}</span></p>'
        f"<p>{facts}</p><p>{told('focus')}</p>{opened}{heard}</section>"
    )


def _output(text: str) -> ipywidgets.Output:
    """An output area: unlike ipywidgets.HTML it lets JupyterLab follow links that are relative to the notebook."""
    return ipywidgets.Output(outputs=_outputs(text))


def _outputs(text: str) -> tuple[dict[str, Any], ...]:
    data = {"text/html": style_of("weft.notebook", "live.css") + text, "text/plain": ""}
    return ({"output_type": "display_data", "data": data, "metadata": {}},)
