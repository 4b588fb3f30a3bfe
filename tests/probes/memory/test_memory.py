"""Memory: peaks of known size are told, of children too; what Python allocated, to the byte; the wall."""

from __future__ import annotations

import contextlib
import json
import mmap
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from weft.probes.family import Family
from weft.probes.memory import TreePeak, allocations, sizes, tree, tree_peak, wall
from weft.probes.memory.sampling import MOST, Sampler
from weft.probes.outside import Helper

MIB = 1 << 20
FORK = multiprocessing.get_context("fork")


def hold(size: int, until: Callable[[], Any]) -> None:
    """Use ``size`` bytes until that returns."""
    block = bytearray(b"x") * size
    until()
    del block


def in_children(count: int, size: int, seconds: float) -> None:
    """They all have their memory before the clock begins: a busy machine starts them when it can."""
    ready = FORK.Barrier(count + 1)

    def work() -> None:
        hold(size, lambda: (ready.wait(60), time.sleep(seconds)))

    workers = [FORK.Process(target=work) for _ in range(count)]
    for worker in workers:
        worker.start()
    ready.wait(60)
    for worker in workers:
        worker.join()


def others(peak: TreePeak) -> int:
    """Children that were here before: multiprocessing keeps some when other tests have used it."""
    return peak.series[0][2] - 1


def test_the_peak_of_one_process_is_told() -> None:
    with tree_peak() as peak:
        hold(64 * MIB, lambda: time.sleep(0.5))
    assert 60 * MIB < peak.growth < 70 * MIB
    assert peak.own_peak is not None and peak.own_peak > 64 * MIB
    assert (peak.processes - others(peak), peak.measure) == (1, "PSS") and "1/n" in peak.note


def test_children_count() -> None:
    with tree_peak() as peak:
        in_children(3, 32 * MIB, 1.0)
    assert 94 * MIB < peak.growth < 125 * MIB  # each has an interpreter's own pages as well
    assert peak.processes - others(peak) == 4


def test_what_processes_share_counts_once() -> None:
    shared = bytearray(b"x") * (100 * MIB)
    with tree_peak() as peak:
        in_children(3, 1, 1.0)
    assert peak.processes - others(peak) == 4 and peak.growth < 50 * MIB
    del shared


def test_a_peak_between_two_samples_is_in_the_own_peak() -> None:
    before = psutil.Process().memory_info().rss  # of this process alone, as the own peak is: the base is the tree's
    with tree_peak(every=30) as peak:
        hold(64 * MIB, lambda: None)
    assert peak.growth < 20 * MIB
    assert peak.own_peak is not None and peak.own_peak - before > 60 * MIB


def test_memory_from_before_is_no_peak() -> None:
    hold(100 * MIB, lambda: None)
    before = psutil.Process().memory_info().rss
    with tree_peak() as peak:
        time.sleep(0.2)
    assert peak.growth < 10 * MIB and peak.own_peak is not None and peak.own_peak - before < 60 * MIB


def test_without_pss_it_falls_back_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(path: str, name: str) -> int:
        if name == "Pss:":
            raise PermissionError(path)
        return real(path, name)

    real = sizes.kilobytes
    monkeypatch.setattr(sizes, "kilobytes", none)
    sampler = Sampler(os.getpid())
    sampler.look()
    found = tree.TreePeak()
    tree._fill(found, sampler.found(), 0.0)
    assert found.measure == "RSS" and "counts n times" in found.note and found.peak > MIB


def test_samples_are_halved_and_the_highest_stays() -> None:
    sampler = Sampler(os.getpid())
    sampler.rows = [(float(n), 7 * (n == 501), 1) for n in range(MOST)]
    sampler.look()
    assert len(sampler.rows) <= MOST // 2 + 1 and 7 in [row[1] for row in sampler.rows]


def test_it_uses_no_thread_and_no_child_here() -> None:
    threads, before = threading.active_count(), Family(os.getpid()).members()
    with tree_peak():
        assert threading.active_count() == threads
        assert Family(os.getpid()).members() == before


def test_it_ends_with_the_block_also_when_that_raises() -> None:
    before = os.listdir("/dev/fd")
    with contextlib.suppress(KeyError), tree_peak() as peak:
        raise KeyError
    assert peak.samples >= 2 and os.listdir("/dev/fd") == before


def test_the_sampler_does_not_outlive_the_process_that_it_watches() -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        Helper("weft.probes.memory.sampling", {"every": 0.01})
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    assert not running_samplers(f"'pid': {child}")
    os.close(read)


def running_samplers(words: str) -> list[str]:
    """Those still there after a while; a busy machine takes its time."""
    for _ in range(200):
        found = [pid for pid in os.listdir("/proc") if pid.isdigit() and words in command(pid)]
        if not found:
            break
        time.sleep(0.05)
    return found


def command(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def test_the_peak_travels_as_json() -> None:
    with tree_peak() as peak:
        pass
    row = json.loads(json.dumps(peak.to_json()))
    assert row["growth"] == row["peak"] - row["base"] and len(row["series"][0]) == 3
    assert "series" not in peak.to_json(series=False)


#: In a process of its own, as a drive is: in one that has run a thousand tests, others free and allocate meanwhile.
MEASURED = """
import json
from weft.probes.memory import allocations

def measured():
    with allocations(lines=False) as found:
        kept = bytearray(10 << 20)
        block = bytearray(30 << 20)
        del block
    return found.peak, found.left if kept else 0

measured()
print(json.dumps([measured(), measured()]))
"""


def alone(program: str) -> Any:
    """What the program prints as JSON."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def test_allocations_are_exact_and_the_same_every_time() -> None:
    first, again = alone(MEASURED)
    assert first == again
    assert 40 * MIB <= first[0] < 71 * MIB and 10 * MIB <= first[1] < 10 * MIB + 4096


def test_the_lines_say_who_holds_it() -> None:
    with allocations() as found:
        kept = [bytearray(1000) for _ in range(1000)]
    assert found.lines[0][0].startswith("test_memory.py:") and found.lines[0][1] > 1_000_000
    assert len(kept) == 1000 and not tracemalloc.is_tracing()


def test_tracing_that_was_on_stays_on() -> None:
    tracemalloc.start()
    try:
        with allocations():
            pass
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


GROWING = """
import json
from weft.probes.memory import after_each

kept, cache = [], {}
leak = after_each(lambda: kept.append(bytearray(10_000)), 6)
plateau = after_each(lambda: cache.setdefault(7, bytearray(10_000)), 6)
print(json.dumps([leak, plateau]))
"""


def test_a_leak_grows_and_a_cache_does_not() -> None:
    leak, plateau = alone(GROWING)
    assert leak[-1] > 49_000 and leak == sorted(leak)
    assert max(plateau) < 1000


def test_who_runs_into_the_wall_gets_a_memory_error_and_goes_on() -> None:
    with pytest.raises(MemoryError), wall(32 * MIB) as found:
        bytearray(64 * MIB)
    assert found.hit and found.works and found.limit - found.before == 32 * MIB
    assert len(bytearray(64 * MIB)) == 64 * MIB


def test_the_wall_lets_small_things_threads_and_mapped_files_be() -> None:
    with open(__file__, "rb") as file, wall(32 * MIB) as found:
        thread = threading.Thread(target=bytearray, args=(4 * MIB,))
        thread.start()
        thread.join()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert mapped[:3] == b'"""'
    assert not found.hit and json.loads(json.dumps(found.to_json()))["works"]


def test_children_inherit_the_wall() -> None:
    with wall(32 * MIB):
        child = FORK.Process(target=raises_memory_error)
        child.start()
        child.join()
    assert child.exitcode == 7


def raises_memory_error() -> None:
    try:
        bytearray(100 * MIB)
    except MemoryError:
        os._exit(7)


def test_without_such_a_limit_nothing_is_limited_and_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["weft.probes.memory.wall"], "LINUX", False)
    with wall(MIB) as found:
        bytearray(8 * MIB)
    assert (found.works, found.hit) == (False, False) and "nothing was limited" in found.note


def test_measures_the_same_on_another_python(run_elsewhere: Callable[[Path], str]) -> None:
    found = json.loads(run_elsewhere(Path(__file__).with_name("measuring_cases.py")))
    assert len(found) == 5 and all(found.values()), found
