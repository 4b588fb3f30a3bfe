"""Judge an answer: write the job down, run the judge in a process of its own, collect its verdicts."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from weft.answer import sandbox as walls
from weft.answer.lift import Lifted
from weft.judge.cells import CheckInfo, checks_of
from weft.judge.verdicts import Evidence, Judgement, Outcome, Verdict

PLAIN = "limits only: bubblewrap is not in use, so the answer could read this user's files"
WALLED = "bubblewrap: private network, read-only system, own processes, unprivileged user"


def judge(
    lifted: Lifted,
    *,
    sandbox: bool = False,
    timeout: float = 300.0,
    report: Callable[[Verdict], None] = lambda verdict: None,
) -> Judgement:
    """Judge the answer modules of ``lifted`` by its check cells.

    ``sandbox`` puts bubblewrap around judge and answer where it works. ``timeout`` is for the whole, in seconds.
    ``report`` is called with each verdict as it falls. A check that the judge could not come to is *broken*.
    Interrupting (KeyboardInterrupt) ends the judge and all that it started.
    """
    started = time.monotonic()
    walled = sandbox and walls.available()
    judgement = Judgement(sandbox=WALLED if walled else PLAIN, notes=list(lifted.notes))
    with _job(lifted, walled) as (folder, expected):
        complaint = _collect(folder, walled, timeout, judgement.verdicts, report)
    judged = {(verdict.cell, verdict.check) for verdict in judgement.verdicts}
    for check in expected:
        if (check.cell, check.check) not in judged:
            judgement.verdicts.append(check.verdict(Outcome.BROKEN, Evidence(message=complaint)))
    judgement.seconds = time.monotonic() - started
    return judgement


@contextlib.contextmanager
def _job(lifted: Lifted, walled: bool) -> Iterator[tuple[Path, list[CheckInfo]]]:
    """The judge's folder: ``modules/`` for the answer's eyes, ``checks/`` and ``job.json`` for the judge's."""
    folder = Path(tempfile.mkdtemp(prefix="weft-"))
    try:
        (folder / "modules").mkdir()
        (folder / "checks").mkdir()
        # The folder itself is closed to other users; the sandbox binds modules/ alone, which any user in it may read.
        (folder / "modules").chmod(0o755)
        for name, source in lifted.modules.items():
            (folder / "modules" / f"{name}.py").write_text(source, encoding="utf-8")
        (folder / "checks" / "drives.py").write_text(lifted.drives, encoding="utf-8")
        cells, expected = {}, []
        for number, cell in enumerate(lifted.cells):
            name = f"checks_{number:02}"
            # The magic line is empty in ``source``: its place is free for the import that gives the cell its drives.
            (folder / "checks" / f"{name}.py").write_text("from drives import *" + cell.source, encoding="utf-8")
            cells[name] = asdict(cell)
            expected += checks_of(cell)
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "job.json").write_text(json.dumps({"walls": walled, "cells": cells}), encoding="utf-8")
        yield folder, expected
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _collect(
    folder: Path, walled: bool, timeout: float, verdicts: list[Verdict], report: Callable[[Verdict], None]
) -> str:
    """Run the judge's process, append its verdicts as they come, and return why it said no more."""
    command = [*(walls.private_network() if walled else []), sys.executable, "-m", "weft.judge", str(folder)]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    with open(folder / "errors.txt", "w+b") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env=environment, start_new_session=True, text=True
        )
        over = threading.Event()

        def give_up() -> None:
            over.set()
            _end(process)

        timer = threading.Timer(timeout, give_up)
        timer.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                verdict = Verdict.from_dict(json.loads(line))
                verdicts.append(verdict)
                report(verdict)
            process.wait()
        except BaseException:
            _end(process)
            raise
        finally:
            timer.cancel()
            process.wait()
        if over.is_set():
            return f"The judge did not finish within {timeout:g} s."
        errors.seek(0)
        return f"The judge ended early.\n{errors.read().decode(errors='replace')[-2000:]}"


def _end(process: subprocess.Popen[str]) -> None:
    """First a signal that lets the judge close its worlds, then, if it does not, one that it cannot refuse."""
    for number, patience in ((signal.SIGINT, 3.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            return
