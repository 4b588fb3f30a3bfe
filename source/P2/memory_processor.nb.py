# ---
# jupyter:
#   weft:
#     concept: performance
#     difficulty: medium
#     focus: streaming, back-pressure, memory of a process tree, leaks
#     id: P2
#     minutes: 40-50
#     order: 8
#     title: Memory-efficient concurrent data processor
# ---

# %% [markdown]
# # P2 · Memory-efficient concurrent data processor
#
# | concept | difficulty | time | focus |
# |---|---|---|---|
# | performance | medium | 40–50 minutes | streaming, back-pressure, memory of a process tree, leaks |
#
# You write a processor for files that do not fit into the memory it may use. It works on several blocks at once, in threads
# or in processes, and keeps to a budget of bytes while it does.
#
# Afterwards you can
#
# - stream a file through a pool with a *bounded window*, so that memory does not depend on the file's size,
# - measure what a process *and its children* use,
# - answer memory pressure with smaller blocks, and recover without flapping,
# - tell a *leak*, which grows, from a *plateau*, which is only large.

# %%
# %load_ext weft

# %% [markdown]
# ## 1 · The problem
#
# A night's readings are one file, `station,value` a line. The program below is short and right. It submits every block to a
# pool and adds up what comes back. The file here has 48 MiB; the machine that it is meant for gives it 16.

# %%
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from weft.charts import memory_by_model
from weft.probes.memory import tree_peak
from weft.worlds import readings
from weft.worlds.readings_work import add_up, merge, summarise

MIB = 1 << 20
folder = Path(tempfile.mkdtemp(prefix="readings-"))
plan = readings.Readings().plan_bytes(48 * MIB)
size = readings.write(folder / "night.csv", plan)


def pieces(path):
    """Blocks of whole lines."""
    with open(path, "rb") as file:
        while lines := file.readlines(MIB):
            yield b"".join(lines)


with tree_peak() as eager, ThreadPoolExecutor(2) as pool:
    total = None
    for part in pool.map(summarise, pieces(folder / "night.csv")):
        total = merge(total, part)
with tree_peak() as serial:
    add_up(folder / "night.csv")
memory_by_model({"pool.map": eager.series, "one thread": serial.series}, 16 * MIB)

# %% [markdown]
# `pieces` is a generator, so it looks as if one block were in memory at a time. But `Executor.map` takes *everything* out of
# its input at once, before it hands out the first result. The whole file waits in the pool's queue. In a loop of
# `submit` it would be the same: nobody tells the reader to slow down. What is missing has a name, *back-pressure*.
#
# ```mermaid
# flowchart LR
#     file[("file, any size")] --> blocks["blocks: whole lines"]
#     blocks -- "at most a window" --> pool["threads · processes"]
#     pool -- "in order" --> merge["merge, or write"]
#     memory["used_memory: all processes"] -- pressure --> governor["Governor: shrink, grow"]
#     governor -- "size of the next block" --> blocks
# ```

# %% [markdown]
# ## 2 · What to build
#
# | must have | part |
# |---|---|
# | data larger than the memory it may use; streaming | 1 · `streaming` |
# | adapts to memory pressure; memory of all processes | 2 · `pressure` |
# | finds leaks, and prevents one kind | 3 · `leaks` |
# | threads and processes over it, within a budget | 4 · `processor` |
#
# | criterion | points | what is judged |
# |---|---|---|
# | correctness | 40 | every line once; the budget; the right answer under a real limit; leaks and plateaus |
# | concurrency | 30 | the window; models are what they say; pressure in the middle of a run; nothing is left after an error |
# | performance | 15 | the peak when data doubles; your time beside one thread's |
# | quality | 10 | what a reviewer would send back |
# | errors | 5 | a file that shrinks, a line without end, a budget that is too small, a worker that dies |

# %% [markdown]
# ## 3 · Warm-up
#
# How much memory is in use depends on whom you ask. *Resident* size counts a page for everybody who has it; *proportional*
# size (PSS) divides it among them. Here a child process shares 40 MiB with you.

# %%
import multiprocessing
import time

import psutil

ballast = bytes(range(256)) * (40 * 4096)
context = multiprocessing.get_context("fork")
child = context.Process(target=time.sleep, args=(1,))
child.start()
for name, process in (("you", psutil.Process()), ("child", psutil.Process(child.pid))):
    info = process.memory_full_info()
    print(f"{name:6} resident {info.rss >> 20:4} MiB   proportional {getattr(info, 'pss', info.rss) >> 20:4} MiB")
child.join()
del ballast

# %% [markdown]
# And a *future* keeps its result for as long as anybody keeps the future. A list of futures is a list of results.

# %%
import weakref


class Result:
    """Something large."""


with ThreadPoolExecutor(1) as pool:
    futures = [pool.submit(Result) for _ in range(3)]
    watched = weakref.WeakSet(future.result() for future in futures)
    print("results alive:", len(watched), end="")
    futures.clear()
    print(", without the futures:", len(watched))

# %% [markdown]
# ## 4 · Part 1: streaming
#
# `blocks` cuts the file where lines end, and asks for the size each time, because it may change meanwhile. A last line may
# lack its newline; it still counts. A file that ends before the size that it had when you opened it has shrunk.
#
# `bounded` is back-pressure. It takes an item out of `items` only when fewer than `window` are under way, waiting for a
# thread, being worked on, or done but not yet handed out.

# %% nbgrader={"grade": false, "grade_id": "streaming", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module streaming
"""A file as blocks of whole lines, and a bounded window of them under way."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

LONGEST = 1 << 20  # bytes of a line; what has none within so many is no text


def blocks(path: str | Path, size: Callable[[], int]) -> Generator[bytes, None, None]:
    """Blocks of whole lines, all bytes of the file in their order, read ``size()`` bytes at a time.

    The last block may lack a newline. Raises EOFError if the file has become shorter since it was opened, and ValueError
    for a line that is longer than LONGEST. The file is closed however the iteration ends.
    """
    # TODO: after this, every byte has come exactly once, and no line is divided between two blocks.
    ### BEGIN SOLUTION
    with open(path, "rb", buffering=0) as file:
        left, tail = os.fstat(file.fileno()).st_size, b""
        while left > 0:
            read = file.read(min(size(), left))
            if not read:
                raise EOFError(f"{path} has become shorter: its last {left} bytes are gone")
            left -= len(read)
            cut = read.rfind(b"\n") + 1
            whole, tail = (tail + read[:cut], read[cut:]) if cut else (b"", tail + read)
            del read
            if len(tail) > LONGEST:
                raise ValueError(f"{path} has a line of more than {LONGEST} bytes")
            if whole:
                yield whole
        if tail:
            yield tail
    ### END SOLUTION


def bounded(
    pool: Executor, function: Callable[[Item], Result], items: Iterable[Item], window: int
) -> Generator[Result, None, None]:
    """The results of ``function`` for each item, in the order of the items.

    At no time are more than ``window`` items taken whose result is not handed out, and no result is kept that is. If
    the iteration ends early, or ``function`` raises, what has not begun is cancelled.
    """
    # TODO: after this, memory depends on the window, and not on how many items there are.
    ### BEGIN SOLUTION
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            del item
            if len(waiting) >= window:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
    ### END SOLUTION


# %% [markdown]
# Try it: small blocks of a small file, and how far the reader is ahead of you.

# %%
(folder / "few.csv").write_text("".join(f"{number},{number * number}\n" for number in range(12)))
try:
    print([len(block) for block in blocks(folder / "few.csv", lambda: 16)])
    with ThreadPoolExecutor(2) as pool:
        taken = []
        for number in bounded(pool, abs, (taken.append(n) or n for n in range(8)), window=3):
            print(f"{number} of {len(taken)} taken", end=" · ")
except NotImplementedError:
    print("Nothing to try yet: fill in blocks and bounded first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# You have read a block, and it ends in the middle of a line. Where does the first half of that line have to wait, and for
# what?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`bytes.rfind`](https://docs.python.org/3/library/stdtypes.html#bytes.rfind) finds the last newline.
# [`collections.deque`](https://docs.python.org/3/library/collections.html#collections.deque) holds the futures under way:
# append at the right, `popleft` the oldest.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `blocks`: read → cut after the last newline → yield what waited and the first part; the rest waits.
# `bounded`: submit; as soon as `window` are under way, hand out the oldest before you take another. In a `finally`, cancel.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": false, "grade_id": "drives", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%drives
"""How the checks call your code. Nothing is judged here: each function calls your modules and returns what happened."""

import contextlib
import itertools
import os
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from weft.probes.leaks import ledger
from weft.probes.memory import allocations, tree_peak, wall
from weft.worlds import readings, readings_memory
from weft.worlds import readings_work as work

DATA = "data.csv"


def cut(plan, sizes):
    """`blocks(path, size)`, with a size that changes from block to block"""
    from streaming import blocks

    readings.write(DATA, plan)
    each = itertools.cycle(sizes)
    found = list(blocks(DATA, lambda: next(each)))
    return {
        "same": b"".join(found) == Path(DATA).read_bytes(),
        "divided": sum(not block.endswith(b"\n") for block in found[:-1]),
        "blocks": len(found),
        "last": found[-1][-20:].decode(),
        "longest": max(map(len, found)),
    }


class Result:
    """What can be seen to be alive."""

    def __init__(self, number):
        self.number = number


def through(window, items, workers=4, stop=None):
    """`bounded(pool, function, items, window)`, with items and results that are counted"""
    from streaming import bounded

    count = {"taken": 0, "handed": 0, "ahead": 0, "alive": 0, "worked": 0, "order": []}
    alive, lock = weakref.WeakSet(), threading.Lock()

    def source():
        for number in range(items):
            count["taken"] += 1
            count["ahead"] = max(count["ahead"], count["taken"] - count["handed"])
            yield number

    def function(number):
        time.sleep(0.004 if number % 3 else 0.012)
        with lock:
            count["worked"] += 1
            result = Result(number)
            alive.add(result)
        return result

    with ThreadPoolExecutor(workers) as pool:
        results = bounded(pool, function, source(), window)
        for result in results:
            count["handed"] += 1
            count["order"].append(result.number)
            del result
            with lock:
                count["alive"] = max(count["alive"], len(alive))
            if count["handed"] == stop:
                results.close()
    return count


def play(pressures, settings=None):
    """`feel(pressure)` of one `Governor`, again and again"""
    from pressure import Governor

    governor = Governor(1024, 65536, **(settings or {}))
    return [governor.feel(each) for each in pressures]


def closed_loop(outside, share, steps):
    """`feel(pressure)` of one `Governor`, where large blocks raise the pressure themselves"""
    from pressure import Governor

    governor, sizes = Governor(1024, 65536), []
    for _ in range(steps):
        sizes.append(governor.feel(outside + share * governor.size / 65536))
    return sizes


def child_grows(size):
    """`used_memory()` before and after a child process takes memory"""
    from pressure import used_memory

    used_memory()
    text = f"import sys; kept = b'1' * {size}; print('ready', flush=True); sys.stdin.read()"
    before = used_memory()
    child = subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    grown = used_memory() - before
    child.communicate()
    return grown


def read_pressure(steps, budget, every):
    """`PressureReader(budget, measure, every, clock)`, with a measure and a clock of ours"""
    from pressure import PressureReader

    now, used, looks = [0.0], [1000.0], [0]

    def measure():
        looks[0] += 1
        return used[0]

    reader, found = PressureReader(budget, measure=measure, every=every, clock=lambda: now[0]), []
    for wait, grown in steps:
        now[0] += wait
        used[0] = 1000.0 + grown
        found.append(reader())
    return {"found": found, "looks": looks[0]}


def verdict(sizes):
    """`judge(sizes)`"""
    from leaks import judge

    return vars(judge(sizes))


def watch_planted(kind, rounds=20, **options):
    """`watch(step, rounds)` of a step that leaks, or only looks so"""
    from leaks import watch

    return vars(watch(getattr(readings_memory, kind)(**options), rounds))


def fill_cache(limit, items, size):
    """`Cache(limit).get(key, make)`, with more keys than there is room for; the first is asked for all the time"""
    from leaks import Cache

    made = []

    def make(key):
        made.append(key)
        return bytes(size)

    with allocations(lines=False) as held:
        cache = Cache(limit)
        for key in range(items):
            cache.get(key, lambda key=key: make(key))
            cache.get(0, lambda: make(0))
        made_of = {key: made.count(key) for key in (0, 1, items - 1)}
        cache.get(items - 1, lambda: make(items - 1))
        cache.get(1, lambda: make(1))
    again = [made.count(key) - made_of[key] for key in (items - 1, 1)]
    return {"left": held.left, "first made": made_of[0], "newest again": again[0], "oldest again": again[1]}


def reduce_it(plan, budget, room=None, **options):
    """`Processor(budget).reduce(path, summarise, merge)`"""
    from processor import Processor

    readings.write(DATA, plan)
    threading.stack_size(1 << 18)
    with wall(room) if room else contextlib.nullcontext():
        started = time.perf_counter()
        found = Processor(budget, **options).reduce(DATA, work.summarise, work.merge)
        took = time.perf_counter() - started
    return {**found.to_json(), "seconds": took}


def peak_of(plan, budget, **options):
    """the memory of `Processor(budget).reduce(path, summarise, merge)` and its workers"""
    from processor import Processor

    readings.write(DATA, plan)
    work.add_up(DATA, 1 << 16)
    with tree_peak() as peak:
        found = Processor(budget, **options).reduce(DATA, work.summarise, work.merge)
        time.sleep(0.05)
    return {"rows": found.rows, **peak.to_json(series=False)}


def watched(plan, budget, pressures=None, ballast=0, **options):
    """`Processor(budget).reduce(path, function, merge)` with a function that notes where and when it ran"""
    from processor import Processor

    readings.write(DATA, plan)
    kept = []

    def function(block):
        if ballast and len(kept) == 10:
            kept.append(b"1" * ballast)
        elif ballast:
            kept.append(b"")
        return work.noted(block)

    pressure = readings_memory.scripted(pressures) if pressures else None
    processor = Processor(budget, pressure=pressure, **options)
    found = processor.reduce(DATA, function if ballast else work.noted, work.merge)
    trace = work.read_notes()
    return {
        "rows": found.rows,
        "blocks": [int(event.value) for event in trace.of("enter")],
        "at most": trace.peak("enter", "leave"),
        "at once": processes_at_once(trace),
        "actors": sorted({event.actor.partition(" ")[0] for event in trace}),
        "home": str(os.getpid()),
    }


def processes_at_once(trace):
    """The largest number of processes that were inside the function at the same moment."""
    inside, most = {}, 0
    for event in trace.of("enter", "leave"):
        pid = event.actor.partition(" ")[0]
        inside[pid] = inside.get(pid, 0) + (1 if event.kind == "enter" else -1)
        most = max(most, sum(count > 0 for count in inside.values()))
    return most


def convert_it(plan, function="first_stations", before=None, **options):
    """`Processor(budget).convert(path, function, target)`"""
    from processor import Processor

    readings.write(DATA, plan)
    if before is not None:
        Path("out.csv").write_text(before)
    here, error = set(os.listdir()), None
    with ledger() as book:
        try:
            Processor(4 << 20, **options).convert(DATA, getattr(work, function), "out.csv")
        except Exception as problem:
            error = f"{type(problem).__name__}: {problem}"
    right = work.first_stations(Path(DATA).read_bytes())
    out = Path("out.csv").read_bytes() if Path("out.csv").exists() else None
    return {
        "right": out == right,
        "out": None if out is None else out[:40].decode(),
        "error": error,
        "left": book.sentences(),
        "files": sorted(set(os.listdir()) - here - {"out.csv"}),
    }


def refuse(budget, **options):
    """`Processor(budget)` with something wrong in it"""
    from processor import Processor

    try:
        Processor(budget, **options)
        return "nothing was refused"
    except ValueError as problem:
        return f"ValueError: {problem}"


def shrinks(plan):
    """`blocks(path, size)` of a file that becomes shorter while it is read"""
    from streaming import blocks

    readings.write(DATA, plan)
    found = blocks(DATA, lambda: 4096)
    next(found)
    os.truncate(DATA, 8192)
    try:
        return f"{sum(1 for _ in found)} more blocks came, and no error"
    except EOFError as problem:
        return f"EOFError: {problem}"


def endless(size):
    """`blocks(path, size)` of a file in which no line ends"""
    from streaming import blocks

    with open(DATA, "wb") as file:
        for _ in range(size >> 20):
            file.write(b"7" * (1 << 20))
    try:
        return f"a block of {max(map(len, blocks(DATA, lambda: 65536)))} bytes"
    except ValueError as problem:
        return f"ValueError: {problem}"


# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-streaming", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires


@points(4)
def test_every_byte_once(answer, readings):
    """Blocks put together are the file, and no line is divided between two of them."""
    facts = answer.drive(cut, readings.plan(3000), [4096])
    assert facts["same"], "The blocks, put together, are not the file."
    assert facts["divided"] == 0, "So many blocks end in the middle of a line."
    assert facts["blocks"] >= 5 and facts["longest"] <= 3 * 4096


@points(2)
@requires("test_every_byte_once")
def test_the_last_line(answer, readings):
    """A last line without a newline arrives as well."""
    facts = answer.drive(cut, readings.plan(50, tail="17,4"), [256])
    assert facts["last"].endswith("\n17,4") or facts["last"] == "17,4"
    assert facts["same"]


@points(2)
def test_results_in_order(answer):
    """Results come in the order of the items, also when later ones are done earlier."""
    facts = answer.drive(through, 4, 20)
    assert facts["order"] == list(range(20))


### BEGIN HIDDEN TESTS
@points(4)
@requires("test_every_byte_once")
def test_any_size(answer, readings):
    """Whatever the sizes are, shorter than a line too, and changing from block to block."""
    for sizes in ([1], [7, 3, 1000], [1 << 20], [9]):
        facts = answer.drive(cut, readings.plan(200, tail="8,15"), sizes)
        assert facts["same"] and facts["divided"] == 0, f"Read by {sizes} bytes."


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-window", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
from weft.judge import points, requires


@points(4)
def test_the_window_holds(answer):
    """No more items are taken than the window allows, however many there are."""
    facts = answer.drive(through, 5, 40)
    assert facts["handed"] == 40
    assert facts["ahead"] <= 5, "So many items were taken whose result had not been handed out."


### BEGIN HIDDEN TESTS
@points(3)
@requires("test_the_window_holds")
def test_results_are_let_go(answer):
    """What has been handed out is not kept."""
    assert answer.drive(through, 4, 40)["alive"] <= 7, "So many results were alive at once, with a window of 4."


@points(3)
@requires("test_the_window_holds")
def test_an_early_end(answer):
    """Who stops after three results does not pay for the others."""
    facts = answer.drive(through, 30, 60, workers=2, stop=3)
    assert facts["handed"] == 3
    assert facts["worked"] <= 14, "So many items were worked on, though nobody wanted more than three, in two threads."


### END HIDDEN TESTS

# %% [markdown]
# ## 5 · Part 2: pressure
#
# *Pressure* is a number: 0.0 when you use nothing, 1.0 when the whole budget is in use. `used_memory` looks, over all your
# processes; `PressureReader` divides, and looks no oftener than every so many seconds, because looking costs milliseconds.
#
# The `Governor` decides how large the next block is, and has neither clock nor file. So each of its rules can be checked
# exactly.
#
# 1. At `high` pressure or above, the size is halved at once, down to `smallest`.
# 2. After `calm` readings on end at `low` pressure or below, it is doubled, up to `largest`, and the counting begins anew.
# 3. In between nothing changes, and the calm is over. This gap is the *hysteresis*.
# 4. It begins with `largest`.

# %% nbgrader={"grade": false, "grade_id": "pressure", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module pressure
"""How much memory is in use, by all processes together, and how large a block may be because of it."""

import contextlib
import time
from collections import deque
from collections.abc import Callable

import psutil


def used_memory() -> int:
    """Bytes in use by this process and all below it: proportional set size where the system knows it, else resident."""
    # TODO: after this, a child's memory counts, and a child that ends meanwhile is no error.
    ### BEGIN SOLUTION
    total, me = 0, psutil.Process()
    for process in [me, *me.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            info = process.memory_full_info()
            total += getattr(info, "pss", info.rss)
    return total
    ### END SOLUTION


class PressureReader:
    """Call it for the pressure: bytes above those at the start, as a share of ``budget`` bytes; never below 0.0."""

    def __init__(
        self,
        budget: int,
        measure: Callable[[], float] = used_memory,
        every: float = 0.05,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.budget, self.every = budget, every
        self._measure, self._clock = measure, clock
        self._base, self._last, self._looked = measure(), 0.0, clock()

    def __call__(self) -> float:
        """The pressure, measured anew if the last look is at least ``every`` seconds ago."""
        # TODO: after this, measure is called no oftener than it should be.
        ### BEGIN SOLUTION
        if self._clock() - self._looked >= self.every:
            self._last = max(0.0, (self._measure() - self._base) / self.budget)
            self._looked = self._clock()
        return self._last
        ### END SOLUTION


class Governor:
    """Decides the size of blocks, in bytes. ``history`` keeps the last pressures and sizes, for the chart."""

    def __init__(self, smallest: int, largest: int, *, low: float = 0.5, high: float = 0.8, calm: int = 3) -> None:
        self.smallest, self.largest = smallest, largest
        self.low, self.high, self.calm = low, high, calm
        self.size = largest
        self.history: deque[tuple[float, int]] = deque(maxlen=10_000)
        self._calm = 0

    def feel(self, pressure: float) -> int:
        """Take note of the pressure now, and return the size of the next block."""
        # TODO: after this, size and history are up to date by the four rules.
        ### BEGIN SOLUTION
        self._calm = self._calm + 1 if pressure <= self.low else 0
        if pressure >= self.high:
            self.size = max(self.smallest, self.size // 2)
        elif self._calm >= self.calm:
            self.size, self._calm = min(self.largest, self.size * 2), 0
        self.history.append((pressure, self.size))
        return self.size
        ### END SOLUTION


# %% [markdown]
# Try it: a neighbour comes, takes half of the budget, and goes again.

# %%
from IPython.display import display

from weft.charts import blocks_and_pressure

try:
    governor = Governor(16 << 10, 512 << 10)
    for pressure in [0.3] * 4 + [0.95, 0.9, 0.85] + [0.7] * 4 + [0.4] * 12:
        governor.feel(pressure)
    display(blocks_and_pressure(governor.history, governor.low, governor.high))
except NotImplementedError:
    print("Nothing to try yet: fill in Governor.feel first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# Suppose large blocks make for a pressure of 0.9, and blocks of half the size for 0.6. What does a governor do that grows
# whenever it does not have to shrink?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`psutil.Process.children(recursive=True)`](https://psutil.readthedocs.io/en/latest/#psutil.Process.children) and
# `memory_full_info()`. A counter of calm readings on end is all that the governor has to remember.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `feel`: count the calm, or begin it anew → high? halve → calm for long enough? double, and begin to count again → note both.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-pressure", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires

MIB = 1 << 20


@points(3)
def test_blocks_shrink_at_once(answer):
    """High pressure halves the size at once, down to the smallest, and no further."""
    assert answer.drive(play, [0.3, 0.8, 0.95, 0.9]) == [65536, 32768, 16384, 8192]
    assert answer.drive(play, [0.99] * 9)[-2:] == [1024, 1024]


@points(3)
def test_children_count(answer):
    """Memory of a child process is memory that you use."""
    grown = answer.drive(child_grows, 40 * MIB) / MIB
    assert 36 <= grown <= 70, "So many MiB more were told after a child process had taken 40."


### BEGIN HIDDEN TESTS
@points(3)
def test_pressure_is_a_share(answer):
    """Pressure is the growth over the budget, never below zero, and measuring it is not done at every call."""
    steps = [(0.25, 500), (1.0, 500), (0.5, 900), (1.0, 250), (1.0, -300)]
    facts = answer.drive(read_pressure, steps, 1000, 1.0)
    assert facts["found"][1:] == [0.5, 0.5, 0.25, 0.0]
    assert facts["looks"] == 4, "It was called five times, with 1 s between two looks at least; one look is for the start."


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-hysteresis", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
import itertools

from weft.judge import points, requires


def changes(sizes):
    """How often the size changed."""
    return sum(before != after for before, after in itertools.pairwise(sizes))


@points(3)
def test_blocks_recover(answer):
    """After the pressure is gone, blocks grow again, one step for each few calm readings."""
    sizes = answer.drive(play, [0.9] * 3 + [0.2] * 9)
    assert sizes[2:] == [8192, 8192, 8192, 16384, 16384, 16384, 32768, 32768, 32768, 65536]


### BEGIN HIDDEN TESTS
@points(3)
@requires("test_blocks_recover")
def test_no_oscillation(answer):
    """Where large blocks raise the pressure themselves, the size settles and stays."""
    sizes = answer.drive(closed_loop, 0.3, 0.6, 60)
    assert changes(sizes) <= 1, "So often the size changed. Large blocks made for a pressure of 0.9, half of it for 0.6."
    interrupted = answer.drive(play, [0.9] + [0.2, 0.2, 0.6] * 10)
    assert changes(interrupted) == 0, "It grew, though there never were three calm readings on end."


### END HIDDEN TESTS

# %% [markdown]
# ## 6 · Part 3: leaks
#
# A process that uses a gigabyte may be healthy, and one that uses ten megabytes may leak. What tells is *growth*: after the
# first half of the rounds, which may fill caches and pools, does the *lowest* size of the last quarter lie above the lowest
# of the quarter before? Lowest, because a buffer that fills and is emptied looks like a leak for a while.
#
# And one kind can be prevented: a cache without a limit. `Cache` forgets what was not asked for longest. Calling
# `gc.collect()` prevents nothing here: what a dictionary holds is no garbage.

# %% nbgrader={"grade": false, "grade_id": "leaks", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module leaks
"""Growth, not size: a verdict over sizes, a watch over a step, and a cache that cannot leak."""

import gc
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

FEWEST = 8  # rounds that a verdict needs


@dataclass(frozen=True)
class Verdict:
    """Whether it leaks, how many bytes it grows ``per_round``, and ``where`` most of it is allocated (``file.py:7``)."""

    leaking: bool
    per_round: float
    where: str = ""


def judge(sizes: Sequence[float], tolerance: float = 1024.0, where: str = "") -> Verdict:
    """Judge sizes in bytes, one after each round: a leak grows more than ``tolerance`` bytes per round, for ever.

    Raises ValueError for fewer than FEWEST rounds.
    """
    # TODO: after this, what is only large, noisy, or filled and emptied again is not taken for a leak.
    ### BEGIN SOLUTION
    if len(sizes) < FEWEST:
        raise ValueError(f"{len(sizes)} rounds are too few to tell growth from chance: at least {FEWEST}")
    late = sizes[len(sizes) // 2 :]
    middle = len(late) // 2
    per_round = (min(late[middle:]) - min(late[:middle])) / middle
    return Verdict(per_round > tolerance, per_round, where)
    ### END SOLUTION


def watch(step: Callable[[], object], rounds: int = 20) -> Verdict:
    """Run ``step`` so many times, and judge what Python holds after each. ``where`` is empty if nothing leaks."""
    sizes, half = [], None
    tracemalloc.start()
    try:
        for number in range(rounds):
            step()
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
            if number == rounds // 2:
                half = tracemalloc.take_snapshot()
        end = tracemalloc.take_snapshot()
    finally:
        tracemalloc.stop()
    ours = [tracemalloc.Filter(False, tracemalloc.__file__), tracemalloc.Filter(False, __file__)]
    grown = end.filter_traces(ours).compare_to(half.filter_traces(ours), "lineno") if half else []
    line = grown[0].traceback[0] if grown else None
    found = judge(sizes)
    if not found.leaking or line is None:
        return found
    return judge(sizes, where=f"{line.filename.rpartition('/')[2]}:{line.lineno}")


class Cache:
    """Keeps values of at most ``limit`` bytes together, and forgets those first that were not asked for longest."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._size = 0
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """The value that is kept for ``key``; if there is none, what ``make()`` returns, which is kept now."""
        # TODO: after this, the values that are kept have at most limit bytes, and key is the one asked for last.
        ### BEGIN SOLUTION
        if key not in self._kept:
            self._kept[key] = make()
            self._size += len(self._kept[key])
        self._kept.move_to_end(key)
        value = self._kept[key]
        while self._size > self.limit:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest)
        return value
        ### END SOLUTION


# %% [markdown]
# Try it with two steps that were planted: one keeps 20 kB at every call, the other 400 kB at each of its first five.

# %%
from weft.worlds.readings_memory import Leak, Plateau

try:
    for step in (Leak(20_000), Plateau(400_000, calls=5)):
        print(f"{type(step).__name__:8}", watch(step))
except NotImplementedError:
    print("Nothing to try yet: fill in judge first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# One program holds 2 MB after each round, another 1.0, 1.1, 1.2 MB and so on. Which one do you wake somebody for?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# Slices and `min`. For the cache,
# [`OrderedDict.move_to_end` and `popitem`](https://docs.python.org/3/library/collections.html#collections.OrderedDict).
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `judge`: drop the first half; lowest of the last quarter minus lowest of the third, per round, against the tolerance.
# `get`: make and count if it is new → to the end → while too large, pop the first and uncount it.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-leaks", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires
from weft.worlds.readings_memory import filling, leaking, sawtooth


@points(3)
def test_a_leak_and_a_plateau(answer):
    """A planted leak is reported, with the line; a planted plateau, which is larger, is not."""
    found = answer.drive(watch_planted, "Leak", size=20_000)
    assert found["leaking"], "The step keeps 20 kB at every call."
    assert "readings_memory.py:" in found["where"], "It is there that the memory is allocated."
    assert not answer.drive(watch_planted, "Plateau", size=400_000, calls=5)["leaking"], "It stays as large as it is."


@points(2)
def test_a_cache_has_a_limit(answer):
    """A cache keeps what was asked for last, within its limit."""
    facts = answer.drive(fill_cache, 50_000, 200, 1000)
    assert facts["left"] <= 75_000, "So many bytes were held by a cache with a limit of 50,000."
    assert facts["newest again"] == 0 and facts["oldest again"] == 1, "The newest is kept, the oldest forgotten."


### BEGIN HIDDEN TESTS
@points(3)
@requires("test_a_leak_and_a_plateau")
def test_growth_not_size(answer):
    """Noise, a cache that fills slowly and a buffer that is emptied again are no leaks; a slow leak in noise is one."""
    calm = {
        "a large size with noise": leaking(40, 0, noise=4_000),
        "a cache that fills for a while": filling(40, 15, 3e6),
        "a buffer that is emptied every five rounds": sawtooth(40, 5, 2e5),
    }
    for what, sizes in calm.items():
        assert not answer.drive(verdict, sizes)["leaking"], f"The sizes were those of {what}."
    assert answer.drive(verdict, leaking(40, 8_000, noise=20_000))["leaking"], "8 kB a round, in noise of ±20 kB."
    assert answer.drive(verdict, leaking(40, 8_000, base=0))["per_round"] == 8_000


@points(2)
@requires("test_a_cache_has_a_limit")
def test_what_is_asked_for_stays(answer):
    """What is asked for all the time is made once."""
    assert answer.drive(fill_cache, 50_000, 200, 1000)["first made"] == 1


### END HIDDEN TESTS

# %% [markdown]
# ## 7 · Part 4: the processor
#
# Now put it together. A block costs more than its own bytes while it is worked on: `COST` times its size is what you may
# reckon with here. With `workers` workers, one more block waiting, and one being read, that gives the largest block that the
# budget has room for. No block is larger than `MOST`, because beyond that nothing becomes faster.
#
# Before each block the governor is asked anew. `convert` writes to a file of its own beside the target, and puts it in place
# when it is complete. Whatever happens, no process, no file and no descriptor of yours is left.

# %% nbgrader={"grade": false, "grade_id": "processor", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module processor
"""Threads, processes or nobody else, over a bounded window of blocks, within a budget of memory."""

import contextlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from pressure import Governor, PressureReader
from streaming import blocks, bounded

Part = TypeVar("Part")
Total = TypeVar("Total")

MODELS: dict[str, Callable[[int], Executor] | None] = {
    "serial": None,
    "threads": ThreadPoolExecutor,
    "processes": ProcessPoolExecutor,
}
COST = 8  # a block that is worked on takes so many times its size
SMALLEST, MOST = 16 << 10, 256 << 10  # bytes of a block


class Processor:
    """Works through files of any size with about ``budget`` bytes beyond what the process has already.

    ``pressure`` is called before each block and says what share of the budget is in use; by default a PressureReader.
    Raises ValueError for a model that there is not, for less than one worker, and for a budget too small for SMALLEST.
    """

    def __init__(
        self,
        budget: int,
        *,
        workers: int = 2,
        model: str = "threads",
        pressure: Callable[[], float] | None = None,
    ) -> None:
        # TODO: after this, self.governor knows the smallest and the largest block, or something was refused.
        ### BEGIN SOLUTION
        if model not in MODELS:
            raise ValueError(f"there is no model {model!r}: {', '.join(MODELS)}")
        if workers < 1:
            raise ValueError(f"{workers} workers cannot do anything: at least 1")
        largest = budget // (COST * (workers + 2))
        if largest < SMALLEST:
            raise ValueError(
                f"a budget of {budget} bytes is too small: {workers} workers need {SMALLEST * COST * (workers + 2)}"
            )
        self.governor = Governor(SMALLEST, min(largest, MOST))
        self.budget, self.workers, self.model = budget, workers, model
        self._pressure = pressure
        ### END SOLUTION

    def results(self, path: str | Path, function: Callable[[bytes], Part]) -> Iterator[Part]:
        """What ``function`` makes of each block, in order. All that was opened or started is gone when this ends."""
        # TODO: after this, the size of each block has been asked for, and at most workers + 1 blocks are under way.
        ### BEGIN SOLUTION
        pressure = self._pressure or PressureReader(self.budget)
        with contextlib.ExitStack() as stack:
            pieces = stack.enter_context(contextlib.closing(blocks(path, lambda: self.governor.feel(pressure()))))
            start = MODELS[self.model]
            if start is None:
                yield from map(function, pieces)
            else:
                pool = stack.enter_context(start(self.workers))
                yield from stack.enter_context(contextlib.closing(bounded(pool, function, pieces, self.workers + 1)))
        ### END SOLUTION

    def reduce(
        self, path: str | Path, function: Callable[[bytes], Part], merge: Callable[[Total | None, Part], Total]
    ) -> Total | None:
        """Merge what ``function`` makes of all blocks, beginning with None."""
        # TODO: after this, no part is alive that has been merged.
        ### BEGIN SOLUTION
        total = None
        for part in self.results(path, function):
            total = merge(total, part)
        return total
        ### END SOLUTION

    def convert(self, path: str | Path, function: Callable[[bytes], bytes], target: str | Path) -> None:
        """Write what ``function`` makes of all blocks, in order, to ``target``: all of it, or the target is as before."""
        # TODO: after this, the target is complete, or it is untouched and nothing else is left.
        ### BEGIN SOLUTION
        part = Path(f"{target}.part")
        try:
            with open(part, "wb") as file:
                for piece in self.results(path, function):
                    file.write(piece)
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
        ### END SOLUTION


# %% [markdown]
# Try it on the night's file, with a third of its size as budget.

# %%
try:
    for model in MODELS:
        found = Processor(16 * MIB, model=model).reduce(folder / "night.csv", summarise, merge)
        print(f"{model:10}{found.rows:,} rows, right: {found.to_json() == readings.truth(plan)}")
except NotImplementedError:
    print("Nothing to try yet: fill in Processor first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# `results` is a generator. Its consumer raises in the middle. Which of your pool, your file and your futures notice, and when?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`contextlib.closing`](https://docs.python.org/3/library/contextlib.html#contextlib.closing) closes a generator at the end
# of a `with`; [`ExitStack`](https://docs.python.org/3/library/contextlib.html#contextlib.ExitStack) holds several of them.
# [`os.replace`](https://docs.python.org/3/library/os.html#os.replace) puts a file in place at once.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `results`: with the blocks closed at the end: serial? map → else with a pool: yield from `bounded`.
# The size: `lambda: governor.feel(pressure())`.
# `convert`: write `….part`, replace; in a `finally`, unlink.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-processor", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires
from weft.worlds.readings import truth

MIB = 1 << 20


@points(3)
def test_larger_than_its_memory(answer, readings):
    """48 MiB of readings under a limit of 12 MiB: every sum is right."""
    plan = readings.plan_bytes(48 * MIB, tail="3,141")
    facts = answer.drive(reduce_it, plan, 8 * MIB, room=12 * MIB)
    assert {name: facts[name] for name in ("rows", "rejected")} == {
        "rows": truth(plan)["rows"],
        "rejected": 0,
    }
    assert facts["sums"] == truth(plan)["sums"], "Some station's sum is wrong."


@points(2)
@requires("test_larger_than_its_memory")
def test_every_model(answer, readings):
    """One thread alone and several processes come to the same, and a line that is cut short is rejected."""
    plan = readings.plan_bytes(MIB, tail="17,")
    for model in ("serial", "processes"):
        facts = answer.drive(reduce_it, plan, 4 * MIB, model=model)
        assert facts["rejected"] == 1, f"One line is cut short. The model was {model}."
        assert facts["sums"] == truth(plan)["sums"], f"Some station's sum is wrong. The model was {model}."


### BEGIN HIDDEN TESTS
@points(2)
def test_within_the_budget(answer, readings):
    """What all blocks under way need together stays within the budget."""
    facts = answer.drive(peak_of, readings.plan_bytes(24 * MIB), 8 * MIB)
    assert facts["growth"] / MIB <= 10, "So many MiB were in use at the peak, with a budget of 8."


@points(2)
@requires("test_larger_than_its_memory")
def test_convert(answer, readings):
    """A converted file has every line that it should have, in order."""
    facts = answer.drive(convert_it, readings.plan_bytes(MIB))
    assert facts["right"] and facts["error"] is None


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-processor", "locked": true, "points": 14, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
from weft.judge import points, requires

MIB = 1 << 20


@points(2)
def test_threads_work_at_once(answer, readings):
    """With four threads, up to four blocks are worked on at the same moment, in one process."""
    facts = answer.drive(watched, readings.plan_bytes(2 * MIB), 4 * MIB, [0.6], workers=4)
    assert 3 <= facts["at most"] <= 4 and facts["actors"] == [facts["home"]]


@points(2)
def test_processes_work_at_once(answer, readings):
    """With two processes, both work at the same moment, and neither is yours."""
    facts = answer.drive(watched, readings.plan_bytes(2 * MIB), 4 * MIB, [0.6], model="processes")
    assert facts["at once"] == 2 and facts["home"] not in facts["actors"]


@points(3)
@requires("test_threads_work_at_once")
def test_pressure_in_mid_run(answer, readings):
    """Blocks become smaller while a run is under way, and larger again when the pressure is gone."""
    script = [0.6] * 4 + [0.9] * 3 + [0.1] * 100
    blocks = answer.drive(watched, readings.plan_bytes(4 * MIB), 4 * MIB, script, workers=1)["blocks"]
    assert max(blocks[5:10]) <= 0.7 * blocks[1], "The pressure was 0.9 at the fifth block, and for two more."
    assert max(blocks[12:]) >= 0.9 * blocks[1], "Afterwards it was 0.1."


@points(3)
@requires("test_threads_work_at_once")
def test_nothing_is_left(answer, readings):
    """When a block raises, the target is as before, and no thread, process, descriptor or file is left."""
    plan = readings.plan_bytes(MIB, tail="broken\n" + "1,1\n" * 40_000)
    for model in ("threads", "processes"):
        facts = answer.drive(convert_it, plan, "failing", before="as before", model=model)
        assert facts["left"] == [] and facts["files"] == [], f"The model was {model}."
        assert facts["out"] == "as before"


### BEGIN HIDDEN TESTS
@points(4)
@requires("test_pressure_in_mid_run")
def test_real_pressure(answer, readings):
    """When your own process takes much memory in the middle of a run, blocks become smaller."""
    plan = readings.plan_bytes(11 * MIB // 2)
    blocks = answer.drive(watched, plan, 6 * MIB, ballast=12 * MIB, workers=1)["blocks"]
    assert min(blocks[-9:-1]) <= 0.5 * blocks[1], "From the eleventh block on, twice the budget was in use."


### END HIDDEN TESTS

# %% [markdown]
# ## 8 · See it run
#
# This module is given. It puts your processor behind a command, so that `weft run P2 --help` works in a terminal, and
# `weft export P2` writes it all as plain files. It also has the fourth model: an event loop over your `blocks`, with the work
# in threads, because adding up does not await anything.

# %% nbgrader={"grade": false, "grade_id": "demo", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module demo
"""The processor as a command: one file, several models, and the memory of each."""

import argparse
import asyncio
import tempfile
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pressure import Governor
from processor import COST, MOST, SMALLEST, Processor
from streaming import blocks

from weft.notebook.dashboard import View
from weft.probes.memory import TreePeak, tree_peak
from weft.worlds import readings
from weft.worlds.readings_work import Summary, merge, summarise

MIB = 1 << 20
NAMES = ("serial", "threads", "processes", "asyncio")


class Comparison:
    """Runs models one after the other over one file, and keeps what each needed."""

    def __init__(self, path: Path, budget: int, workers: int = 2) -> None:
        self.path, self.budget, self.workers = path, budget, workers
        self.peaks: dict[str, TreePeak] = {}
        self.rows: dict[str, int] = {}
        self.model, self.block, self._started = "–", 0, time.monotonic()

    def run(self, models: tuple[str, ...] = NAMES) -> None:
        """Run all of them."""
        for model in models:
            self.model, self.rows[model] = model, 0
            with tree_peak() as peak:
                if model == "asyncio":
                    asyncio.run(self._on_loop())
                else:
                    processor = Processor(self.budget, workers=self.workers, model=model)
                    self.block = processor.governor.largest
                    processor.reduce(self.path, summarise, self._merge)
            self.peaks[model] = peak

    def _merge(self, total: Summary | None, part: Summary) -> Summary:
        self.rows[self.model] += part.rows + part.rejected
        return merge(total, part)

    async def _on_loop(self) -> None:
        """The same window, of tasks instead of futures."""
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(self.workers))
        governor = Governor(SMALLEST, max(SMALLEST, min(MOST, self.budget // (COST * (self.workers + 2)))))
        total, under_way = None, deque[asyncio.Task[Summary]]()
        for block in blocks(self.path, lambda: governor.size):
            under_way.append(asyncio.create_task(asyncio.to_thread(summarise, block)))
            if len(under_way) > self.workers:
                total = self._merge(total, await under_way.popleft())
        while under_way:
            total = self._merge(total, await under_way.popleft())

    def view(self, total: int) -> View:
        """What the dashboards show: figures, and the rows done in each model."""
        peaks = {f"peak of {model}": f"{peak.growth / MIB:.1f} MiB" for model, peak in list(self.peaks.items())}
        stats = {"model": self.model, "budget": f"{self.budget / MIB:.0f} MiB", "block": f"{self.block >> 10} KiB"}
        bars = {model: (min(1.0, rows / max(total, 1)), f"{rows:,} rows") for model, rows in list(self.rows.items())}
        return View(stats | peaks, bars)


def main(argv: list[str] | None = None) -> int:
    """Run once; returns 0."""
    parser = argparse.ArgumentParser(prog="weft run P2", description="Add up a large file within a budget of memory.")
    parser.add_argument("--mib", type=int, default=64, help="size of the file (default: 64)")
    parser.add_argument("--budget", type=int, default=16, metavar="MIB", help="memory for the work (default: 16)")
    parser.add_argument("--workers", type=int, default=2, help="threads, or processes (default: 2)")
    parser.add_argument("--models", nargs="+", default=list(NAMES), choices=NAMES, metavar="MODEL", help=", ".join(NAMES))
    parser.add_argument("--debug", action="store_true", help="tell how each was measured")
    options = parser.parse_args(argv)
    try:
        Processor(options.budget * MIB, workers=options.workers)
    except ValueError as problem:
        parser.error(str(problem))
    with tempfile.TemporaryDirectory(prefix="readings-") as folder:
        path, plan = Path(folder) / "night.csv", readings.Readings().plan_bytes(options.mib * MIB)
        readings.write(path, plan)
        compared = Comparison(path, options.budget * MIB, options.workers)
        run(compared, tuple(options.models), plan["rows"] * plan["copies"], plain=options.debug)
    for model, peak in compared.peaks.items():
        print(f"{model:10}{compared.rows[model]:12,} rows {peak.seconds:7.2f} s {peak.growth / MIB:8.1f} MiB at the peak")
        if options.debug:
            print(f"          {peak.samples} samples of {peak.measure}, up to {peak.processes} processes. {peak.note}")
    return 0


def run(compared: Comparison, models: tuple[str, ...], rows: int, plain: bool) -> None:
    """Run with a live view, or without one where lines need the screen."""
    if plain:
        compared.run(models)
        return
    from weft.notebook.terminal import run_in_terminal

    run_in_terminal(lambda: compared.run(models), lambda: compared.view(rows), {})


# %% [markdown]
# Here all four run over the night's file behind a dashboard.

# %%
import demo

from weft.notebook import dashboard

try:
    Processor(16 * MIB)
    compared = demo.Comparison(folder / "night.csv", 16 * MIB)
    live = dashboard.run(compared.run, lambda: compared.view(plan["rows"] * plan["copies"]), {})
    display(live)
except NotImplementedError:
    print("Nothing to see yet: the four parts come first.")

# %% [markdown]
# When it is done, look back: memory over time by model, against the budget. Processes need more, because each has an
# interpreter of its own, whose pages part from yours as soon as they are written to.

# %%
try:
    live.wait()
    display(memory_by_model({model: peak.series for model, peak in compared.peaks.items()}, compared.budget))
except NameError:
    print("Nothing to draw yet.")

# %% [markdown]
# And blocks against real pressure. Half-way through, the cell takes 24 MiB for itself, and lets them go a little later.

# %%
held = []


def slowly(block):
    """Takes memory at the thirtieth block, and gives it back at the sixtieth."""
    time.sleep(0.02)
    held.append(bytearray(b"1") * (24 * MIB) if len(held) == 30 else None)
    if len(held) == 60:
        held[30] = None
    return summarise(block)


try:
    processor = Processor(16 * MIB, workers=2)
    processor.reduce(folder / "night.csv", slowly, merge)
    display(blocks_and_pressure(processor.governor.history, processor.governor.low, processor.governor.high))
except NotImplementedError:
    print("Nothing to draw yet.")

# %% [markdown]
# ## 9 · Explore
#
# How wide must the window be? Move the slider. Each run takes the file in blocks of 512 KiB through two threads; the cell
# keeps the last five runs that you made.

# %%
import ipywidgets

runs: dict[str, list] = {}


def measure(window: int) -> list:
    """Memory over time with so many blocks under way."""
    with tree_peak() as peak, ThreadPoolExecutor(2) as pool:
        for _ in bounded(pool, summarise, blocks(folder / "night.csv", lambda: MIB // 2), window):
            pass
    return peak.series


def explore(window: int = 3) -> None:
    """Measure once, and draw the last runs."""
    try:
        runs[f"window {window}"] = measure(window)
    except NotImplementedError:
        print("Nothing to explore yet: the parts come first.")
        return
    display(memory_by_model(dict(list(runs.items())[-5:]), 16 * MIB))


slider = ipywidgets.IntSlider(3, min=1, max=96, description="window", continuous_update=False)
ipywidgets.interact(explore, window=slider);

# %% [markdown]
# Beyond one block for each worker and one in reserve, a wider window buys memory and no time. With 96, the file's size shows
# again: the whole of it waits.

# %% [markdown]
# ## 10 · Graded checks: performance, quality, errors
#
# Performance has two ratios. The peak for a file beside the peak for one of half its size: memory should not depend on the
# file. And your time beside that of one thread with blocks of 256 KiB, in the same run.

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "performance-ratios", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# %%checks performance
import functools
import tempfile
import time
from pathlib import Path

from weft.judge import points
from weft.judge.yardsticks import paired_ratio
from weft.worlds import readings as files
from weft.worlds.readings_work import add_up

MIB = 1 << 20


@functools.cache
def growth(answer):
    """Measured once for both checks: the peak for 48 MiB over the peak for 24, all processes, the interpreter too."""
    plan = files.Readings().plan_bytes(24 * MIB)
    twice = {**plan, "copies": 2 * plan["copies"]}
    small, large = (answer.drive(peak_of, each, 8 * MIB) for each in (plan, twice))
    assert large["rows"] == 2 * small["rows"] == 2 * plan["rows"] * plan["copies"], "Some rows are missing."
    return large["peak"] / small["peak"]


@functools.cache
def ratio(answer):
    """Measured once for both checks: your time over one thread's, for 16 MiB."""
    plan = files.Readings().plan_bytes(16 * MIB)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        files.write(path, plan)

        def yours():
            facts = answer.drive(reduce_it, plan, 16 * MIB)
            assert facts["rows"] == plan["rows"] * plan["copies"], "Some rows are missing."
            return facts["seconds"]

        def yardstick():
            started = time.perf_counter()
            add_up(path)
            return time.perf_counter() - started

        return paired_ratio(yours, yardstick)


@points(4)
def test_growth_partial(answer):
    """When the file doubles, the peak grows by at most 30 %."""
    assert growth(answer) <= 1.3


@points(4)
def test_time_partial(answer):
    """It takes at most six times as long as one thread with blocks of 256 KiB."""
    assert ratio(answer) <= 6


### BEGIN HIDDEN TESTS
@points(4)
def test_growth_full(answer):
    """When the file doubles, the peak grows by at most 15 %."""
    assert growth(answer) <= 1.15


@points(3)
def test_time_full(answer):
    """It takes at most three times as long as one thread with blocks of 256 KiB."""
    assert ratio(answer) <= 3


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "quality-code", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks quality
from weft.judge import points, requires

PARTS = ("streaming", "pressure", "leaks", "processor")


@points(0)
def test_it_works(answer, readings):
    """A small file works. Code that does not run cannot be reviewed."""
    assert answer.drive(reduce_it, readings.plan(100), 4 << 20)["rows"] == 100


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

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "errors-files", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# %%checks errors
from weft.judge import points, requires


@points(1)
def test_a_file_that_shrinks(answer, readings):
    """A file that becomes shorter while it is read ends in an EOFError, not in a sum that looks right."""
    assert answer.drive(shrinks, readings.plan(8000)).startswith("EOFError")


@points(1)
def test_refusals(answer):
    """A budget smaller than one chunk, no workers, and a model that there is not are refused in a sentence."""
    assert "ValueError" in answer.drive(refuse, 100_000)
    assert "ValueError" in answer.drive(refuse, 8 << 20, workers=0)
    assert "ValueError" in answer.drive(refuse, 8 << 20, model="telepathy")


### BEGIN HIDDEN TESTS
@points(1)
def test_an_endless_line(answer):
    """A file in which no line ends is refused, and not held in memory."""
    assert answer.drive(endless, 8 << 20).startswith("ValueError")


@points(1)
def test_an_error_reaches_the_caller(answer, readings):
    """What a block raises reaches the caller, in threads, in processes and alone."""
    plan = readings.plan(2000, tail="broken\n")
    for model in ("serial", "threads", "processes"):
        facts = answer.drive(convert_it, plan, "failing", model=model)
        assert facts["error"] == "ValueError: a reading is broken", f"The model was {model}."


@points(1)
@requires("test_refusals")
def test_a_worker_that_dies(answer, readings):
    """A process that dies with its block ends the run with an error, and leaves nothing."""
    facts = answer.drive(convert_it, readings.plan(2000, tail="broken\n"), "dying", model="processes")
    assert facts["error"], "convert returned, though a block had taken its process with it."
    assert facts["out"] is None and facts["files"] == []


### END HIDDEN TESTS

# %% [markdown]
# ## 11 · Afterwards
#
# **Pitfalls.**
# `Executor.map` and a list comprehension of `submit` take the whole input first.
# A list of futures keeps every result.
# The main process's memory says nothing of its workers'; the sum of resident sizes counts shared pages several times.
# A leak is growth, not size, and `gc.collect()` frees nothing that is still reachable.
# A governor that grows whenever it need not shrink never comes to rest.
#
# **What professionals use.** [Polars](https://docs.pola.rs/user-guide/concepts/streaming/) with its streaming engine and
# [DuckDB](https://duckdb.org/docs/stable/configuration/overview) with a `memory_limit` do all of this in native threads.
# For finding leaks: [memray](https://bloomberg.github.io/memray/) and `tracemalloc`. In services, back-pressure is a bounded
# queue, and a limit is a cgroup's.
#
# **Where one machine ends.** A window of blocks becomes a window of partitions: Dask and Spark schedule them over a cluster,
# spill to disk under pressure as your processor shrinks its blocks, and merge partial results in a tree.
#
# **Read on.** [`concurrent.futures`](https://docs.python.org/3/library/concurrent.futures.html) ·
# [`tracemalloc`](https://docs.python.org/3/library/tracemalloc.html)
#
# **A question to think about.** Results are handed out in order, so one slow block makes a whole window wait. What would
# change, in memory and in time, if the order did not matter? And how would you then write `convert`?
