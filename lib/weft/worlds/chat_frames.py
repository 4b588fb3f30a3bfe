"""WebSocket frames by hand (RFC 6455), for clients and servers that must cost almost nothing."""

from __future__ import annotations

import base64
import hashlib
import os
import struct
from collections.abc import Iterator

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE = 0x81, 0x88

#: A client must mask what it sends; with zeros the payload stays as it is.
NO_MASK = b"\0\0\0\0"


def frame(payload: bytes, *, opcode: int = TEXT, masked: bool = False) -> bytes:
    """One whole frame, final, uncompressed."""
    size, bit = len(payload), 0x80 if masked else 0
    if size < 126:
        head = bytes([opcode, bit | size])
    elif size < 1 << 16:
        head = bytes([opcode, bit | 126]) + struct.pack(">H", size)
    else:
        head = bytes([opcode, bit | 127]) + struct.pack(">Q", size)
    return head + (NO_MASK if masked else b"") + payload


def frames(data: bytes | bytearray) -> Iterator[tuple[int, bytes, int]]:
    """Every complete frame at the start of ``data``: its first byte, its payload, and where it ends."""
    start = 0
    while len(data) >= start + 2:
        size, begin = data[start + 1] & 127, start + 2
        if size >= 126:
            width, code = (2, ">H") if size == 126 else (8, ">Q")
            if len(data) < begin + width:
                return
            (size,) = struct.unpack_from(code, data, begin)
            begin += width
        mask = b""
        if data[start + 1] & 128:
            mask, begin = bytes(data[begin : begin + 4]), begin + 4
        end = begin + size
        if len(data) < end:
            return
        yield data[start], _unmasked(bytes(data[begin:end]), mask), end
        start = end


def request(port: int) -> bytes:
    """A client's opening handshake."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        "GET / HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", "", "",
    )  # fmt: skip
    return "\r\n".join(lines).encode()


def response(head: bytes) -> bytes:
    """A server's answer to the handshake ``head``. Raises ValueError if it has no key."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"sec-websocket-key":
            accept = base64.b64encode(hashlib.sha1(value.strip() + GUID).digest())
            lines = (b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade")
            return b"\r\n".join((*lines, b"Sec-WebSocket-Accept: " + accept, b"", b""))
    raise ValueError("no WebSocket handshake")


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    if not any(mask):
        return payload
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
