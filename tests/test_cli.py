"""The weft command: sentences, exit codes, and what it hands on. The judge is a stand-in where it is not the point."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from weft.answer.lift import Lifted
from weft.cli import answers, app, lab, machine
from weft.course.release import release
from weft.course.scaffold import scaffold
from weft.judge import session
from weft.judge.cells import all_checks
from weft.judge.verdicts import Judgement, Outcome
from weft.layout import Course

ROOT = Path(__file__).parents[1]
COMMANDS = (
    "lab", "start", "check", "run", "export", "submit", "release", "grade", "feedback", "report", "new", "notebooks",
    "verify", "doctor",
)  # fmt: skip

Weft = Callable[..., Result]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with one scaffolded challenge, released."""
    root = tmp_path_factory.mktemp("made")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    scaffold(Course(root), "X1", title="Crew")
    release(Course(root), database=False)
    return root


@pytest.fixture
def course(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    """A copy of it, the current folder."""
    shutil.copytree(made, tmp_path / "course")
    monkeypatch.delenv("WEFT_COURSE", raising=False)
    monkeypatch.delenv("WEFT_DEBUG", raising=False)
    monkeypatch.chdir(tmp_path / "course")
    return Course(tmp_path / "course")


@pytest.fixture
def weft() -> Weft:
    """Run the command in this process."""
    return lambda *words: CliRunner(env={"COLUMNS": "200", "TERM": "dumb"}).invoke(app, words)


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Outcome]:
    """A stand-in for the judge: checks pass but for those named here."""
    wanted: dict[str, Outcome] = {}

    def judge(lifted: Lifted, **_: Any) -> Judgement:
        checks = all_checks(lifted.cells)
        return Judgement([check.verdict(wanted.get(check.check, Outcome.PASS)) for check in checks])

    monkeypatch.setattr(session, "judge", judge)
    return wanted


def plain(text: str) -> str:
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split())


def test_help_lists_every_command_and_the_exit_codes(weft: Weft) -> None:
    result = weft("--help")
    assert result.exit_code == 0
    assert all(re.search(rf"^\W*{name} ", result.output, re.MULTILINE) for name in COMMANDS)
    assert all(f" {code} " in plain(result.output) for code in (0, 1, 2, 3, 130))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(weft: Weft, name: str) -> None:
    result = weft(name, "--help")
    assert result.exit_code == 0
    assert f"Example: weft {name}" in plain(result.output)


def test_help_imports_nothing_that_is_slow() -> None:
    slow = "nbgrader", "pytest", "jupytext", "nbformat", "pandas", "numpy", "matplotlib", "IPython", "jupyterlab"
    code = f"import sys, weft.cli; print([name for name in {slow} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_start_puts_a_challenge_on_the_shelf_once(weft: Weft, course: Course) -> None:
    assert "X1 is on your shelf: notebooks/challenges/X1/crew.ipynb" in weft("start", "x1").output
    own = course.challenge("X1").own_notebook
    own.write_text(own.read_text() + "\n")
    before = own.read_text()
    result = weft("start", "X1")
    assert result.exit_code == 0 and "already" in result.output and own.read_text() == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["start", "Q9"], "There is no challenge Q9. There are: X1."),
        (["check", "X1"], "Begin with: weft start X1"),
        (["check", "X1", "--reference", "--criterion", "style"], "There is no criterion style."),
        (["check", "X1", "--reference", "--notebook", "a.ipynb"], "not both"),
        (["check", "X1", "--notebook", "nbgrader_config.py"], "is not a readable notebook"),
        (["run", "X1"], "Begin with: weft start X1"),
        (["submit", "X1", "--as", "ann"], "Begin with: weft start X1"),
        (["submit", "X1", "--as", "../x"], "cannot be a student's name"),
        (["grade", "X1", "--student", "bob"], "bob has handed in nothing for X1"),
        (["new", "X1", "--title", "Again"], "X1 is taken."),
        (["new", "x", "--title", "Again"], "'x' cannot be a challenge's id"),
        (["release", "Q9"], "There is no challenge Q9."),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_code_2(
    weft: Weft, course: Course, words: list[str], sentence: str
) -> None:
    result = weft(*words)
    assert result.exit_code == 2
    assert sentence in result.stderr and "Traceback" not in result.output
    assert len(result.stderr.strip().splitlines()) == 1 and result.stdout == ""


def test_outside_of_a_course_it_says_so(weft: Weft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEFT_COURSE", raising=False)
    monkeypatch.chdir(tmp_path)
    result = weft("check", "X1")
    assert result.exit_code == 2 and "is not inside a Weft course" in result.stderr


@pytest.mark.parametrize(
    "words", [["nonsense"], ["start"], ["start", "X1", "--nonsense"], ["grade", "X1", "--workers", "0"]]
)
def test_wrong_usage_is_exit_code_2(weft: Weft, course: Course, words: list[str]) -> None:
    assert weft(*words).exit_code == 2


def test_our_own_failure_is_exit_code_3(weft: Weft, course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr(session, "judge", fail)
    result = weft("check", "X1", "--reference")
    assert result.exit_code == 3
    assert result.stderr.startswith("weft itself broke (ZeroDivisionError: inside).")
    monkeypatch.setenv("WEFT_DEBUG", "1")
    assert isinstance(weft("check", "X1", "--reference").exception, ZeroDivisionError)


def test_an_interrupt_is_one_sentence_and_exit_code_130(
    weft: Weft, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "judge", stop)
    result = weft("check", "X1", "--reference")
    assert (result.exit_code, result.stderr.strip()) == (130, "Stopped.")


@pytest.mark.parametrize(
    ("outcome", "code"), [(Outcome.PASS, 0), (Outcome.FAIL, 1), (Outcome.NOT_RUN, 1), (Outcome.BROKEN, 3)]
)
def test_check_s_exit_code_is_its_verdict(
    weft: Weft, course: Course, outcomes: dict[str, Outcome], outcome: Outcome, code: int
) -> None:
    outcomes["test_three_run_at_once"] = outcome
    assert weft("check", "X1", "--reference").exit_code == code


def test_check_judges_visible_checks_alone(weft: Weft, course: Course, outcomes: dict[str, Outcome]) -> None:
    weft("start", "X1")
    for words in ([], ["--reference"], ["--notebook", "release/X1/crew.ipynb"]):
        output = plain(weft("check", "X1", *words).output)
        assert "70 / 70 visible points · 30 more are judged at grading" in output
        assert "two results" not in output


def test_check_of_one_criterion(weft: Weft, course: Course, outcomes: dict[str, Outcome]) -> None:
    output = plain(weft("check", "X1", "--reference", "--criterion", "errors").output)
    assert output.startswith("Errors 5 / 5 points") and "Results stand" not in output


def test_check_with_the_real_judge(weft: Weft, course: Course) -> None:
    weft("start", "X1")
    failed = weft("check", "X1", "--criterion", "errors")
    assert failed.exit_code == 1 and "NotImplementedError" in failed.output
    assert weft("check", "X1", "--criterion", "errors", "--reference").exit_code == 0


def in_terminal(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command as a program."""
    return subprocess.run([sys.executable, "-m", "weft.cli", *words], capture_output=True, text=True, **options)


def test_run_hands_arguments_on_to_the_answer(course: Course) -> None:
    told = in_terminal("run", "X1", "--reference", "--calls", "3", "--debug")
    assert told.returncode == 0 and told.stdout.startswith("3 calls in ")
    assert "call 2 ends" in told.stderr
    assert "usage: weft run X1" in in_terminal("run", "X1", "--reference", "--help").stdout
    assert in_terminal("run", "X1", "--reference", "--calls", "x").returncode == 2


def test_run_is_not_fooled_by_files_of_the_present_folder(course: Course) -> None:
    (course.root / "crew.py").write_text("raise SystemExit(9)\n")
    assert in_terminal("run", "X1", "--reference").returncode == 0


def test_an_interrupted_run_ends_cleanly(course: Course) -> None:
    words = [sys.executable, "-m", "weft.cli", "run", "X1", "--reference", "--calls", "40", "--limit", "1", "--debug"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "call 0 begins" in line:
            break
    os.killpg(process.pid, signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait(20) == 130
    assert rest.endswith("Stopped.\n") and "Traceback" not in rest


def test_what_ends_weft_ends_the_program_that_it_runs(tmp_path: Path) -> None:
    code = (
        "import sys; from weft.cli.answers import run_child; "
        "sys.exit(run_child([sys.executable, '-c', 'import time; print(1, flush=True); time.sleep(60)'], {}))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "1\n"
    process.terminate()
    assert process.wait(10) == 128 + signal.SIGTERM
    assert process.stdout.read() == ""  # nobody holds the pipe open any more


def test_export_writes_what_runs_and_overwrites_nothing(weft: Weft, course: Course, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert weft("export", "X1", "--reference", "--to", str(folder)).exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["__main__.py", "crew.py", "demo.py"]
    done = subprocess.run([sys.executable, str(folder), "--calls", "2"], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.startswith("2 calls in ")
    (folder / "crew.py").write_text("mine")
    again = weft("export", "X1", "--reference", "--to", str(folder))
    assert again.exit_code == 2 and "not an empty folder" in again.stderr
    assert (folder / "crew.py").read_text() == "mine"


@pytest.mark.parametrize("name", ["../evil", "a b"])
def test_a_module_s_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    from weft.layout import LayoutError

    with pytest.raises(LayoutError):
        answers.export(Lifted(modules={"demo": "", name: ""}), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_release_says_whether_it_is_up_to_date(weft: Weft, course: Course) -> None:
    assert weft("release", "--check").exit_code == 0
    notebook = course.challenge("X1").source_notebook
    notebook.write_text(notebook.read_text().replace("Twenty", "Twice"))
    told = weft("release", "--check", "X1")
    assert told.exit_code == 1 and "release/X1/crew.ipynb is not what source/X1 generates." in told.output
    assert weft("release", "X1", "--no-db").output == "Released: X1.\n"
    assert weft("release", "--check").exit_code == 0


def test_notebooks_says_whether_they_are_in_step(weft: Weft, course: Course) -> None:
    assert weft("notebooks", "--check").exit_code == 0
    text = course.challenge("X1").source_text
    text.write_text(text.read_text().replace("Twenty", "Twice"))
    assert weft("notebooks", "--check").exit_code == 1
    assert weft("notebooks").exit_code == 0
    assert weft("notebooks", "--check").exit_code == 0


def test_new_is_told_how_to_go_on(weft: Weft, course: Course) -> None:
    result = weft("new", "Z3", "--title", "Counter", "--concept", "asyncio")
    assert result.exit_code == 0 and "weft verify Z3" in result.output
    assert course.challenge("Z3").about()["concept"] == "asyncio"


@pytest.mark.parametrize(
    ("outcome", "code", "said"),
    [(Outcome.FAIL, 1, "Reference reference earns 80 of 100"), (Outcome.BROKEN, 3, "could not be judged")],
)
def test_verify_fails_or_breaks(
    weft: Weft, course: Course, outcomes: dict[str, Outcome], outcome: Outcome, code: int, said: str
) -> None:
    outcomes["test_three_run_at_once"] = outcome
    result = weft("verify", "X1")
    assert result.exit_code == code and said in result.output


def test_a_class_from_handing_in_to_marks(weft: Weft, course: Course, outcomes: dict[str, Outcome]) -> None:
    assert weft("release", "X1").exit_code == 0
    weft("start", "X1")
    assert "X1 was handed in for ann" in weft("submit", "X1", "--as", "ann").output
    assert "It replaces the one from" in weft("submit", "X1", "--as", "ann").output
    assert weft("grade", "X1", "--workers", "1").output.startswith("X1: 1 graded.")
    assert weft("grade", "X1").output.startswith("X1: 1 unchanged.")
    assert weft("feedback", "X1").output == "feedback/ann/X1/crew.html\n"
    assert re.search(r"X1 │ ann +│ +40 │ +30 │ +15 │ +10 │ +5 │ +100 ", weft("report", "X1").output)
    assert weft("report", "--csv", "marks.csv").exit_code == 0
    assert weft("report", "--csv", "-").stdout == (course.root / "marks.csv").read_text()
    assert "X1,ann,40,30,15,10,5,100,100" in (course.root / "marks.csv").read_text()


def test_a_submission_without_points_is_exit_code_1(
    weft: Weft, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    from weft.gradebook import grading

    monkeypatch.setattr(grading, "grade", lambda *_, **__: [grading.Graded("ann", "by hand", "nbgrader refused it.")])
    result = weft("grade", "X1")
    assert result.exit_code == 1 and "ann has no points yet: nbgrader refused it." in result.output
    monkeypatch.setattr(grading, "grade", lambda *_, **__: [])
    assert weft("grade", "X1").output == "Nobody has handed in X1.\n"


def test_lab_listens_here_alone_on_the_shelf_and_passes_the_rest_on(
    weft: Weft, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[Any] = []
    monkeypatch.setattr(answers, "run_child", lambda *args: ran.append(args) or 0)
    (course.root / "notebooks").mkdir()
    (course.root / "notebooks" / lab.START_PAGE).write_text("{}")
    assert weft("lab", "--no-browser", "--port", "8899").exit_code == 0
    (command, environment, folder) = ran[0]
    assert command[1:3] == ["-m", "jupyterlab"] and command[-3:] == ["--no-browser", "--port", "8899"]
    assert "--ServerApp.ip=127.0.0.1" in command
    assert f"--ServerApp.root_dir={course.root / 'notebooks'}" in command
    assert "--LabApp.default_url=/lab/tree/start_here.ipynb" in command
    assert folder == course.root, "nbgrader's extensions read nbgrader_config.py from the present folder"
    assert environment["PATH"].startswith(str(Path(sys.executable).parent))


def test_doctor_names_what_is_there_and_what_for(weft: Weft, course: Course) -> None:
    result = weft("doctor")
    assert result.exit_code == 0
    for what in ("Python", "packages", "pinned versions", "spawn a process", "shared memory", "bubblewrap", "chromium"):
        assert what in result.output


def test_doctor_finds_what_is_missing(weft: Weft, course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.importlib.metadata, "requires", lambda _: ["no-such-package>=1", "rich>=999"])
    result = weft("doctor")
    assert result.exit_code == 1 and "Needed and not in order: packages." in result.stderr
    assert "no-such-package is missing; rich" in plain(result.output)


def test_doctor_compares_with_constraints(course: Course) -> None:
    (course.root / "constraints.txt").write_text("rich==0.1\nno-such-package==1\n")
    found = machine.pins()
    assert not found.good and found.found.startswith("rich ") and found.found.endswith("not 0.1")


def test_doctor_does_not_believe_a_bwrap_that_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from weft.answer import sandbox

    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    getattr(sandbox.available, "cache_clear", lambda: None)()
    try:
        assert "may not start a sandbox" in machine.bubblewrap().found
    finally:
        getattr(sandbox.available, "cache_clear", lambda: None)()


def test_a_python_with_a_lock_is_not_taken_for_one_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_NOGIL_PYTHON", sys.executable)
    monkeypatch.setenv("PATH", "")
    assert not machine.free_threaded().good
