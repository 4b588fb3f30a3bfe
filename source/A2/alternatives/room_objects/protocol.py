"""What passes over the wire, checked by the shape of each message."""

import base64
import json
from typing import Any

LONGEST_NAME, LONGEST_TEXT = 24, 2_000
LARGEST_FILE, LARGEST_FRAME = 64 * 1024, 128 * 1024

Message = dict[str, Any]


class Refused(Exception):
    """What a client asks for is not done."""


def is_name(value: Any) -> bool:
    """Letters, digits, _ and -."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and all(c.isalnum() or c in "_-" for c in value)


def is_text(value: Any) -> bool:
    """Not endless."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT


def is_word(value: Any) -> bool:
    """A key or an id."""
    return isinstance(value, str) and len(value) <= 100


def is_seconds(value: Any) -> bool:
    """Up to a day."""
    return type(value) in (int, float) and 0 < value <= 86_400


def is_filename(value: Any) -> bool:
    """Leads nowhere."""
    plain = isinstance(value, str) and 0 < len(value) <= 100 and value.isprintable()
    return plain and value not in (".", "..") and "/" not in value and "\\" not in value


def is_data(value: Any) -> bool:
    """Base64 of not too much."""
    try:
        return len(base64.b64decode(value, validate=True)) <= LARGEST_FILE
    except (ValueError, TypeError):
        return False


SHAPES = {
    "hello": {"name": is_name, "key": is_word},
    "join": {"room": is_name},
    "leave": {"room": is_name},
    "say": {"room": is_name, "text": is_text},
    "tell": {"to": is_name, "text": is_text},
    "typing": {"room": is_name},
    "file": {"room": is_name, "filename": is_filename, "data": is_data},
    "ping": {"id": is_word},
    "kick": {"to": is_name},
    "ban": {"to": is_name},
    "mute": {"to": is_name, "seconds": is_seconds},
    "announce": {"text": is_text},
    "statistics": {},
}


def parse(raw: str | bytes) -> Message:
    """The message in one frame."""
    try:
        found = json.loads(raw) if isinstance(raw, str) else None
    except (ValueError, RecursionError):
        raise Refused("no JSON") from None
    match found:
        case {"type": str(kind), **rest} if kind in SHAPES:
            given = {"key": "", **rest}
            for name, is_good in SHAPES[kind].items():
                if not is_good(given.get(name)):
                    raise Refused(f"{kind}: {name} is missing or wrong")
            return {"type": kind, **{name: given[name] for name in SHAPES[kind]}}
    raise Refused("this is no message")


def encode(message: Message) -> str:
    """A message as it is sent: without spaces, and letters as they are, but for half of a surrogate pair."""
    text = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()
