"""The course's cell magics: ``%%module NAME``, ``%%drives`` and ``%%checks CRITERION [--hidden POINTS]``."""

from __future__ import annotations

import contextlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

from weft.answer.lift import CHECKS_LINE, CheckCell, module_source
from weft.judge import session
from weft.judge.cells import checks_of
from weft.judge.verdicts import CRITERIA, Judgement
from weft.notebook import needs, trouble
from weft.notebook.names import refusal
from weft.notebook.progress_line import ProgressLine
from weft.notebook.result import NotJudged, Partial, Shown, lost_something
from weft.notebook.trouble import Trouble
from weft.notebook.workbench import Workbench, public_names
from weft.record.journal import Journal, challenge_here

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_registered: CourseMagics | None = None


def register(shell: InteractiveShell) -> None:
    """Register the magics with a shell. Loading the extension again keeps the work folder and what is in it."""
    global _registered
    if _registered is None:
        _registered = CourseMagics(shell, Workbench())
    for name in ("module", "drives", "checks"):
        shell.register_magic_function(getattr(_registered, name), "cell", name)


def bench() -> Workbench:
    """The work folder of this kernel. Raises Trouble before the course's magics are there."""
    if _registered is None:
        raise Trouble("Run the cell `%load_ext weft` first.")
    return _registered.bench


class CourseMagics:
    """The magics of one kernel, and the work folder behind them."""

    def __init__(self, shell: InteractiveShell, bench: Workbench) -> None:
        self.shell = shell
        self.bench = bench
        self._given: dict[str, dict[str, object]] = {}

    def module(self, line: str, cell: str) -> None:
        """Write this cell to NAME.py, import it afresh, and put its public names into the notebook."""
        name = line.strip()
        if sentence := refusal(name, self.bench.folder):
            raise Trouble(sentence)
        before = [name, *self.bench.importers(name)]
        for each in before:
            self._take_back(each)
        try:
            outcome = self.bench.run(name, module_source(f"%%module {name}\n{cell}"))
        except KeyboardInterrupt:
            raise Trouble(f"Stopped. `{name}` cannot be imported until this cell runs to its end.") from None
        if outcome.error is not None:
            failure = trouble.of_module(name, outcome.error, self.bench.folder, before[1:])
        else:
            failure = None
            for module in outcome.modules:
                self._give(module)
            self._say(outcome.modules[1:], outcome.failed)
        if failure is not None:
            raise failure  # outside the handler, so that nothing hangs on it as its context

    def drives(self, line: str, cell: str) -> None:
        """Keep this cell's text for the judge; only its syntax is checked here."""
        self.bench.drives = self._plain_python(f"%%drives\n{cell}", "drives")

    def checks(self, line: str, cell: str) -> Any:
        """Judge the answer by the checks of this cell, and show the verdicts."""
        match = CHECKS_LINE.match(f"%%checks {line.strip()}")
        if not match or match.group(1) not in CRITERIA:
            raise Trouble(f"Write `%%checks CRITERION`, where CRITERION is one of {', '.join(CRITERIA)}.")
        self._plain_python(f"%%checks\n{cell}", "checks")
        checks = CheckCell(match.group(1), match.group(1), "\n" + cell, float(match.group(2) or 0))
        if sentence := needs.complaint(checks, self.bench):
            return NotJudged(sentence)
        judgement = self._judge(checks)
        self._note(checks, judgement)
        return self._show(judgement, checks)

    def _note(self, cell: CheckCell, judgement: Judgement) -> None:
        """Keep it for the start page, in a learner's own copy; nobody's checks fail because that cannot be written."""
        if not judgement.broken and (challenge := challenge_here()):
            with contextlib.suppress(OSError):
                modules = self.bench.lifted(cell).modules
                Journal(challenge).note(cell, judgement.earned, judgement.possible, modules)

    def _judge(self, cell: CheckCell) -> Judgement:
        try:
            with ProgressLine(checks_of(cell)) as line:
                return session.judge(self.bench.lifted(cell), report=line)
        except KeyboardInterrupt:
            raise Trouble("Stopped: the judge was ended, and nothing was judged.") from None

    def _show(self, judgement: Judgement, cell: CheckCell) -> Partial | None:
        from IPython.display import display

        if lost_something(judgement):
            return Partial(judgement, cell.criterion, cell.hidden_points)
        display(Shown(judgement, cell.criterion, cell.hidden_points))
        return None

    def _plain_python(self, text: str, name: str) -> str:
        source, error = module_source(text), None
        try:
            compile(source, f"{name}.py", "exec", dont_inherit=True)
        except SyntaxError as problem:
            error = problem
        if error is not None:
            raise trouble.syntax(error)
        return source

    def _give(self, module: ModuleType) -> None:
        names, space = public_names(module), self.shell.user_ns
        self._given[module.__name__] = {
            name: value for name, value in names.items() if name not in space or space[name] is not value
        }
        space.update(names)

    def _take_back(self, name: str) -> None:
        """Remove what an older version gave, unless the notebook has given the name to something else since."""
        for given, value in self._given.pop(name, {}).items():
            if self.shell.user_ns.get(given) is value:
                del self.shell.user_ns[given]

    def _say(self, followed: list[ModuleType], failed: dict[str, BaseException]) -> None:
        if followed:
            print("Imported afresh, because they use it: " + ", ".join(module.__name__ for module in followed))
        for name, error in failed.items():
            told = trouble.in_one_line(error, self.bench.folder)
            print(f"No longer importable, until its own cell runs: {name}. {told}")
