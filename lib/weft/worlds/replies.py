"""What a file server, real or simulated, replies to a request: a status, headers, and which bytes of the file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from weft.worlds.faults import Fault
from weft.worlds.site import File

_RANGE = re.compile(r"\s*bytes\s*=\s*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, headers, and the bytes from ``start`` up to ``end`` of the file; a HEAD request gets none of them."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    start: int = 0
    end: int = 0


def asked(header: str, size: int) -> tuple[int, int] | None:
    """The span of bytes that a Range header asks for, as ``(start, end)`` without ``end``; None for the whole file.

    A header that is malformed, or asks for several spans or another unit, is ignored, as RFC 9110 allows; so is any for
    an empty file, which has no part to send. ``start >= size`` means that the file has no such bytes.
    """
    found = _RANGE.fullmatch(header)
    if not found or not size:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        return (max(0, size - int(suffix)), size) if int(suffix) else (size, size)
    start, end = int(first), int(last) + 1 if last else size
    return None if start >= end and last else (start, min(end, size))


def first_byte(file: File | None, header: str) -> int:
    """The first byte asked for, whatever comes of it."""
    span = asked(header, file.size if file else 1)
    return span[0] if span else 0


def reply_to(file: File | None, fault: Fault, method: str, header: str) -> Reply:
    """The reply to a request with this Range header. A fault that happens on the way does not change it."""
    if method not in ("GET", "HEAD"):
        return Reply(405, {"Allow": "GET, HEAD"})
    if file is None:
        return Reply(404)
    if fault.kind == "status":
        return Reply(int(fault.amount))
    size = max(0, file.size - int(fault.amount)) if fault.kind == "short" else file.size
    headers = {"Accept-Ranges": "bytes"}
    span = None if fault.kind == "no range" or method == "HEAD" else asked(header, size)
    if span is None:
        return Reply(200, headers, 0, size)
    start, end = span
    if start >= size:
        return Reply(416, {**headers, "Content-Range": f"bytes */{size}"})
    return Reply(206, {**headers, "Content-Range": f"bytes {start}-{end - 1}/{size}"}, start, end)
