"""Two failures as the explorer tells them: a lost update, and two transfers that wait for each other."""

from __future__ import annotations

from typing import Any


def event(
    step: int,
    thread: str,
    kind: str,
    what: str = "",
    value: str = "",
    at: tuple[str, int, str] = ("", 0, ""),
    hurts: bool = False,
) -> dict[str, Any]:
    file, line, source = at
    return {
        "step": step, "time": 0.0, "thread": thread, "kind": kind, "what": what, "value": value,
        "module": file.removesuffix(".py"), "file": file, "line": line, "source": source, "hurts": hurts,
    }  # fmt: skip


ADD = ("counter.py", 5, "self.count += 1")
FIRST, SECOND = ("bank.py", 8, "with a.lock:"), ("bank.py", 9, "with b.lock:")


def lost_update() -> dict[str, Any]:
    """One switch between the read and the write."""
    return {
        "kind": "invariant", "message": "2 increments, but the count is 1", "thread": "main", "error": "AssertionError",
        "schedule": {"decisions": [["T1", 3, "T2"]]}, "found_in": 3, "switches": 1, "repeats": True, "traceback": [],
        "waits": [],
        "events": [
            event(1, "main", "start", "T1"),
            event(2, "main", "start", "T2"),
            event(3, "T1", "read", "self.count", "0", ADD),
            event(3, "T1", "switch", "T2", "preempted", ADD, hurts=True),
            event(4, "T2", "read", "self.count", "0", ADD),
            event(5, "T2", "write", "self.count", "1", ADD),
            event(6, "T2", "end"),
            event(6, "T2", "switch", "T1", "ends"),
            event(7, "T1", "write", "self.count", "1", ADD),
            event(8, "T1", "end"),
            event(9, "main", "fail", "invariant", "2 increments, but the count is 1"),
        ],
    }  # fmt: skip


def deadlock() -> dict[str, Any]:
    """Each has one lock and wants the other's."""
    waits = [
        {"thread": "T1", "holds": [{"lock": "Account.lock #1", "since": "bank.py:8"}], "what": "Account.lock #2",
         "where": "bank.py:9", "source": "with b.lock:", "held_by": "T2"},
        {"thread": "T2", "holds": [{"lock": "Account.lock #2", "since": "bank.py:8"}], "what": "Account.lock #1",
         "where": "bank.py:9", "source": "with b.lock:", "held_by": "T1"},
    ]  # fmt: skip
    return {
        "kind": "deadlock", "message": "2 threads wait for each other", "thread": "T1", "error": "", "found_in": 1,
        "switches": 1, "schedule": {"decisions": [["T1", 2, "T2"]]}, "repeats": True, "traceback": [], "waits": waits,
        "events": [
            event(1, "T1", "acquire", "Account.lock #1", "", FIRST),
            event(1, "T1", "switch", "T2", "preempted", FIRST, hurts=True),
            event(2, "T2", "acquire", "Account.lock #2", "", FIRST),
            event(3, "T2", "wait", "Account.lock #1", "", SECOND),
            event(4, "T1", "wait", "Account.lock #2", "", SECOND),
            event(5, "T1", "fail", "deadlock", "2 threads wait for each other"),
        ],
    }  # fmt: skip
