# ---
# jupyter:
#   weft:
#     concept: multiprocessing
#     difficulty: medium
#     focus: shared memory, dynamic work, processes that die
#     id: M2
#     minutes: 30-40
#     order: 4
#     title: Distributed prime number calculator
# ---

# %% [markdown]
# # M2 · Distributed prime number calculator
#
# | concept | difficulty | time | focus |
# |---|---|---|---|
# | multiprocessing | medium | 30–40 minutes | shared memory, dynamic work, processes that die |
#
# You count primes with all cores of your machine, and go on counting while somebody kills the workers. The primes are
# the excuse; the shape is that of every long calculation that is cut into pieces: rendering, simulation, search.
#
# Afterwards you can
#
# - hand out work so that nobody waits for the slowest,
# - let processes write results into *shared memory* without a lock, and say why none is needed,
# - notice that a process has died, replace it, and count nothing twice,
# - leave nothing behind: no process, no memory.

# %%
# %load_ext weft

# %% [markdown]
# ## 1 · The problem
#
# A night job searches a range of numbers, cut into 40 segments. The first take little time, the last take much, as in
# every sieve: the larger the numbers, the more there is to cross out. The world below stands in for such segments: each costs
# time that is known, in whichever process works on it.
#
# The obvious plan gives each of four workers a quarter of the range.

# %% nbgrader={"grade": false, "grade_id": "naive", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module naive
"""The obvious plan: as many equal parts as workers."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor


def quarter(work: Callable, part: list[tuple[int, int]]) -> int:
    """One worker's part: its segments, one after the other."""
    return sum(work(start, stop, None) for start, stop in part)


def count_in_four_parts(work: Callable, segments: list[tuple[int, int]]) -> int:
    """Everybody gets as many segments as everybody else."""
    share = len(segments) // 4
    parts = [segments[first : first + share] for first in range(0, len(segments), share)]
    with ProcessPoolExecutor(4) as pool:
        return sum(pool.map(quarter, [work] * len(parts), parts))


def die() -> None:
    """What the kernel does to a process when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


# %%
from naive import count_in_four_parts

from weft.charts import gantt
from weft.notebook import use_world
from weft.worlds.segments_work import floor, rising

world = use_world("segments")
costs = rising(40, total=3.2)
pieces = [(10 * number, 10 * number + 10) for number in range(40)]
count_in_four_parts(world.slow(size=10, costs=costs), pieces)
gantt(world.trace, ideal=floor(costs, workers=4), title="Three workers have gone home; the fourth has the hard part")

# %% [markdown]
# Everybody got ten segments, nobody got the same work. The run is over when the last worker is, and for most of it there was
# one at work. Cutting the parts more cleverly needs to know the costs beforehand; you seldom do.
#
# Now the second problem. One of the workers is killed. That is no rare accident: a kernel that runs out of memory does
# it, and so does a container's limit, or a colleague.

# %%
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from naive import die

with ProcessPoolExecutor(4) as pool:
    work = world.slow(size=10, costs=costs)
    futures = [pool.submit(work, start, stop, None) for start, stop in pieces]
    pool.submit(die)
    try:
        print(sum(future.result() for future in futures))
    except BrokenProcessPool as error:
        finished = sum(future.exception() is None for future in futures)
        print(f"{finished} of {len(pieces)} segments have a result. The pool says: {error}")

# %% [markdown]
# One dead worker ends the pool, and every result that was not there yet is lost with it. The calculator that you build
# hands out one segment at a time, keeps results where a death cannot reach them, and replaces the dead.
#
# ```mermaid
# flowchart LR
#     you["you: run, progress"] --> supervisor["PrimeCalculator"]
#     supervisor -- "who holds what?" --> coordinator["Coordinator, no processes"]
#     supervisor -- "segment number" --> a["worker process"]
#     supervisor -- "segment number" --> b["worker process"]
#     a -- "count → its slot" --> memory[("shared memory, a slot per segment")]
#     b -- "count → its slot" --> memory
#     a -. "done, or dead" .-> supervisor
#     supervisor -- "reads" --> memory
# ```

# %% [markdown]
# ## 2 · What to build
#
# | must have | part |
# |---|---|
# | a segment's primes, exact at every bound | 1 · `sieve` |
# | work handed out dynamically, balanced, and handed out again when a worker dies; progress over all workers | 2 · `coordinator` |
# | results in shared memory; dead workers replaced; nothing left behind | 3 · `supervisor` |
#
# | criterion | points | what is judged |
# |---|---|---|
# | correctness | 40 | π(n) exact; the books add up |
# | concurrency | 30 | which processes were at work when; what a kill does, at any moment |
# | performance | 15 | the time until the last worker is done, beside a plain pool; CPU time beside a plain numpy sieve |
# | quality | 10 | what a reviewer would send back |
# | errors | 5 | what makes no sense is refused, what cannot be done is said |
#
# Each answer cell begins with `%%module NAME`: it is written to `NAME.py` and imported. Here that matters more than
# elsewhere: a worker that is *spawned* is a fresh interpreter, which has to import your functions. What is defined in a
# plain cell does not exist for it.

# %% [markdown]
# ## 3 · Warm-up
#
# A *process* has its own memory. A *pipe* carries objects from one to another, and it ends when the process at the other
# end does: reading from it then raises `EOFError`. That is how you hear of a death.

# %% nbgrader={"grade": false, "grade_id": "warm_up", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module warm_up
"""Functions for processes of their own. They stand in a module, so that any process can import them."""

import os
import signal
import time
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from typing import Any


def greet_and_die(pipe: Connection) -> None:
    """Say something, and be killed."""
    pipe.send(f"I am process {os.getpid()}")
    os.kill(os.getpid(), signal.SIGKILL)


def write_to_slot(name: str, slot: int) -> None:
    """Write into shared memory that somebody else has made."""
    shared: Any = SharedMemory(name)
    with shared.buf.cast("q") as slots:
        slots[slot] = 1000 + slot
    shared.close()


def take_and_die(lock: Any) -> None:
    """Be killed with a lock in one's hands."""
    lock.acquire()
    time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGKILL)


# %%
import multiprocessing

from warm_up import greet_and_die

ours, theirs = multiprocessing.Pipe()
process = multiprocessing.Process(target=greet_and_die, args=(theirs,))
process.start()
theirs.close()  # or we hold the other end open ourselves, and never hear of its end
print(ours.recv())
try:
    ours.recv()
except EOFError:
    process.join()
    print("it is gone; its exit code is", process.exitcode)

# %% [markdown]
# *Shared memory* is a block of bytes that has a name. Whoever knows it can open it; it lives until somebody *unlinks*
# it, also when every process that used it is dead. `cast("q")` makes the bytes look like a list of 64-bit integers.

# %%
from multiprocessing.shared_memory import SharedMemory

from warm_up import write_to_slot

memory = SharedMemory(create=True, size=4 * 8)
writers = [multiprocessing.Process(target=write_to_slot, args=(memory.name, slot)) for slot in range(4)]
for writer in writers:
    writer.start()
for writer in writers:
    writer.join()
with memory.buf.cast("q") as slots:
    print(list(slots[:4]))
memory.close()
memory.unlink()

# %% [markdown]
# Four processes wrote, and none took a lock: each has a slot of its own, and one aligned 64-bit store is never seen half
# done. Who writes the same slot twice writes the same number twice. That is called *idempotent*, and it is worth more than
# a lock. See what a lock does when its owner is killed.

# %%
from warm_up import take_and_die

lock = multiprocessing.Lock()
owner = multiprocessing.Process(target=take_and_die, args=(lock,))
owner.start()
owner.join()
print("the owner is dead; can I have the lock?", lock.acquire(timeout=0.5))

# %% [markdown]
# Nobody will ever release it. `Value`, `Queue` and `Pool` of multiprocessing have such locks inside.
#
# ## 4 · Part 1: one segment
#
# The sieve of Eratosthenes writes down all numbers and crosses out the multiples of each prime. To know the primes between
# `start` and `stop` you need only the primes whose square is less than `stop`, the *base primes*; a segment needs
# nothing from any other segment. That is what lets it run anywhere.
#
# Two bounds are easy to get wrong: the segment ends just before `stop`, and the square of a prime is not a prime.
# Cross out with slices of a numpy array, `flags[first::prime] = False`: one call, a million stores, no loop in Python.

# %% nbgrader={"grade": false, "grade_id": "sieve", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module sieve
"""One segment: how many primes lie in a stretch of the numbers."""

import math
from typing import NamedTuple

import numpy as np

SIZE = 1 << 22  # numbers in a segment, unless you say otherwise


class Segment(NamedTuple):
    """The numbers from ``start`` to just before ``stop``."""

    start: int
    stop: int


def split(n: int, size: int = SIZE) -> list[Segment]:
    """Cut 0 … ``n``, both included, into segments of ``size`` numbers, in order; the last may have fewer."""
    # TODO: after this, each number belongs to exactly one segment.
    ### BEGIN SOLUTION
    return [Segment(start, min(start + size, n + 1)) for start in range(0, n + 1, size)]
    ### END SOLUTION


def base_primes(limit: int) -> np.ndarray:
    """All primes up to ``limit``, which may be one of them, in order, as an array of int64. ``limit`` is at least 1."""
    ### BEGIN SOLUTION
    flags = np.ones(limit + 1, dtype=bool)
    flags[:2] = False
    for number in range(2, math.isqrt(limit) + 1):
        if flags[number]:
            flags[number * number :: number] = False
    return np.flatnonzero(flags)
    ### END SOLUTION


def count_primes(start: int, stop: int, base: np.ndarray) -> int:
    """How many primes there are from ``start`` to just before ``stop``; the two may be the same.

    ``base`` holds all primes whose square is less than ``stop``, in order, and perhaps more.
    """
    # TODO: after this, the count is right for 0, 1 and 2, and for a segment that begins or ends at a prime or its square.
    ### BEGIN SOLUTION
    # Beyond 3, a prime leaves 1 or 5 when it is divided by 6: two sieves, with a flag for every sixth number.
    found = (start <= 2 < stop) + (start <= 3 < stop)
    primes = base[(base > 3) & (base * base < stop)]
    for rest in (1, 5):
        first = max(start, 5) + (rest - max(start, 5)) % 6  # flags[i] stands for first + 6 * i
        flags = np.ones(max(0, stop - first + 5) // 6, dtype=bool)
        factors = np.maximum(primes, -(-first // primes))
        factors += (rest * primes - factors) % 6  # now primes * factors leave that rest: a prime's square leaves 1
        for prime, where in zip(primes.tolist(), ((primes * factors - first) // 6).tolist(), strict=True):
            flags[where::prime] = False
        found += int(np.count_nonzero(flags))
    return found
    ### END SOLUTION


# %% [markdown]
# Try it. There are 25 primes below 100, and 168 below 1000.

# %%
try:
    base = base_primes(31)
    print("primes up to 31:", base.tolist())
    print("below 100:", count_primes(0, 100, base), " from 100 to 1000:", count_primes(100, 1000, base))
    print(split(25, size=10))
except NotImplementedError:
    print("Nothing to try yet: fill in the three functions first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# In the segment from 100 to 200, which is the first multiple of 7 to cross out? And of 13? It is not the same rule.
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# `-(-start // prime) * prime` is the first multiple that is not before `start`. Numbers below the prime's square are crossed
# out by smaller primes, or are the prime itself. [`numpy.count_nonzero`](https://numpy.org/doc/stable/reference/generated/numpy.count_nonzero.html)
# counts what is left.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# One flag for each number of the segment, all true; 0 and 1 are false if they are in it. For each base prime: begin
# at the larger of its square and its first multiple in the segment, less `start`; cross out with a slice. Count. When that works,
# leave the even numbers out: half the memory, half the time.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": false, "grade_id": "drives", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%drives
"""How the checks call your code. Nothing is judged here: each function calls your modules and returns what happened."""

import threading
import time
from pathlib import Path


def cut(n, size):
    """`split(n, size)`"""
    from sieve import split

    return [[segment.start, segment.stop] for segment in split(n, size)]


def count_in(ranges, limit):
    """`count_primes(start, stop, base)`, with `base = base_primes(limit)`"""
    from sieve import base_primes, count_primes

    base = base_primes(limit)
    return [int(count_primes(start, stop, base)) for start, stop in ranges]


def primes_up_to(limits):
    """`base_primes(limit)`"""
    from sieve import base_primes

    return [[int(prime) for prime in base_primes(limit)] for limit in limits]


def keep_books(steps, segments=4, **options):
    """`Coordinator(segments)`, with segments of ten numbers"""
    from coordinator import Coordinator, SegmentError
    from sieve import Segment

    books = Coordinator([Segment(10 * number, 10 * number + 10) for number in range(segments)], **options)
    answers, error = [], None
    try:
        for step, *arguments in steps:
            found = getattr(books, step)(*arguments)
            answers.append(vars(found) if step == "progress" else found)
    except SegmentError as problem:
        error = str(problem)
    return {"answers": answers, "error": error, "over": books.over, "progress": vars(books.progress())}


def both(*works):
    """Run each in a thread of its own, and wait for them."""
    threads = [threading.Thread(target=work, name=work.__name__) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def look_while_it_counts():
    """`progress()` in one thread, while a worker finishes segments in the other"""
    from coordinator import Coordinator
    from sieve import Segment

    books = Coordinator([Segment(10 * number, 10 * number + 10) for number in range(2)])

    def worker():
        for _ in range(2):
            books.take(1)
            books.finish(1, 4)

    def reader():
        now = books.progress()
        told = f"Each segment has 4 primes. progress() says {now.done} done, {now.primes} primes, by {now.by_worker}."
        assert now.primes == 4 * now.done == 4 * sum(now.by_worker.values()), told

    both(worker, reader)


def take_twice():
    """`take` by two workers at once, with one segment left"""
    from coordinator import Coordinator
    from sieve import Segment

    books, taken = Coordinator([Segment(0, 10)]), []

    def first():
        taken.append(books.take(1))

    def second():
        taken.append(books.take(2))

    both(first, second)
    assert sorted(taken, key=str) == [0, None], f"One segment was left; take gave {taken}."


def hand(kind, **options):
    """The `work` for a run: segments that cost time, or your own `count_primes` with somebody at its side."""
    from sieve import count_primes

    from weft.worlds.chaos import ChaosHand
    from weft.worlds.segments_work import Mapped, Slow, Slowed

    log = str(Path("log").resolve())
    if kind == "slow":
        return Slow(log, options["size"], tuple(options["costs"]))
    if kind == "chaos":
        work = Slowed(count_primes, options.get("extra", 0.0))
        kills = tuple((start, step) for start, step in options["kills"])
        return ChaosHand(log, work, kills, options.get("opcodes", False))
    if kind == "mapped":
        return Mapped(log, Slowed(count_primes, 0.02))
    return fails if kind == "fails" else count_primes


def fails(start, stop, base):
    """A segment with a bug in it."""
    raise ArithmeticError(f"no luck with {start}")


def processes_left():
    """What still runs below this process, half a second after; the helpers of multiprocessing itself may stay."""
    import psutil

    def others():
        found = []
        for process in psutil.Process().children(recursive=True):
            try:
                line = " ".join(process.cmdline())
                if process.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in line and "forkserver" not in line:
                    found.append(process.pid)
            except psutil.Error:
                pass
        return found

    for _ in range(50):
        if not others():
            return 0
        time.sleep(0.01)
    return len(others())


def look_on(calculator, seen, over):
    """Note each change of the progress, until it is over."""
    while not over.wait(0.002):
        now = calculator.progress()
        told = [now.done, now.primes, now.segments, sum(now.by_worker.values())]
        if not seen or seen[-1] != told:
            seen.append(told)


def count(n, work="own", watch=False, start_method="fork", **options):
    """`PrimeCalculator(n, …).run()`"""
    from coordinator import SegmentError
    from supervisor import PrimeCalculator

    from weft.worlds.notes import read_notes
    from weft.worlds.segments_memory import watched

    kind = work if isinstance(work, str) else work["kind"]
    given = {} if isinstance(work, str) else {key: value for key, value in work.items() if key != "kind"}
    if kind != "own":
        options["work"] = hand(kind, **given)
    seen, over, facts = [], threading.Event(), {"result": None, "error": None, "progress": None}
    with watched() as ledger:
        try:
            calculator = PrimeCalculator(n, start_method=start_method, **options)
            watcher = threading.Thread(target=look_on, args=(calculator, seen, over))
            if watch:
                watcher.start()
            try:
                facts["result"] = calculator.run()
            finally:
                over.set()
                if watch:
                    watcher.join()
            facts["progress"] = vars(calculator.progress())
        except (SegmentError, ValueError) as problem:
            facts["error"] = f"{type(problem).__name__}: {problem}"
        facts["processes left"] = processes_left()
        facts["memory made"], facts["memory left"] = len(ledger.made), len(ledger.left)
    return {**facts, "seen": seen, "trace": read_notes("log").to_json()}


def count_slow(costs, workers):
    """`PrimeCalculator(n, …).run()` with segments that cost a known time"""
    work = {"kind": "slow", "size": 10, "costs": costs}
    return {"trace": count(10 * len(costs) - 1, work, workers=workers, size=10)["trace"]}


def plain_pool(costs, workers):
    """Nothing of yours: a plain pool on the same segments"""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    from weft.worlds.notes import read_notes

    starts = [10 * number for number in range(len(costs))]
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
        list(pool.map(own_slow(costs), starts, [start + 10 for start in starts], starts))
    return {"trace": read_notes("log").to_json()}


def own_slow(costs):
    """The segments that cost a known time, without the answer's modules."""
    from weft.worlds.segments_work import Slow

    return Slow(str(Path("log").resolve()), 10, tuple(costs))


# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-sieve", "locked": true, "points": 14, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires


def is_prime(number):
    """The slow and certain way."""
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))


@points(3)
def test_segments_cover_everything(answer):
    """Segments cover 0 to n, without a gap or an overlap; the last may be shorter."""
    assert answer.drive(cut, 25, 10) == [[0, 10], [10, 20], [20, 26]]
    assert answer.drive(cut, 29, 10) == [[0, 10], [10, 20], [20, 30]]
    assert answer.drive(cut, 30, 10)[-1] == [30, 31], "n itself belongs to the last segment."


@points(4)
def test_a_segment_is_counted(answer):
    """The primes in a segment are counted exactly, wherever it begins and ends."""
    ranges = [[0, 100], [100, 1000], [1000, 10_000], [500_000, 600_000]]
    assert answer.drive(count_in, ranges, 775) == [25, 143, 1061, 7560]


### BEGIN HIDDEN TESTS
@points(4)
@requires("test_a_segment_is_counted")
def test_bounds(answer):
    """Bounds at 0, 1, 2, at a prime, at its square, even and odd; segments with one number or none."""
    ranges = [[start, stop] for start in range(60) for stop in range(start, 60)]
    ranges += [[start, stop] for start in (119, 120, 121, 122, 127, 168, 169) for stop in (121, 122, 127, 128, 169, 170)]
    ranges = [[start, stop] for start, stop in ranges if start <= stop]
    found = answer.drive(count_in, ranges, 13)
    wrong = [
        (bounds, told) for bounds, told in zip(ranges, found, strict=True) if told != sum(map(is_prime, range(*bounds)))
    ]
    assert not wrong, f"From {wrong[0][0][0]} to before {wrong[0][0][1]} you count {wrong[0][1]}."


@points(3)
@requires("test_a_segment_is_counted")
def test_base_primes(answer):
    """Base primes end with the limit, which may be one itself; a segment far out, at a large prime's square, is exact."""
    limits = [1, 2, 3, 4, 24, 25, 29, 30]
    expected = [[number for number in range(limit + 1) if is_prime(number)] for limit in limits]
    assert answer.drive(primes_up_to, limits) == expected
    square = 999_983**2
    ranges = [[square, square + 1], [square - 1, square + 2], [10**12 - 20_000, 10**12]]
    assert answer.drive(count_in, ranges, 10**6) == [0, 0, FAR_OUT]


FAR_OUT = 709  # primes among the last 20,000 numbers below 10**12, told by primesieve


### END HIDDEN TESTS

# %% [markdown]
# ## 5 · Part 2: the coordinator
#
# Four workers, a few hundred segments. Whoever is free asks for the next: this is called *dynamic scheduling*, and it balances by
# itself, because a slow segment holds up one worker and nobody else. At the end all stop within one segment's time of each
# other.
#
# The price is that somebody has to keep books: what waits, who holds what, what is done. When a worker dies, what it held goes to
# the next who asks. And if the same segment ends one worker after another, then it is not bad luck; such work is
# called *poison*, and to hand it out for ever is to run for ever.
#
# The coordinator starts no process and sends nothing. So you can test it in microseconds. The dashboard reads it from another
# thread, hence the rule: every method may be called from any thread.

# %% nbgrader={"grade": false, "grade_id": "coordinator", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module coordinator
"""Who computes which segment: handed out one at a time, collected, and handed out again if a worker dies."""

import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

from sieve import Segment


class SegmentError(Exception):
    """A segment could not be computed by any worker; the message names it."""


@dataclass(frozen=True)
class Progress:
    """All numbers of one moment."""

    segments: int  # in all
    done: int
    primes: int  # in the segments that are done
    lost: int  # workers that ended before their work was done
    by_worker: dict[int, int]  # worker -> segments it has done, also if it is dead by now


class Coordinator:
    """Keeps the books on ``segments``. Workers are numbers that the caller chooses: process ids, say.

    It starts nothing and waits for nothing. ``progress`` may be called from any thread.
    """

    def __init__(self, segments: Sequence[Segment], attempts: int = 3) -> None:
        # TODO: what must be remembered: what waits, who holds what, how often each segment was tried.
        ### BEGIN SOLUTION
        self._lock = threading.Lock()
        self._segments = segments
        self._attempts = attempts
        self._waiting = deque(range(len(segments)))
        self._held: dict[int, int] = {}
        self._tried: Counter[int] = Counter()
        self._primes: dict[int, int] = {}
        self._by_worker: Counter[int] = Counter()
        self._lost = 0
        ### END SOLUTION

    def take(self, worker: int) -> int | None:
        """Give ``worker`` one segment, and return its number in ``segments``; None if none waits.

        A worker holds at most one. A segment that a dead worker held comes before those that nobody had yet.
        """
        # TODO: after this, no other worker can be given the same segment, unless this one is lost.
        ### BEGIN SOLUTION
        with self._lock:
            if not self._waiting:
                return None
            number = self._waiting.popleft()
            self._held[worker] = number
            self._tried[number] += 1
            return number
        ### END SOLUTION

    def holds(self, worker: int) -> int | None:
        """The number of the segment that ``worker`` holds; None if it holds none."""
        ### BEGIN SOLUTION
        return self._held.get(worker)
        ### END SOLUTION

    def finish(self, worker: int, primes: int) -> None:
        """The segment that ``worker`` holds is done, with so many primes in it; the worker is free for the next."""
        ### BEGIN SOLUTION
        with self._lock:
            self._primes[self._held.pop(worker)] = primes
            self._by_worker[worker] += 1
        ### END SOLUTION

    def lose(self, worker: int) -> None:
        """``worker`` is gone. What it held, if anything, is for the next one that asks.

        Raises SegmentError, which names the segment's start and stop, if it was tried ``attempts`` times by now.
        """
        # TODO: after this, the segment waits in front of all others, or the error says that there is no use in that.
        ### BEGIN SOLUTION
        with self._lock:
            self._lost += 1
            number = self._held.pop(worker, None)
            if number is None:
                return
            if self._tried[number] >= self._attempts:
                start, stop = self._segments[number]
                raise SegmentError(f"the segment from {start} to {stop} has ended {self._tried[number]} workers")
            self._waiting.appendleft(number)
        ### END SOLUTION

    @property
    def over(self) -> bool:
        """Whether every segment is done."""
        ### BEGIN SOLUTION
        return len(self._primes) == len(self._segments)
        ### END SOLUTION

    def progress(self) -> Progress:
        """All numbers, taken at one moment."""
        # TODO: after this, done never goes back, never passes segments, and primes belongs to it.
        ### BEGIN SOLUTION
        with self._lock:
            return Progress(
                segments=len(self._segments),
                done=len(self._primes),
                primes=sum(self._primes.values()),
                lost=self._lost,
                by_worker=dict(self._by_worker),
            )
        ### END SOLUTION


# %% [markdown]
# Try it by hand. Worker 1 dies with a segment in its hands, and worker 2 gets it.

# %%
try:
    books = Coordinator(split(29, size=10))
    print("worker 1 takes", books.take(1), "- worker 2 takes", books.take(2))
    books.lose(1)
    books.finish(2, 4)
    print("worker 2 takes", books.take(2), "-", books.progress())
except NotImplementedError:
    print("Nothing to try yet: fill in Coordinator first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# A worker dies. What do you have to know, to know what is lost? And how often may that happen to one segment?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`collections.deque`](https://docs.python.org/3/library/collections.html#collections.deque) takes from the left and puts back
# on the left. A dictionary from worker to segment is the rest of the books, and a `Counter` tells how often each was tried. One
# `threading.Lock` for all of it.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `take`: nothing waits → None; else pop, remember who holds it, one more try. `finish`: remove from held, keep the
# primes under the segment's number. `lose`: remove from held, if it is there; too many tries → error; else back to the
# front. `progress`: everything from these, under the lock.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-coordinator", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires


@points(3)
def test_each_segment_is_handed_out_once(answer):
    """Each segment is handed out once, to whoever asks; when none waits, the answer is None."""
    steps = [("take", 1), ("take", 2), ("finish", 2, 4), ("take", 2), ("holds", 2), ("holds", 3), ("finish", 1, 3)]
    facts = answer.drive(keep_books, [*steps, ("take", 1), ("take", 3), ("holds", 1)])
    first, second, _, third, held, nothing, _, fourth, none, last = facts["answers"]
    taken = [first, second, third, fourth]
    assert sorted(taken, key=str) == [0, 1, 2, 3], f"Four segments, and workers 1, 2, 2 and 1 take: {taken}."
    assert (held, nothing, none, last) == (third, None, None, fourth)
    assert not facts["over"], "Two segments are done, two are still held."
    told = {name: facts["progress"][name] for name in ("segments", "done", "primes", "lost", "by_worker")}
    wanted = {"segments": 4, "done": 2, "primes": 7, "lost": 0, "by_worker": {"1": 1, "2": 1}}
    assert told == wanted, "Worker 2 has finished a segment with 4 primes, worker 1 one with 3."


@points(3)
@requires("test_each_segment_is_handed_out_once")
def test_what_a_dead_worker_held(answer):
    """What a dead worker held is the next to be handed out, and it counts once."""
    steps = [("take", 1), ("take", 2), ("lose", 1), ("take", 3), ("finish", 3, 4), ("take", 3), ("take", 4), ("take", 5)]
    facts = answer.drive(keep_books, [*steps, ("finish", 2, 4), ("finish", 3, 4), ("finish", 4, 4)])
    lost, _, _, again, *_ = facts["answers"]
    assert again == lost, f"Worker 1 died with segment {lost}; the next worker got {again}."
    assert facts["answers"][7] is None, "Four segments: one was lost and handed out again, and then none waits."
    assert facts["over"]
    told = facts["progress"]["done"], facts["progress"]["primes"], facts["progress"]["lost"]
    assert told == (4, 16, 1), "Four segments of 4 primes are done, and one worker was lost."


### BEGIN HIDDEN TESTS
@points(2)
@requires("test_what_a_dead_worker_held")
def test_an_idle_worker_may_die(answer):
    """A worker that holds nothing may die too; what the dead had done stays done, and stays theirs."""
    steps = [("take", 1), ("finish", 1, 4), ("lose", 1), ("lose", 9), ("take", 2), ("progress",)]
    told = answer.drive(keep_books, steps)["answers"][-1]
    wanted = {"segments": 4, "done": 1, "primes": 4, "lost": 2, "by_worker": {"1": 1}}
    assert told == wanted, "Worker 1 had finished its segment, then it died, and an idle one after it."


@points(2)
@requires("test_what_a_dead_worker_held")
def test_attempts(answer):
    """A segment that ends its workers is tried as often as allowed, not once more; the error names its bounds."""
    for attempts in (1, 3):
        steps = [step for worker in range(9) for step in (("take", worker), ("lose", worker))]
        facts = answer.drive(keep_books, [("take", 99), *steps], attempts=attempts)
        assert facts["error"], f"Nine workers died of one segment, and attempts is {attempts}; nobody said so."
        assert facts["progress"]["lost"] == attempts, f"SegmentError came after {facts['progress']['lost']} workers."
        start = 10 * facts["answers"][1]
        told = f"The segment is {start} to {start + 10}, and the error says: {facts['error']}"
        assert str(start) in facts["error"] and str(start + 10) in facts["error"], told


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-coordinator", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
from weft.judge import points


@points(4)
def test_progress_is_one_moment(answer):
    """What progress says belongs to one moment, also while a worker finishes, in any order of their steps."""
    answer.explore(look_while_it_counts, schedules=120)


### BEGIN HIDDEN TESTS
@points(3)
def test_one_segment_for_two(answer):
    """Two threads ask for the last segment, in any order of their steps: one gets it, the other gets None."""
    answer.explore(take_twice, schedules=120)


### END HIDDEN TESTS

# %% [markdown]
# ## 6 · Part 3: the supervisor
#
# Now the processes. Give each worker a pipe of its own: a number goes to it, a word comes back. Wait for all pipes at
# once with `multiprocessing.connection.wait`; a pipe that ends is a worker that died. Nothing is shared between
# workers but the memory, and there everybody has a slot. So a worker can be killed at any moment, between any two
# steps, and nobody else will notice.
#
# Three questions decide whether the answer stays exact. A worker dies after it has written and before it has told you: is its
# segment done? It dies while it computes: who has the segment now? And when the last segment is done, or nothing can
# be done any more: who unlinks the memory, and who ends the workers that are still there?

# %% nbgrader={"grade": false, "grade_id": "supervisor", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module supervisor
"""Worker processes, the memory that they share, and what happens when one of them dies."""

import contextlib
import math
import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np
from coordinator import Coordinator, Progress
from sieve import SIZE, Segment, base_primes, count_primes, split

EMPTY = -1  # what a slot holds before its segment is done

Work = Callable[[int, int, np.ndarray], int]  # start, stop, base -> primes


class PrimeCalculator:
    """Counts the primes up to ``n``, in segments of ``size`` numbers, with so many ``workers``: processes.

    ``work`` counts one segment; it may kill its process. Each segment is tried at most ``attempts`` times.
    ``start_method`` is "fork", "spawn", "forkserver", or None for what multiprocessing takes by itself.
    Raises ValueError if n is less than 2, or workers, size or attempts less than 1.
    """

    def __init__(
        self,
        n: int,
        *,
        workers: int = 4,
        size: int = SIZE,
        attempts: int = 3,
        work: Work = count_primes,
        start_method: str | None = None,
    ) -> None:
        # TODO: refuse what makes no sense, and say what it was. Nothing is started here.
        ### BEGIN SOLUTION
        for name, value, least in (("n", n, 2), ("workers", workers, 1), ("size", size, 1), ("attempts", attempts, 1)):
            if value < least:
                raise ValueError(f"{name} must be at least {least}, not {value}")
        self.segments = split(n, size)
        self._base = base_primes(math.isqrt(n))
        self._coordinator = Coordinator(self.segments, attempts)
        self._workers = workers
        self._work = work
        self._context: Any = multiprocessing.get_context(start_method)
        self._processes: dict[Connection, BaseProcess] = {}
        ### END SOLUTION

    def progress(self) -> Progress:
        """How far all workers together are. May be called from any thread, while run is under way and after it."""
        ### BEGIN SOLUTION
        return self._coordinator.progress()
        ### END SOLUTION

    def run(self) -> int:
        """Count, and return π(n). Once per calculator.

        Whenever a worker dies before all is done, another takes its place. Raises SegmentError if a segment cannot be
        had. Afterwards, whatever happened, no process of it is left, and no shared memory.
        """
        # TODO: after this, each slot of the shared memory holds its segment's primes, and you return their sum.
        ### BEGIN SOLUTION
        memory: Any = SharedMemory(create=True, size=8 * len(self.segments))
        self._memory = memory
        try:
            with memory.buf.cast("q") as slots:
                for number in range(len(self.segments)):
                    slots[number] = EMPTY
                for _ in range(min(self._workers, len(self.segments))):
                    self._start()
                while not self._coordinator.over:
                    ready = wait(list(self._processes))
                    for pipe in [each for each in self._processes if each in ready]:
                        self._hear(pipe, slots)
                return sum(slots[: len(self.segments)])
        finally:
            self._end()
            self._memory.close()
            self._memory.unlink()

    def _start(self) -> None:
        """Start a worker, and give it a segment."""
        ours, theirs = self._context.Pipe()
        about = (theirs, self._memory.name, self.segments, self._base, self._work)
        process = self._context.Process(target=work_on, args=about, daemon=True)
        process.start()
        theirs.close()  # so that the pipe ends when the worker does
        self._processes[ours] = process
        self._give(ours)

    def _give(self, pipe: Connection) -> None:
        """Give the worker at the other end its next segment, if there is one."""
        number = self._coordinator.take(self._pid(pipe))
        if number is not None:
            with contextlib.suppress(ConnectionError):  # it is dead; we will hear of it
                pipe.send(number)

    def _hear(self, pipe: Connection, slots: memoryview) -> None:
        """A worker has done its segment, or is dead."""
        try:
            pipe.recv()
            alive = True
        except (EOFError, OSError):
            alive = False
        worker = self._pid(pipe)
        number = self._coordinator.holds(worker)
        if number is not None and slots[number] != EMPTY:  # it may have died after it wrote
            self._coordinator.finish(worker, slots[number])
        if alive:
            self._give(pipe)
        elif not self._coordinator.over:
            self._replace(pipe)

    def _replace(self, pipe: Connection) -> None:
        """Bury a dead worker, and start another in its place."""
        process = self._processes.pop(pipe)
        pipe.close()
        process.join()
        self._coordinator.lose(process.pid or 0)
        self._start()

    def _pid(self, pipe: Connection) -> int:
        return self._processes[pipe].pid or 0

    def _end(self) -> None:
        """Leave no process behind."""
        for pipe, process in self._processes.items():
            pipe.close()
            process.kill()
            process.join()
        self._processes.clear()


def work_on(pipe: Connection, memory: str, segments: list[Segment], base: np.ndarray, work: Work) -> None:
    """What a worker does: it is told a number, computes that segment, writes to its slot, says so."""
    shared: Any = SharedMemory(memory)
    with contextlib.suppress(EOFError), shared.buf.cast("q") as slots:  # EOFError: the supervisor has hung up
        while True:
            number = pipe.recv()
            slots[number] = work(segments[number].start, segments[number].stop, base)
            pipe.send(number)
    ### END SOLUTION


# %% [markdown]
# Try it: ten million numbers, twice. In the second run the first worker that gets one of three segments is killed.

# %%
from weft.worlds.chaos import BEFORE

world.reset()
try:
    for work in (count_primes, world.chaos(count_primes, {0: BEFORE, 2_000_000: 1, 5_000_000: 3})):
        calculator = PrimeCalculator(10_000_000, size=500_000, work=work)
        print(f"{calculator.run()} primes; {world.known[10_000_000]} is right.", calculator.progress())
except NotImplementedError:
    print("Nothing to try yet: fill in PrimeCalculator first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# If the slot tells whether its segment is done, what must stand in it before anybody wrote? And which number of primes
# is impossible?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`multiprocessing.connection.wait`](https://docs.python.org/3/library/multiprocessing.html#multiprocessing.connection.wait)
# returns the pipes that have something to say or have ended.
# [`get_context(start_method)`](https://docs.python.org/3/library/multiprocessing.html#multiprocessing.get_context) has `Process` and `Pipe`.
# What a process runs must stand at the top of the module.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# Worker: open the memory by its name; for ever: receive a number, work, write the slot, send the number back.
# `run`: make the memory, all slots EMPTY; start workers, give each a segment; until over: for each pipe that speaks,
# receive (or EOFError). Slot written? finish. Alive? give it the next. Dead? lose, join, start another.
# `finally`: end the workers, close, unlink.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-count", "locked": true, "points": 16, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires
from weft.worlds.segments_work import comb


@points(4)
def test_pi_is_exact(answer, segments):
    """π(n) is exact, with one worker and with four."""
    for n, workers in ((1_000, 1), (1_000_000, 4)):
        facts = answer.drive(count, n, workers=workers, size=n // 9, start_method=None)
        assert facts["result"] == segments.known[n], f"n is {n}, with {workers} workers in segments of {n // 9}."


@points(4)
@requires("test_pi_is_exact")
def test_progress_over_all_workers(answer):
    """Progress rises segment by segment, over all workers, never falls, and ends with everything."""
    work = {"kind": "slow", "size": 10, "costs": comb(30, 0.6)}
    facts = answer.drive(count, 299, work, watch=True, workers=3, size=10)
    assert facts["result"] == sum(range(1, 31)), "run returns the sum of what work found in each segment."
    seen = facts["seen"]
    assert all(done <= total == 30 for done, _, total, _ in seen), "There are 30 segments; progress said otherwise."
    assert seen == sorted(seen), "Progress went back."
    assert len({done for done, *_ in seen}) >= 8, "In half a second progress hardly ever changed."
    last = facts["progress"]
    told = last["done"], last["primes"], sum(last["by_worker"].values())
    wanted = 30, facts["result"], 30
    assert told == wanted, "At the end: segments done, primes, and segments done by all workers together."
    assert len(last["by_worker"]) >= 3, "Three workers did the work; progress knows fewer."


### BEGIN HIDDEN TESTS
@points(4)
@requires("test_pi_is_exact")
def test_awkward_sizes(answer, segments):
    """The least n, primes, squares; one segment for many workers; segments of one number."""
    expected = {2: 1, 3: 2, 4: 2, 48: 15, 49: 15, 50: 15, 7_919: 1_000, 7_920: 1_000}
    for n, primes in expected.items():
        assert answer.drive(count, n, workers=2, size=7 if n < 100 else 977)["result"] == primes, f"n is {n}."
    assert answer.drive(count, 40, workers=3, size=1)["result"] == 12, "n is 40, in segments of one number."
    assert answer.drive(count, 100, workers=4, size=1_000)["result"] == 25, "n is 100, in one segment, with 4 workers."


@points(4)
@requires("test_progress_over_all_workers")
def test_the_books_after_kills(answer, segments):
    """When workers were killed, before and after they wrote, nothing is counted twice and nothing is missing."""
    kills = [[10_000 * number, number // 2 % 4] for number in range(2, 18, 2)]  # steps: lines of the answer's code
    work = {"kind": "chaos", "kills": kills, "extra": 0.002}
    facts = answer.drive(count, 199_999, work, watch=True, workers=3, size=10_000, attempts=9)
    assert facts["result"] == 17_984, "There are 17984 primes below 200000."
    assert all(done <= 20 and total == 20 for done, _, total, _ in facts["seen"]), "Progress passed the end."
    assert facts["seen"] == sorted(facts["seen"]), "Progress went back."
    last = facts["progress"]
    told = last["done"], last["primes"], sum(last["by_worker"].values())
    assert told == (20, 17_984, 20), "At the end: segments done, primes, and segments done by all workers together."
    assert last["lost"] >= 1, "Workers were killed, and progress says that none was lost."


### END HIDDEN TESTS

# %% [markdown]
# Exact when all goes well. The next checks look at the processes: which were at work at once, by the notes that the
# work itself takes in whichever process runs it, and what is left when they are killed. A kill here is real: SIGKILL, which
# no `finally` survives. It comes before a worker's write, after it, and, since the hand that kills counts the steps of your code, at
# each step between.

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-workers", "locked": true, "points": 23, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
from weft.judge import points, requires
from weft.trace import Trace
from weft.worlds.chaos import ALWAYS, BEFORE
from weft.worlds.notes import processes_at_once


@points(3)
def test_as_many_as_told(answer):
    """As many processes as told are at work at once, never more."""
    for workers in (2, 4):
        work = {"kind": "slow", "size": 10, "costs": [0.1] * 4 * workers}
        facts = answer.drive(count, 40 * workers - 1, work, workers=workers, size=10)
        at_once = processes_at_once(Trace.from_json(facts["trace"]))
        assert at_once == workers, f"You were told {workers} workers; {at_once} processes were at work at the same moment."
        assert facts["processes left"] == 0, "run has returned, and processes of it are still there."


@points(3)
@requires("test_as_many_as_told")
def test_results_in_shared_memory(answer):
    """Results are in memory that all workers share, and it is gone when run returns."""
    work = {"kind": "mapped"}
    facts = answer.drive(count, 9_999, work, workers=3, size=1_000, start_method="spawn", deadline=15.0)
    assert facts["memory left"] == 0, "run has returned, and its shared memory is still there."
    trace = Trace.from_json(facts["trace"])
    workers = {event.actor for event in trace.of("enter")}
    notes = trace.of("shares")
    sharing = {name: {note.actor for note in notes if note.subject == name} for name in notes.subjects("shares")}
    assert in_common(sharing, workers), "The workers have no memory in common: none that all of them have opened."


def in_common(sharing, workers):
    """Whether some memory was opened by all workers. Only Linux tells what a process has mapped."""
    import sys

    return sys.platform != "linux" or any(who >= workers for who in sharing.values())


@points(4)
@requires("test_as_many_as_told")
def test_the_dead_are_replaced(answer):
    """All workers are killed before they write; others take their places, and the answer is exact."""
    work = {"kind": "chaos", "kills": [[0, BEFORE], [5_000, BEFORE], [10_000, BEFORE]], "extra": 0.06}
    facts = answer.drive(count, 99_999, work, workers=3, size=5_000)
    assert facts["result"] == 9_592, "There are 9592 primes below 100000."
    trace = Trace.from_json(facts["trace"])
    assert trace.count("kill") == 3, "Three segments kill whoever gets them first; so many workers were killed."
    assert max(trace.subjects("leave").values()) == 1, "A segment that was done was computed again."
    after = trace.between(max(event.time for event in trace.of("kill")), float("inf"))
    assert processes_at_once(after) == 3, "After the kills there were fewer workers at work than before."


### BEGIN HIDDEN TESTS
@points(6)
@requires("test_the_dead_are_replaced")
def test_killed_at_any_step(answer):
    """Workers are killed at each step of your code after a segment is computed: the answer is exact, and nobody waits for the dead."""
    for first, opcodes in ((1, True), (21, True), (1, False)):
        kills = [[2_000 * number, first + number] for number in range(20 if opcodes else 8)]
        work = {"kind": "chaos", "kills": kills, "opcodes": opcodes}
        facts = answer.drive(count, 49_999, work, workers=2, size=2_000, attempts=20)
        assert facts["result"] == 5_133, "There are 5133 primes below 50000."
        assert Trace.from_json(facts["trace"]).count("kill") >= 1
        told = facts["progress"]["done"], facts["progress"]["primes"]
        assert told == (25, 5_133), "At the end, progress tells all 25 segments, and each segment's primes once."
        assert facts["memory left"] == facts["processes left"] == 0, "Shared memory or processes are still there."


@points(3)
@requires("test_the_dead_are_replaced")
def test_poison(answer):
    """A segment that ends every worker ends the run, after so many attempts, with an error that names it; nothing is left behind."""
    work = {"kind": "chaos", "kills": [[30_000, ALWAYS]]}
    facts = answer.drive(count, 99_999, work, workers=3, size=10_000, attempts=3, deadline=5.0)
    told = facts["error"] or "no error"
    assert "SegmentError" in told and "30000" in told and "40000" in told, f"The segment is 30000 to 40000; you said: {told}"
    assert Trace.from_json(facts["trace"]).subjects("enter")["30000"] == 3, "attempts was 3."
    assert facts["memory left"] == 0, "After the error, the shared memory is still there."
    assert facts["processes left"] == 0, "After the error, workers are still there."


@points(4)
@requires("test_the_dead_are_replaced")
def test_start_methods(answer):
    """Fresh interpreters work as well as forked ones: spawn and forkserver, and a worker that is killed."""
    for method in ("spawn", "forkserver"):
        work = {"kind": "chaos", "kills": [[0, BEFORE]]}
        facts = answer.drive(count, 9_999, work, workers=2, size=2_500, start_method=method, deadline=15.0)
        assert facts["result"] == 1_229, f"There are 1229 primes below 10000; the start method is {method}."
        assert facts["memory left"] == facts["processes left"] == 0, "Shared memory or processes are still there."


### END HIDDEN TESTS

# %% [markdown]
# ## 7 · See it run
#
# This module is given. It puts your calculator behind a command, so that `weft run M2 --help` works in a terminal, and
# `weft export M2` writes it all as plain files.

# %% nbgrader={"grade": false, "grade_id": "demo", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module demo
"""The prime calculator as a command, with somebody who kills workers."""

import argparse
import logging
import multiprocessing
import random

from coordinator import Progress
from sieve import count_primes
from supervisor import PrimeCalculator

from weft.notebook.dashboard import View
from weft.worlds.chaos import BEFORE
from weft.worlds.segments import Segments, open_world


def view(progress: Progress) -> View:
    """What the dashboards show of the progress."""
    stats = {
        "segments": f"{progress.done} of {progress.segments}",
        "primes": f"{progress.primes:,}",
        "workers lost": str(progress.lost),
    }
    bars = {"all": (progress.done / progress.segments, f"{100 * progress.done / progress.segments:.0f} %")}
    for worker, done in list(progress.by_worker.items())[-8:]:
        bars[f"process {worker}"] = (done / progress.segments, f"{done} segments")
    return View(stats, bars)


def kill_one() -> None:
    """Kill a worker, whichever it is."""
    workers = multiprocessing.active_children()
    if workers:
        random.choice(workers).kill()


def calculator(world: Segments, n: int, workers: int, kills: int, delay: float) -> PrimeCalculator:
    """A calculator with 100 segments; in so many of them, spread evenly, the first worker is killed."""
    size = n // 100 + 1
    chosen = {size * (100 * number // kills): BEFORE if number % 2 else 2 for number in range(kills)}
    work = world.chaos(world.slowed(count_primes, delay), chosen)
    return PrimeCalculator(n, workers=workers, size=size, work=work, attempts=5)


def main(argv: list[str] | None = None) -> int:
    """Count once; returns 0. What the calculator refuses ends the program with a sentence."""
    parser = argparse.ArgumentParser(prog="weft run M2", description="Count primes while workers are killed.")
    parser.add_argument("--n", type=int, default=100_000_000, help="count the primes up to here (default: 100000000)")
    parser.add_argument("--workers", type=int, default=4, help="processes (default: 4)")
    parser.add_argument("--kills", type=int, default=5, help="how many workers to kill, at most 100 (default: 5)")
    parser.add_argument("--delay", type=float, default=0.05, help="seconds that each segment takes longer (default: 0.05)")
    parser.add_argument("--debug", action="store_true", help="log every kill and replacement, and sum up the trace")
    options = parser.parse_args(argv)
    if options.debug:
        multiprocessing.log_to_stderr(logging.INFO)
    with open_world() as world:
        try:
            counting = calculator(world, options.n, options.workers, options.kills, options.delay)
        except ValueError as problem:
            parser.error(str(problem))
        primes = run(counting, plain=options.debug)
        told = counting.progress()
        print(f"{primes:,} primes up to {options.n:,}, by {len(told.by_worker)} processes; {told.lost} were lost on the way")
        if options.debug:
            trace = world.trace
            print(f"trace: {trace.count('enter')} segments begun, {trace.count('kill')} kills, {trace.span():.2f} s")
    return 0


def run(counting: PrimeCalculator, plain: bool) -> int:
    """Run with a live view, or without one where log lines need the screen."""
    if plain:
        return counting.run()
    from weft.notebook.terminal import run_in_terminal

    return run_in_terminal(counting.run, lambda: view(counting.progress()), {"Kill": kill_one})


# %% [markdown]
# Here it runs behind a dashboard. Press *Kill a worker* as often as you like: one process is gone, another comes,
# and the sum at the end is the same.

# %%
import demo
from IPython.display import display

from weft.notebook import dashboard

world.reset()
try:
    calculator = demo.calculator(world, 30_000_000, workers=4, kills=4, delay=0.15)
    live = dashboard.run(calculator.run, lambda: demo.view(calculator.progress()), {"Kill a worker": demo.kill_one})
    display(live)
except NotImplementedError:
    print("Nothing to see yet: the three parts come first.")

# %% [markdown]
# When it is done, look at who did what: a lane for each process, a cross where one was killed. A new lane begins
# where another ends. (The cell waits for the end; then the buttons above rest.)

# %%
if len(world.trace):
    live.wait(60)
    display(gantt(world.trace))

# %% [markdown]
# Primes become rare, slowly. The prime number theorem says how: near x, about one number in ln x is prime. Your counts
# are the dots.

# %%
from weft.charts import density

if len(world.trace):
    cut_here = split(30_000_000, 30_000_000 // 100 + 1)
    table = base_primes(5_477)
    display(density(cut_here, [count_primes(*segment, table) for segment in cut_here]))

# %% [markdown]
# ## 8 · Explore
#
# How many workers should there be? Move the slider. Each run counts to fifty million; the cell keeps every run that
# you made. Before you move it: how many cores has your machine, and what will the curve do there?

# %%
import os
import time

import ipywidgets

from weft.charts import scaling

runs: dict[int, float] = {}


def explore(workers: int = 1) -> None:
    """Measure once with so many workers, and draw all runs so far."""
    try:
        calculator = PrimeCalculator(50_000_000, workers=workers, size=1_000_000)
        started = time.perf_counter()
        calculator.run()
        runs[workers] = time.perf_counter() - started
    except NotImplementedError:
        print("Nothing to explore yet: the three parts come first.")
        return
    display(scaling(runs, cores=os.cpu_count()))


ipywidgets.interact(explore, workers=ipywidgets.IntSlider(1, 1, 16, description="workers", continuous_update=False));

# %% [markdown]
# The line bends before the cores are used up: starting processes costs time, one core more may share its memory bus or
# even its arithmetic units with another, and the last segment is waited for by all. Make the segments ten times larger, or a
# hundred times smaller, and see which of the three it is.

# %% [markdown]
# ## 9 · Graded checks: performance, quality, errors
#
# Balance is judged on segments that cost a known time: how long you take from the first to the last, beside a plain pool that
# hands out the same segments one by one, in the same run. A slow machine slows both. CPU time is judged beside a flat numpy sieve of the same size, in the same run: what your
# processes use altogether, however long they took.

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "performance-balance", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# %%checks performance
import functools

from weft.judge import points, requires
from weft.judge.yardsticks import paired_ratio
from weft.trace import Trace
from weft.worlds.segments_log import makespan
from weft.worlds.segments_work import comb, rising
from weft.worlds.segments_yardstick import cpu_seconds

N = 30_000_000
SAID = "Your processes together used {:.1f} times the CPU time of a flat numpy sieve."


def time_of(answer, drive, costs):
    """Seconds from the first segment's beginning to the last one's end, with four workers."""
    trace = Trace.from_json(answer.drive(drive, costs, workers=4)["trace"])
    assert trace.count("leave") == len(costs), "Each segment is computed once."
    return makespan(trace)


def assert_balanced(answer, costs, limit):
    """You need at most ``limit`` times as long as a plain pool. If not, it is measured once more: a machine may hiccup."""
    for _ in range(2):
        pool, yours = time_of(answer, plain_pool, costs), time_of(answer, count_slow, costs)
        if yours <= limit * pool:
            return
    assert yours <= limit * pool, f"You took {yours:.2f} s, a plain pool {pool:.2f} s: {yours / pool:.2f} times as long."


def cpu_of(answer, segments):
    """CPU seconds of your processes, all together."""
    facts = answer.drive(count, N, workers=2, deadline=8.0)
    assert facts["result"] == segments.known[N]
    return answer.usage.cpu_seconds


@functools.cache
def ratio(answer, segments):
    """Measured once for both checks: your CPU time over the yardstick's."""
    cpu_seconds(100_000)  # it may have to be imported
    return paired_ratio(lambda: cpu_of(answer, segments), lambda: cpu_seconds(N))


@points(3)
def test_balance_partial(answer):
    """Segments that cost more and more: you need at most 1.5 times as long as a pool that hands them out one by one."""
    assert_balanced(answer, rising(24, 2.4), 1.5)


@points(3)
def test_cpu_partial(answer, segments):
    """To count to thirty million you use at most fifteen times the CPU time of a flat numpy sieve."""
    assert ratio(answer, segments) <= 15, SAID.format(ratio(answer, segments))


### BEGIN HIDDEN TESTS
@points(5)
@requires("test_balance_partial")
def test_balance_full(answer, segments):
    """Whatever the segments cost, you need at most 1.25 times as long as a pool that hands them out one by one."""
    for costs in (rising(28, 2.8), comb(28, 2.4), segments.uneven(28, 2.4)):
        assert_balanced(answer, costs, 1.25)


@points(4)
def test_cpu_full(answer, segments):
    """To count to thirty million you use at most three times the CPU time of a flat numpy sieve."""
    assert ratio(answer, segments) <= 3, SAID.format(ratio(answer, segments))


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "quality-code", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks quality
from weft.judge import points, requires

PARTS = ("sieve", "coordinator", "supervisor")


@points(0)
def test_it_works(answer):
    """A small count works. Code that does not run cannot be reviewed."""
    assert answer.drive(count, 1_000, workers=2, size=100)["result"] == 168


@points(4)
@requires("test_it_works")
def test_no_leftovers(code):
    """Nothing is left over: unused names, unused imports, comparisons that do nothing, mutable defaults."""
    assert code.findings("F", "E7", "B006", "B015", "B018", "B023", only=PARTS) == []


@points(3)
@requires("test_it_works")
def test_short_functions(code):
    """Every function is short enough to be read at once: complexity at most 8, at most 25 statements."""
    assert code.findings("C901", "PLR0915", only=PARTS, complexity=8, statements=25) == []


### BEGIN HIDDEN TESTS
@points(3)
@requires("test_it_works")
def test_no_swallowed_errors(code):
    """No error is swallowed unseen: no bare except, no except that only passes."""
    assert code.findings("E722", "S110", "S112", "SIM105", only=PARTS) == []


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "errors-input", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# %%checks errors
from weft.judge import points, requires


@points(2)
def test_what_makes_no_sense(answer):
    """n below 2, and no workers, are refused with a ValueError that says what it was."""
    for n, options in ((1, {}), (-5, {}), (100, {"workers": 0})):
        told = answer.drive(count, n, **options)["error"] or "no error"
        wrong = options.get("workers", n)
        assert "ValueError" in told and str(wrong) in told, f"n is {n}, options are {options}; you said: {told}"


@points(1)
def test_a_bug_in_the_work(answer):
    """A segment that raises in every worker ends the run with a SegmentError."""
    told = answer.drive(count, 99, {"kind": "fails"}, workers=2, size=50, deadline=5.0)["error"] or "no error"
    assert "SegmentError" in told, f"work raises ArithmeticError; you said: {told}"


### BEGIN HIDDEN TESTS
@points(1)
@requires("test_what_makes_no_sense")
def test_other_numbers_that_make_no_sense(answer):
    """Segments without numbers, no attempts, less than no workers: refused, and nothing was made that would be left."""
    for options in ({"size": 0}, {"size": -1}, {"attempts": 0}, {"workers": -1}):
        facts = answer.drive(count, 100, **options)
        assert "ValueError" in (facts["error"] or "no error"), f"The options are {options}; you said: {facts['error']}"
        assert facts["memory left"] == facts["processes left"] == 0, "Shared memory or processes are still there."


@points(1)
@requires("test_a_bug_in_the_work")
def test_nothing_is_left_after_a_bug(answer):
    """After a bug in the work, no process is left, and no shared memory."""
    facts = answer.drive(count, 99, {"kind": "fails"}, workers=2, size=10, deadline=5.0)
    assert facts["memory left"] == facts["processes left"] == 0, "Shared memory or processes are still there."


### END HIDDEN TESTS

# %% [markdown]
# ## 10 · Afterwards
#
# **Pitfalls.**
# A lock that its owner takes to the grave stops everybody else; queues and pools have locks inside.
# A total that workers add to cannot be repaired after a kill: was it added or not? A slot can be looked at.
# Shared memory outlives its program unless somebody unlinks it, also when the program ends with an error.
# A function from a plain cell cannot reach a spawned worker; `multiprocessing.Pool` then starts workers for ever.
#
# **What professionals use.** For primes, [primesieve](https://github.com/kimwalisch/primesieve), which is C++ with a
# cache-sized segment and wheels, and an order of magnitude faster than numpy. For work in pieces,
# `concurrent.futures.ProcessPoolExecutor` where workers do not die, [joblib](https://joblib.readthedocs.io/) for
# arrays, and a scheduler of processes such as Dask or Ray where they do.
#
# ### Where one machine ends
#
# Shared memory ends at the machine's edge: another machine cannot open it. What goes on working is `count_primes`, because it takes all
# that it needs as arguments and returns a number. [Dask](https://distributed.dask.org) hands such calls to
# processes on as many machines as you have, hands them out again when a worker dies, and gives up on poison
# (`allowed-failures`, three by default). Here its cluster is your own machine; the address of a real one goes into
# `Client("tcp://…")`, and nothing else changes.

# %%
try:
    from distributed import Client, LocalCluster
except ImportError:
    print("Dask is not installed here, so this is left out. To have it: pip install 'weft[cluster]'")
else:
    try:
        starts, stops = zip(*split(20_000_000, size=1_000_000), strict=True)
        base = base_primes(4_472)
        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster, Client(cluster) as client:
            table = client.scatter(base, broadcast=True)
            counts = client.gather(client.map(count_primes, starts, stops, base=table))
            print(f"{sum(counts):,} primes in {len(counts)} segments, by {len(cluster.workers)} workers of a Dask cluster")
    except NotImplementedError:
        print("Nothing to hand to a cluster yet: the first part comes first.")

# %% [markdown]
# The results come back through the network, 8 bytes for a million numbers. If they were arrays, that would be the bottleneck, and
# you would leave them where they are and send the next question there.
#
# **Read on.** [`multiprocessing`](https://docs.python.org/3/library/multiprocessing.html) ·
# [`multiprocessing.shared_memory`](https://docs.python.org/3/library/multiprocessing.shared_memory.html)
#
# **A question to think about.** The supervisor watches the workers. Who watches the supervisor? Kill it with SIGKILL: what happens
# to the memory, to a worker in the middle of a segment, and to one that waits for its pipe to end while its
# siblings still hold the other end?
