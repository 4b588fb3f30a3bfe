"""Judgements by what was judged: the same answer, checks, weft and platform are never judged twice."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import weft
from weft.answer.lift import Lifted
from weft.judge.verdicts import Judgement

#: Where a course keeps its judgements, below its root.
FOLDER = Path(".weft") / "judgements"


@functools.cache
def package_digest() -> str:
    """SHA-256 of this weft's own source files, in hex: what an edited judge would decide may differ."""
    digest = hashlib.sha256()
    root = Path(weft.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def key_of(lifted: Lifted) -> str:
    """What decides a judgement, as 64 hex digits: modules in order, drives, check cells, weft, Python, platform."""
    decides = {
        "modules": list(lifted.modules.items()),
        "drives": lifted.drives,
        "cells": [asdict(cell) for cell in lifted.cells],
        "weft": package_digest(),
        "python": [sys.implementation.name, sys.version],
        "platform": platform.platform(),
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


class JudgementStore:
    """A folder of judgements, one JSON file each. Safe for many processes at once: files appear whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        """Where the judgement of that key is or would be."""
        return self.folder / key[:2] / f"{key}.json"

    def get(self, key: str) -> Judgement | None:
        """The judgement of that key, or None if there is none or its file is damaged."""
        try:
            return Judgement.from_json(self.path(key).read_bytes())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def put(self, key: str, judgement: Judgement) -> None:
        """Keep a judgement, unless a check is broken: that one is to be tried again."""
        if judgement.broken:
            return
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(judgement.to_json())
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
