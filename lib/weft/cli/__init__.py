"""The ``weft`` command. Its commands import what they need when they run, so that ``weft --help`` is quick."""

from __future__ import annotations

import typer

from weft.cli import author, doctor, instructor, learner, progress
from weft.cli.endings import WeftGroup

ABOUT = """Weft: a notebook course on Python concurrency, and its grader.

Learners use lab, start, check, run, export, submit, progress and certificate; instructors release, grade, feedback and
report; authors new, notebooks and verify. doctor looks at this machine.

Exit codes: 0 all is well; 1 something that was asked about is not so (checks failed, files out of step, a submission
without points); 2 it could not be done, and a sentence says why; 3 weft or the judge broke; 130 you stopped it.
"""

app = typer.Typer(
    name="weft",
    help=ABOUT,
    epilog="Example: weft start T1",
    cls=WeftGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for module in (learner, progress, instructor, author, doctor):
    module.register(app)
