"""The judge's end of a drive: keeps the answer's host, sends it requests, and hands back reports."""

from __future__ import annotations

import ast
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from weft.answer import sandbox
from weft.answer.messages import Report, Request


class Host:
    """The process that starts an answer's processes.

    Use as a context manager; it is started at once and again if it dies.

    ``modules`` is a folder of answer modules that is not changed any more; ``walls`` says whether bubblewrap stands
    around it.
    """

    def __init__(self, modules: Path, *, walls: bool = False) -> None:
        self.modules = modules
        self.walls = walls
        self._scratch = tempfile.mkdtemp(prefix="weft-drives-")
        self._process = self._start()

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def drive(self, request: Request) -> Report:
        """Run one drive and wait for its end.

        An answer that ends its host with it has *died*; the next drive has a new host.
        """
        if self._process.poll() is not None:
            self._process = self._start()
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(request.to_line())
            self._process.stdin.flush()
            return Report.from_line(self._process.stdout.readline())
        except (OSError, ValueError, TypeError):
            self._end()
            self._process = self._start()
            return Report("died", message="it ended the process that started it")

    def close(self) -> None:
        """End the host and all that is below it, and remove what drives left on disk."""
        self._end()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _end(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        # In the middle of a drive it does not read its input; behind walls the signal ends the sandbox with all in it.
        self._process.terminate()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "weft.answer.host",
            str(self.modules),
            *imported_packages(self.modules),
        ]
        wall = sandbox.private_files(self.modules) if self.walls else []
        environment = None if self.walls else os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.Popen(
            [*wall, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=self._scratch
        )


def imported_packages(modules: Path) -> list[str]:
    """The packages that modules in this folder import, without the modules themselves."""
    names: set[str] = set()
    for path in modules.glob("*.py"):
        with contextlib.suppress(SyntaxError, ValueError, OSError):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Import):
                    names.update(alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names.add(node.module)
    own = {path.stem for path in modules.glob("*.py")}
    return sorted(name for name in names if name.split(".")[0] not in own and not name.startswith("-"))
