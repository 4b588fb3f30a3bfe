"""Whatever an answer does costs one drive, says why, and leaves the next one clean."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from weft.answer.drive import Host, imported_packages
from weft.answer.messages import Limits, Report, Request

ANSWER = """
import asyncio, os, signal, sys, threading, time

def fine(x): return {"x": x, "tuple": (1, 2), "odd": object}
def wrong(): raise ValueError("no such thing")
def locks():
    lock = threading.Lock()
    lock.acquire()
    threading.Thread(target=wait_for, args=(lock,), name="second").start()
    lock.acquire()
def wait_for(lock):
    with lock:
        pass
async def _never():
    await asyncio.Event().wait()
def task(): asyncio.run(_never())
def in_c(): 10 ** 9 ** 9
def deaf():
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    threading.Event().wait()
def leaves(): os._exit(3)
def exits(): sys.exit("enough")
def kills_host(): os.kill(os.getppid(), signal.SIGKILL); time.sleep(5)
def floods():
    while True: print("x" * 10_000)
def hoards(): return len([bytearray(1 << 20) for _ in range(4_000)])
def big(): return "x" * (2 << 20)
def daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0: time.sleep(60)
        os._exit(0)
def bomb():
    while True:
        try: os.fork()
        except OSError: time.sleep(0.01)
def pool():
    from concurrent.futures import ProcessPoolExecutor
    with ProcessPoolExecutor(2) as pool: return list(pool.map(abs, [-1, 2]))
def spawned():
    import multiprocessing as mp
    from concurrent.futures import ProcessPoolExecutor
    with ProcessPoolExecutor(1, mp.get_context("spawn")) as pool: return pool.submit(double, 21).result()
def double(x): return 2 * x
def pid(): return os.getpid()
def many_files():
    return [open(os.devnull) for _ in range(5_000)]
"""

WAYS = [
    pytest.param((False, "fork"), id="fork"),
    pytest.param((False, "spawn"), id="spawn"),
    pytest.param((True, "fork"), id="bubblewrap", marks=pytest.mark.bubblewrap),
]


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    folder = tmp_path / "modules"
    folder.mkdir(mode=0o755)
    (folder / "ans.py").write_text(ANSWER)
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == os.getuid() and str(parent).startswith("/tmp/"):
            parent.chmod(0o755)
    return folder


@pytest.fixture(params=WAYS)
def host(request: pytest.FixtureRequest, modules: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    walls, start = request.param
    monkeypatch.setenv("WEFT_DRIVE_START", start)
    with Host(modules, walls=walls) as host:
        yield host


def drive(host: Host, call: str, **limits: float) -> Report:
    text = f"def go(*args):\n    import ans\n    return ans.{call}\n"
    return host.drive(Request(text, "go", limits=Limits(**{"deadline": 5.0, **limits})))  # type: ignore[arg-type]


def test_facts_come_back_as_plain_data(host: Host) -> None:
    report = drive(host, "fine(7)")
    assert report.ended == "returned"
    assert report.facts == {"x": 7, "tuple": [1, 2], "odd": "<class 'object'>"}


def test_an_error_names_the_learners_line(host: Host) -> None:
    report = drive(host, "wrong()")
    assert (report.ended, report.error, report.message) == ("raised", "ValueError", "no such thing")
    assert report.frames == ['ans.py:5 def wrong(): raise ValueError("no such thing")']


def test_a_missing_module_is_an_error_of_the_answer(host: Host) -> None:
    report = host.drive(Request("def go():\n    import nowhere_to_be_found\n", "go"))
    assert (report.ended, report.error) == ("raised", "ModuleNotFoundError")


def test_a_deadlock_shows_every_threads_lines(host: Host) -> None:
    report = drive(host, "locks()", deadline=1.0)
    assert report.ended == "hung"
    assert report.stacks["MainThread"][-1].startswith("ans.py:10 lock.acquire()")
    assert "ans.py:12 with lock:" in report.stacks["second"]


def test_a_stuck_task_shows_where_it_waits(host: Host) -> None:
    report = drive(host, "task()", deadline=1.0)
    assert report.ended == "hung"
    (task,) = [lines for name, lines in report.stacks.items() if name.startswith("task")]
    assert task[0] == "ans.py:15 await asyncio.Event().wait()"


@pytest.mark.parametrize("call", ["in_c()", "deaf()"])
def test_a_hang_that_no_python_handler_sees_is_shown_by_faulthandler(host: Host, call: str) -> None:
    report = drive(host, call, deadline=1.0)
    assert report.ended == "hung"
    assert report.seconds < 6
    assert any("ans.py:" in line for lines in report.stacks.values() for line in lines)


@pytest.mark.parametrize(
    ("call", "ended"),
    [
        ("leaves()", "died"),
        ("exits()", "raised"),
        ("kills_host()", "died"),
        ("floods()", "flooded"),
        ("hoards()", "memory"),
        ("big()", "too long"),
        ("many_files()", "raised"),
    ],
)
def test_a_limit_passed_costs_one_drive(host: Host, call: str, ended: str) -> None:
    assert drive(host, call, memory=1 << 28, deadline=8.0).ended == ended
    assert drive(host, "fine(1)").ended == "returned"


def test_a_fork_bomb_is_put_out(host: Host) -> None:
    report = drive(host, "bomb()", deadline=3.0, processes=40)
    assert report.ended in ("processes", "memory")
    assert drive(host, "fine(1)").ended == "returned"


def test_no_process_outlives_its_drive(host: Host) -> None:
    drive(host, "fine(1)")  # by now all of the host is there
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    assert drive(host, "daemon()").left >= 1
    time.sleep(0.05)
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before


def test_processes_can_be_used(host: Host) -> None:
    assert drive(host, "pool()").facts == [1, 2]
    assert drive(host, "spawned()").facts == 42


def test_each_drive_has_a_process_of_its_own(host: Host) -> None:
    assert drive(host, "pid()").facts != drive(host, "pid()").facts


def test_usage_is_reported(host: Host) -> None:
    report = host.drive(Request("def go():\n    return sum(i * i for i in range(3_000_000))\n", "go"))
    assert 0.02 < report.cpu_seconds <= report.seconds + 0.5
    assert report.peak_rss > 1 << 22


@pytest.mark.bubblewrap
def test_behind_walls_there_is_no_course_no_home_and_no_root(modules: Path) -> None:
    text = """
import os, socket
def go(course, home):
    try:
        open("/usr/evil", "w")
    except OSError as error:
        read_only = True
    return {
        "course": os.path.exists(course),
        "home": os.path.isdir(home) and os.listdir(home) != [],
        "root": os.getuid() == 0,
        "read_only": read_only,
        "processes": len([name for name in os.listdir("/proc") if name.isdigit()]),
    }
"""
    course = Path(__file__).parents[2] / "pyproject.toml"
    with Host(modules, walls=True) as host:
        facts = host.drive(Request(text, "go", [str(course), str(Path.home() / ".bashrc")])).facts
    assert facts == {"course": False, "home": False, "root": False, "read_only": True, "processes": facts["processes"]}
    assert facts["processes"] < 6


def test_installed_packages_are_told_from_the_answers_own_modules(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("import two, json\nfrom concurrent.futures import Future\n")
    (tmp_path / "two.py").write_text("import one.x\nthis is no python\n")
    assert imported_packages(tmp_path) == ["concurrent.futures", "json"]
