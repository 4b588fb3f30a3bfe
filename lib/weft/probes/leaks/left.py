"""One thing that was left behind."""

from __future__ import annotations

from dataclasses import dataclass

THREAD, PROCESS, SOCKET, DESCRIPTOR = "thread", "process", "socket", "descriptor"
MEMORY, FILE = "shared memory", "temporary file"

#: In the order in which they are looked at and told.
KINDS = (THREAD, PROCESS, SOCKET, DESCRIPTOR, MEMORY, FILE)


@dataclass(frozen=True, slots=True)
class Left:
    """``name`` says which, ``detail`` what is known of it: where a thread stands, what a descriptor leads to."""

    kind: str
    name: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}{self.detail}"
