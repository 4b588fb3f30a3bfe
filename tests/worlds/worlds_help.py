"""A client that looks closely, and summaries of a trace, for the tests of both file servers."""

from __future__ import annotations

import gc
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from weft.trace import Trace
from weft.worlds.simulated_files import SimulatedFiles


@dataclass
class Seen:
    """What a client saw of one request."""

    status: int = 0
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    error: str = ""
    seconds: float = 0.0

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


def session_for(files: Any) -> requests.Session:
    """A session for either file server."""
    return files.session() if isinstance(files, SimulatedFiles) else requests.Session()


def ask(session: requests.Session, url: str, span: str = "", timeout: float = 5.0, method: str = "GET") -> Seen:
    """One request, its body read in pieces of 10,000 bytes; an error is noted by its class."""
    seen, started = Seen(), time.monotonic()
    try:
        headers = {"Range": span} if span else {}
        with session.request(method, url, headers=headers, stream=True, timeout=timeout) as response:
            seen.status, seen.headers = response.status_code, dict(response.headers)
            for piece in response.iter_content(10_000):
                seen.body += piece
    except requests.RequestException as error:
        seen.error = type(error).__name__
    seen.seconds = time.monotonic() - started
    return seen


def story(trace: Trace) -> list[tuple[str, str, float]]:
    """Kind, connection and value of each event but ``bytes``, of which the two servers may make more or fewer."""
    return [(event.kind, event.actor, event.value) for event in trace if event.kind != "bytes"]


def sent(trace: Trace) -> dict[str, float]:
    """The bytes that were sent of each file."""
    counts = dict.fromkeys(trace.subjects("bytes"), 0.0)
    for event in trace.of("bytes"):
        counts[event.subject] += event.value
    return counts


def eventually(holds: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether it comes to hold within so many seconds: the server hears of a closed connection a little later."""
    gc.collect()  # urllib3 closes a pool's connections when it is collected, and an error may hold it in a cycle
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True
