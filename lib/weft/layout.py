"""Where things are: the course's folders and the challenges found in them. Nothing here lists a challenge by name."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARKER = "nbgrader_config.py"


class LayoutError(Exception):
    """A folder, challenge or notebook is not where it should be; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One of ``source/*`` (or, in a copy without sources, of ``release/*``).

    An nbgrader assignment with one notebook.
    """

    id: str
    notebook: str
    root: Path

    @property
    def source(self) -> Path:
        """``source/T1``."""
        return self.root / "source" / self.id

    @property
    def source_notebook(self) -> Path:
        """``source/T1/download_manager.ipynb``."""
        return self.source / f"{self.notebook}.ipynb"

    @property
    def source_text(self) -> Path:
        """``source/T1/download_manager.nb.py``: the same notebook as text, which people read and review."""
        return self.source / f"{self.notebook}.nb.py"

    @property
    def release_notebook(self) -> Path:
        """``release/T1/download_manager.ipynb``."""
        return self.root / "release" / self.id / f"{self.notebook}.ipynb"

    @property
    def own_notebook(self) -> Path:
        """``notebooks/challenges/T1/download_manager.ipynb``: the learner's own copy."""
        return self.root / "notebooks" / "challenges" / self.id / f"{self.notebook}.ipynb"

    def about(self) -> dict[str, Any]:
        """What the notebook says of itself (title, concept, difficulty, minutes, focus) in its ``weft`` metadata."""
        for path in (self.source_notebook, self.release_notebook):
            if path.exists():
                return dict(read_notebook(path).get("metadata", {}).get("weft", {}))
        return {}


@dataclass(frozen=True, slots=True)
class Course:
    """The checkout. ``root`` holds nbgrader_config.py, source/, release/ and the other folders."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Course:
        """The course that ``start`` (this folder, unless said) lies in; ``WEFT_COURSE`` overrides.

        Raises LayoutError.
        """
        if named := os.environ.get("WEFT_COURSE"):
            return cls(Path(named).resolve())
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if (folder / MARKER).exists():
                return cls(folder)
        raise LayoutError(
            f"{here} is not inside a Weft course: no {MARKER} here or above. Change into the course's folder."
        )

    def challenges(self) -> list[Challenge]:
        """All challenges, in the order of their ids."""
        found = {}
        for shelf in ("release", "source"):
            for notebook in sorted((self.root / shelf).glob("*/*.ipynb")):
                found[notebook.parent.name] = Challenge(notebook.parent.name, notebook.stem, self.root)
        return [found[name] for name in sorted(found)]

    def challenge(self, name: str) -> Challenge:
        """The challenge of that id, in any case of letters. Raises LayoutError with those that there are."""
        everything = self.challenges()
        for challenge in everything:
            if challenge.id.lower() == name.lower():
                return challenge
        known = ", ".join(challenge.id for challenge in everything) or "none"
        raise LayoutError(f"There is no challenge {name}. There are: {known}.")


def read_notebook(path: Path) -> dict[str, Any]:
    """A notebook as plain data. Raises LayoutError with a sentence if it is missing or is not a notebook."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LayoutError(f"There is no notebook {path}.") from None
    except (ValueError, OSError) as error:
        raise LayoutError(f"{path} is not a readable notebook: {error}") from None
    if not isinstance(data, dict) or not isinstance(data.get("cells"), list):
        raise LayoutError(f"{path} is not a notebook of format 4: it has no list of cells.")
    return data
