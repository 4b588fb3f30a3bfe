"""What a fleet of chat clients does, step by step, as plain data: each function here makes one step.

Clients are called by names of their own (``who``); unless a step says otherwise they enter under the same name. A step
that waits does so for ``patience`` seconds; what does not come ends the scenario, with a sentence on who waited for
what.

The kinds of clients: *polite* ones ``enter`` and read whatever comes; a *slow* one (``enter(..., reads=False)``) never
reads again once it is in; an *abrupt* one leaves by ``drop``; a *flooding* one sends a ``burst``; a *malformed* one
sends ``raw_text``, ``raw_bytes`` or ``garbage``; an *impostor* sends what is not its to send.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Step = dict[str, Any]

#: Seconds that a step waits for what must come.
PATIENCE = 4.0

#: How many files somebody may be ahead of those who hear them.
AHEAD = 8

#: The name by which the bytes of every file are made; see weft.worlds.contents.
FILE = "a file"


def enter(who: str, *rooms: str, name: str | None = None, key: str = "", reads: bool = True) -> Step:
    """Connect, say hello, wait for the welcome, and join these rooms, one after another."""
    return {"do": "enter", "who": who, "name": name or who, "key": key, "rooms": list(rooms), "reads": reads}


def connect(who: str) -> Step:
    """Connect, and say nothing."""
    return {"do": "connect", "who": who}


def send(who: str, kind: str, **fields: Any) -> Step:
    """Send one message."""
    return {"do": "send", "who": who, "text": None, "message": {"type": kind, **fields}}


def raw_text(who: str, text: str, times: int = 1, tail: str = "") -> Step:
    """Send one text frame with ``text`` repeated so often, and then ``tail``: as it is, JSON or not."""
    return {"do": "raw_text", "who": who, "text": text, "times": times, "tail": tail}


def raw_bytes(who: str, data: str) -> Step:
    """Send the characters of ``data`` as one binary frame."""
    return {"do": "raw_bytes", "who": who, "data": data}


def garbage(data: str) -> Step:
    """Open a connection, send these characters, which are no WebSocket, and hang up."""
    return {"do": "garbage", "data": data}


def burst(who: str, room: str, texts: Sequence[str], size: int = 0) -> Step:
    """Say all of ``texts`` in a room without waiting for anything; each is padded to ``size`` characters."""
    return {"do": "burst", "who": who, "room": room, "texts": list(texts), "size": size}


def files(
    who: str,
    room: str,
    *,
    count: int,
    size: int,
    filename: str | None = None,
    heard_by: Sequence[str] = (),
    patience: float = PATIENCE,
) -> Step:
    """Send so many files of ``size`` bytes, ``file-0``, ``file-1`` …; all of them have the same bytes.

    Who is in ``heard_by`` is waited for after every AHEAD files: no faster than they can read, and to the last.
    """
    return {
        "do": "files", "who": who, "room": room, "count": count, "size": size, "filename": filename,
        "heard_by": list(heard_by), "patience": patience,
    }  # fmt: skip


def hears(who: str, kind: str, *, count: int = 1, patience: float = PATIENCE, **fields: Any) -> Step:
    """Wait until ``who`` has heard so many messages of this kind, with these fields, since it connected."""
    return {"do": "hears", "who": who, "kind": kind, "count": count, "fields": fields, "patience": patience}


def settled(*who: str, patience: float = PATIENCE) -> Step:
    """Let each of them, in turn, ask for a pong and wait for it: what they sent before is done by then."""
    return {"do": "settled", "who": list(who), "patience": patience}


def closed(*who: str, patience: float = PATIENCE) -> Step:
    """Wait until the connection of each is closed."""
    return {"do": "closed", "who": list(who), "patience": patience}


def close(who: str) -> Step:
    """Leave as one should, with a closing handshake."""
    return {"do": "close", "who": who}


def drop(who: str) -> Step:
    """Leave as a laptop does whose lid is shut: the TCP connection is reset."""
    return {"do": "drop", "who": who}


def wait(seconds: float) -> Step:
    """Do nothing for a while."""
    return {"do": "wait", "seconds": seconds}


def together(*parts: Sequence[Step]) -> Step:
    """Run several lists of steps at the same time."""
    return {"do": "together", "parts": [list(part) for part in parts]}


def look() -> Step:
    """Let whoever hosts the server note its statistics now."""
    return {"do": "tell", "order": "look"}


def mark() -> Step:
    """Let whoever hosts the server note the CPU seconds that it has used."""
    return {"do": "tell", "order": "mark"}


def stop() -> Step:
    """Let the server be stopped, and go on with the clients as they are. Without this step it is stopped at the end."""
    return {"do": "stop"}


def crowd(count: int, room: str) -> Step:
    """So many cheap clients ``crowd-0``, ``crowd-1`` … enter and join a room. What comes they read later."""
    return {"do": "crowd", "count": count, "room": room}


def volley(texts: Sequence[str], size: int = 60, patience: float = 20.0) -> Step:
    """The first of the crowd says all of ``texts``; wait until each of the crowd has heard the last."""
    return {"do": "volley", "texts": list(texts), "size": size, "patience": patience}


def disperse() -> Step:
    """The crowd drops its connections."""
    return {"do": "disperse"}


def traffic(clients: int, rooms: int, seconds: float, rate: float, *, trouble: bool = False, seed: int = 0) -> Step:
    """So many polite clients in so many rooms say something ``rate`` times a second, all together, for ``seconds``.

    With ``trouble`` one never reads, one floods, one sends nonsense, and one drops its connection and comes back.
    """
    return {
        "do": "traffic", "clients": clients, "rooms": rooms, "seconds": seconds, "rate": rate,
        "trouble": trouble, "seed": seed,
    }  # fmt: skip
