"""The learner's shelf: ``notebooks/challenges/``, where each challenge that was started has a copy of its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from weft.layout import Challenge, LayoutError


def start(challenge: Challenge) -> Path:
    """Copy the release to the shelf, and return the learner's notebook. Nothing that is there already is overwritten.

    Raises LayoutError if the challenge is neither on the shelf nor released.
    """
    own, release = challenge.own_notebook, challenge.release_notebook
    if own.exists():
        return own
    if not release.exists():
        raise LayoutError(
            f"{challenge.id} is not released yet: an instructor runs `weft release {challenge.id}` first."
        )
    # The notebook comes last: a copy that was cut short still counts as not started, and is completed the next time.
    files = sorted((path for path in release.parent.rglob("*") if path.is_file()), key=lambda path: path == release)
    for path in files:
        _copy(path, own.parent / path.relative_to(release.parent))
    return own


def _copy(source: Path, target: Path) -> None:
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(source, draft)
    draft.replace(target)
