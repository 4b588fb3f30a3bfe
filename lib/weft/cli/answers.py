"""Where a command finds an answer, and how it is written out as plain files and run."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from weft.layout import LayoutError, read_notebook

if TYPE_CHECKING:
    from weft.answer.lift import Lifted
    from weft.layout import Challenge

#: Seconds that a program which was interrupted has to tidy up.
PATIENCE = 10.0

#: The locked answer module with ``main(argv)`` that every challenge has.
DEMO = "demo"

MAIN = '''"""Run the answer: python {folder} --help"""

import sys

from {demo} import main

if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
'''


def answer_of(challenge: Challenge, reference: bool = False, notebook: str = "") -> Lifted:
    """The learner's own answer, the reference, or the answer in the notebook at that path. Raises LayoutError."""
    from weft.answer.lift import lift

    if reference and notebook:
        raise LayoutError("Give --reference or --notebook, not both.")
    if reference:
        return lift(read_notebook(challenge.source_notebook))
    if not notebook and not challenge.own_notebook.exists():
        raise LayoutError(f"There is no {challenge.own_notebook}. Begin with: weft start {challenge.id}")
    return lift(read_notebook(Path(notebook) if notebook else challenge.own_notebook))


def write_modules(lifted: Lifted, folder: Path) -> list[Path]:
    """Write the answer's modules as files. Raises LayoutError if there is no module to run, or a name is no name."""
    for name in lifted.modules:
        if not name.isidentifier():
            raise LayoutError(f"{name} cannot be the name of a module: write one word in its %%module line.")
    if DEMO not in lifted.modules:
        raise LayoutError(f"The notebook has no module {DEMO}, so there is nothing to run. It was given: put it back.")
    paths = [folder / f"{name}.py" for name in lifted.modules]
    for path, source in zip(paths, lifted.modules.values(), strict=True):
        path.write_text(source, encoding="utf-8")
    return paths


def export(lifted: Lifted, folder: Path) -> list[Path]:
    """Write the modules and a ``__main__.py``. Raises LayoutError if the folder holds anything."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LayoutError(f"{folder} is not an empty folder. Say another with --to, or empty it.")
    folder.mkdir(parents=True, exist_ok=True)
    paths = write_modules(lifted, folder)
    main = folder / "__main__.py"
    main.write_text(MAIN.format(folder=folder.name, demo=DEMO), encoding="utf-8")
    return [*paths, main]


def run_child(command: Sequence[str], environment: Mapping[str, str], folder: Path | None = None) -> int:
    """Run a program that has the terminal, and return its exit code. What ends us ends it, after it has tidied up."""
    child = subprocess.Popen(command, env={**os.environ, **environment}, cwd=folder)
    before = signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    try:
        return _shell_code(child.wait())
    except KeyboardInterrupt:  # the terminal told the child, too
        _wait(child)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _wait(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(PATIENCE)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        child.kill()
        child.wait()


def _shell_code(code: int) -> int:
    """A shell's number for a program that a signal ended."""
    return code if code >= 0 else 128 - code
