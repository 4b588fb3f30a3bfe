"""The start page: a card for each challenge, with how it stands, and a button to start it or a link to open it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import ipywidgets

from weft.layout import Course, LayoutError
from weft.notebook.cards import card, listing, output, outputs
from weft.notebook.shelf import start
from weft.record.standing import Standing, standings

#: Seconds between two looks at what may have changed.
INTERVAL = 1.0

_watching = threading.Event()


def show(course: Course | None = None) -> ipywidgets.VBox:
    """The cards of all challenges of the course that this notebook lies in; they follow what happens in it.

    Raises LayoutError outside a course.
    """
    global _watching
    _watching.set()  # an earlier page of this kernel is no longer looked at
    _watching = threading.Event()
    page = StartPage(course or Course.find())
    threading.Thread(target=page.follow, args=(_watching,), name="start page", daemon=True).start()
    return page


class StartPage(ipywidgets.VBox):
    """The cards of one course, and above them how many challenges are done."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self._seen: object = None
        self._listing = output("")
        self.cards = [Card(row, course.root / "notebooks", self.refresh) for row in standings(course)]
        super().__init__([self._listing, *self.cards])
        self.refresh()

    @property
    def text(self) -> str:
        """The line above the cards, as HTML."""
        return str(self._listing.outputs[0]["data"]["text/html"])

    def refresh(self) -> None:
        """Look at everything, and show it."""
        self._seen = stamps(self.course)
        rows = standings(self.course)
        self._listing.outputs = outputs(listing(rows))
        by_id = {row.challenge.id: row for row in rows}
        for each in self.cards:
            each.show(by_id.get(each.row.challenge.id, each.row))

    def follow(self, over: threading.Event) -> None:
        """Refresh whenever a file that tells of progress has changed, until ``over``."""
        while not over.wait(INTERVAL):
            if stamps(self.course) != self._seen:
                self.refresh()


class Card(ipywidgets.VBox):
    """One challenge. ``folder`` is the one that links start from, ``refresh`` looks at everything again."""

    def __init__(self, row: Standing, folder: Path, refresh: Callable[[], None]) -> None:
        self.row, self.folder, self._look = row, folder, refresh
        self._news = ""
        self._about = output("")
        name = row.challenge.id
        self._button = ipywidgets.Button(description=f"Start {name}", button_style="primary")
        self._button.tooltip = f"Make your own copy of {name}"
        self._button.on_click(lambda _: self.press())
        super().__init__([self._about, self._button])
        self.show(row)

    def press(self) -> None:
        """Start the challenge, and say so on the card."""
        try:
            start(self.row.challenge)
        except (LayoutError, OSError) as error:
            self._news = str(error)
        else:
            self._news = f"Your own copy is ready: notebooks/{self._link()}"
        self._look()

    @property
    def text(self) -> str:
        """The card as HTML."""
        return str(self._about.outputs[0]["data"]["text/html"])

    def show(self, row: Standing) -> None:
        """Show how the challenge stands."""
        self.row = row
        self._about.outputs = outputs(card(row, quote(self._link()) if row.started else "", self._news))
        self._button.layout.display = "none" if row.started or not row.released else None

    def _link(self) -> str:
        return self.row.challenge.own_notebook.relative_to(self.folder).as_posix()


def stamps(course: Course) -> dict[str, float]:
    """When each file was changed that tells of progress: journals, own copies, what was handed in, the gradebook."""
    patterns = (
        ".weft/progress/*.json",
        "notebooks/challenges/*/*.ipynb",
        "release/*/*.ipynb",
        "submitted/*/*/timestamp.txt",
        "gradebook.db",
    )
    return {str(path): _changed(path) for pattern in patterns for path in course.root.glob(pattern)}


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # it went away between the listing and the look
        return 0.0
