"""A small chat window for the notebook: it talks to a chat server as a browser would, over a WebSocket."""

from __future__ import annotations

import contextlib
import html
import json
import threading
from collections import deque
from typing import Any

import ipywidgets
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

#: So many lines are kept.
LINES = 12

COMMANDS = {
    "/join": ("join", "room"),
    "/leave": ("leave", "room"),
    "/tell": ("tell", "to", "text"),
    "/kick": ("kick", "to"),
    "/ban": ("ban", "to"),
    "/mute": ("mute", "to", "seconds"),
    "/announce": ("announce", "text"),
    "/stats": ("statistics",),
}

#: How a message is shown; the fields are its own.
SHOWN = {
    "welcome": "you are in, as {name} ({role})",
    "joined": "{name} comes into {room}",
    "members": "in {room}: {names}",
    "left": "{name} leaves {room}",
    "said": "[{room}] {by}: {text}",
    "told": "(to you alone) {by}: {text}",
    "file": "[{room}] {by} sends {filename}",
    "kicked": "you were thrown out by {by}",
    "muted": "you were muted by {by} for {seconds} s",
    "announced": "everybody: {text} ({by})",
    "error": "not done: {reason}",
}


class ChatClient(ipywidgets.VBox):
    """A window on the server at ``port``, for somebody called ``name``. Raises OSError if nobody listens there.

    What is typed is said in the room that was joined last; a line with a slash is a command. It listens in a thread of
    its own until it is closed.
    """

    def __init__(self, port: int, name: str, key: str = "") -> None:
        self.name, self.room = name, ""
        self.lines: deque[str] = deque(maxlen=LINES)
        self._typing: set[str] = set()
        self._lock = threading.Lock()  # lines come from the listening thread and from the kernel's
        self._view = ipywidgets.HTML()
        self._entry = ipywidgets.Text(placeholder="a message, or /join ROOM", continuous_update=False)
        self._entry.on_msg(self._submitted)
        self._ending = contextlib.ExitStack()
        self._connection = self._ending.enter_context(connect(f"ws://127.0.0.1:{port}", compression=None, proxy=None))
        super().__init__([ipywidgets.HTML(f"<strong>{html.escape(name)}</strong>"), self._view, self._entry])
        self._post({"type": "hello", "name": name, **({"key": key} if key else {})})
        threading.Thread(target=self._listen, name=f"chat of {name}", daemon=True).start()

    def send(self, text: str) -> None:
        """Do what somebody does who types this line and presses Enter."""
        word, _, rest = text.strip().partition(" ")
        if word not in COMMANDS:
            self._post({"type": "say", "room": self.room, "text": text.strip()})
            return
        kind, *fields = COMMANDS[word]
        message: dict[str, Any] = {"type": kind}
        for field, value in zip(fields, rest.split(" ", len(fields) - 1), strict=False):
            message[field] = _number(value) if field == "seconds" else value
        if kind == "join":
            self.room = message["room"]
        self._post(message)

    def close(self) -> None:
        """Hang up."""
        self._ending.close()
        super().close()

    def _submitted(self, widget: Any, content: dict[str, Any], buffers: Any) -> None:
        """The front end says that Enter was pressed."""
        if content.get("event") == "submit" and self._entry.value.strip():
            self.send(self._entry.value)
            self._entry.value = ""

    def _post(self, message: dict[str, Any]) -> None:
        try:
            self._connection.send(json.dumps(message))
        except WebSocketException:
            self._show("the connection is closed")

    def _listen(self) -> None:
        with contextlib.suppress(WebSocketException):
            for raw in self._connection:
                self._take(json.loads(raw))
        self._show(f"the connection was closed ({self._connection.close_code})")

    def _take(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind == "typing":
            (self._typing.add if message["on"] else self._typing.discard)(message["name"])
            self._show()
            return
        if kind == "said":
            self._typing.discard(message["by"])
        shape = SHOWN.get(str(kind))
        self._show(shape.format_map(_Fields(message)) if shape else json.dumps(message))

    def _show(self, line: str | None = None) -> None:
        with self._lock:
            if line is not None:
                self.lines.append(line)
            typing = f"{', '.join(sorted(self._typing))} types …" if self._typing else ""
            body = "".join(f"<div>{html.escape(each)}</div>" for each in (*self.lines, typing))
            style = "min-height:9em; font-family:var(--jp-code-font-family, monospace)"
            self._view.value = (
                f'<div role="log" aria-label="chat of {html.escape(self.name)}" style="{style}">{body}</div>'
            )


class _Fields(dict[str, Any]):
    """A message whose missing fields are shown as such."""

    def __missing__(self, key: str) -> str:
        return f"({key} is missing)"


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
