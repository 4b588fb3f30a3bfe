# ---
# jupyter:
#   weft:
#     concept: threading
#     difficulty: medium
#     focus: locks, thread pools, events, retries
#     id: T1
#     minutes: 30-45
#     order: 1
#     title: Thread-safe file download manager
# ---

# %% [markdown]
# # T1 · Thread-safe file download manager
#
# | concept | difficulty | time | focus |
# |---|---|---|---|
# | threading | medium | 30–45 minutes | locks, thread pools, events, retries |
#
# You write a download manager of the kind that sits inside package installers and backup tools: many files, five at
# a time, with retries, a pause button and numbers that add up.
#
# Afterwards you can
#
# - run blocking work in a *thread pool* and say what the pool limits,
# - keep shared counters right with a lock, and say which steps the lock must cover,
# - pause and stop threads that you may not kill,
# - retry a broken transfer without counting, or keeping, a byte twice.

# %%
# %load_ext weft

# %% [markdown]
# ## 1 · The problem
#
# Every night a course server mirrors two dozen data files. The script that does it is nine lines long and fetches one
# file after the other. The file server below runs on your own machine, in a process of its own, and takes 50 ms to
# answer each request, as a server in another city would.

# %%
import hashlib
import tempfile
import time
from pathlib import Path

import requests

from weft.notebook import use_world

files = use_world("file_server")
files.latency(0.05)
for number in range(24):
    files.add(f"lecture-{number:02}.bin", size=200_000)

started = time.perf_counter()
for entry in files.items:
    body = requests.get(entry["url"], timeout=5).content
one_by_one = time.perf_counter() - started
print(f"24 files, one by one: {one_by_one:.2f} s")

# %% [markdown]
# Where did the time go? The server wrote down when each request arrived and when its answer left. Each bar is one
# request. There is never more than one.

# %%
from weft.charts import swimlane

swimlane(files.trace, title="One bar at a time: the script waits for the server, the server waits for the script")

# %% [markdown]
# Almost all of it is waiting. A thread that waits for a socket needs no processor and holds no lock of the interpreter, so
# other threads can wait at the same time. That is what threads in Python are good at, whatever you have read about
# the GIL.
#
# Two dozen threads would be faster still, and would get you banned: servers limit how many connections one client may
# hold. Five at a time is polite. The manager that you build looks like this.
#
# ```mermaid
# flowchart LR
#     you["you: pause, resume, stop"] --> manager
#     manager["DownloadManager"] -- "hands out items" --> pool["thread pool, 5 workers"]
#     pool -- "transfer(item)" --> server["file server"]
#     server -- "bytes, errors, silence" --> pool
#     pool -- "update(name, received)" --> progress["Progress, one lock"]
#     progress -- "snapshot()" --> manager
# ```

# %% [markdown]
# ## 2 · What to build
#
# | must have | part |
# |---|---|
# | a file arrives whole or not at all; a broken transfer is resumed; at most 3 retries, so 4 attempts | 1 · `transfer` |
# | progress per file and in total, safe to update from any thread; real-time statistics | 2 · `progress` |
# | many files at once, at most 5 active; pause, resume, stop | 3 · `manager` |
#
# | criterion | points | what is judged |
# |---|---|---|
# | correctness | 40 | the bytes on disk and the numbers you report |
# | concurrency | 30 | how many transfers the server sees at once; what happens in a pause |
# | performance | 15 | your time beside that of a plain pool of keep-alive connections, in the same run |
# | quality | 10 | what a reviewer would send back |
# | errors | 5 | one bad file costs one file |
#
# Each answer cell begins with `%%module NAME`: it is written to `NAME.py` and imported, so later cells can import it,
# and so can other processes. A check cell runs your modules in a process of their own. Nothing in it can hang your
# notebook.

# %% [markdown]
# ## 3 · Warm-up
#
# Three tools of the standard library do the work. A *thread pool* runs calls in a fixed number of threads and gives
# you a *future* for each.

# %%
from concurrent.futures import ThreadPoolExecutor


def nap(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


started = time.perf_counter()
with ThreadPoolExecutor(max_workers=5) as pool:
    futures = [pool.submit(nap, 0.1) for _ in range(10)]
print(f"ten naps of 0.1 s in five threads: {time.perf_counter() - started:.2f} s")
print("the last one returned", futures[-1].result())

# %% [markdown]
# Ten naps, five at a time: two rounds. Leaving the `with` block waits for all of them.
#
# A *lock* makes a few steps look like one to every other thread that takes the same lock. The steps between reading a
# value and writing it back are called a *critical section*. Here the read and the write stand on lines of their own,
# and a `sleep` stands between them, to make room for the other threads.

# %%
import threading

total = 0
lock = threading.Lock()


def add_carelessly() -> None:
    global total
    before = total
    time.sleep(0.001)
    total = before + 1


def add_safely() -> None:
    with lock:
        add_carelessly()


for add in (add_carelessly, add_safely):
    total = 0
    with ThreadPoolExecutor(max_workers=5) as pool:
        for _ in range(50):
            pool.submit(add)
    print(f"{add.__name__}: {total} of 50")

# %% [markdown]
# Without the sleep, `total += 1` has the same gap between its read and its write; today's interpreter almost never
# switches threads in it, so the bug stays hidden. It is still there: the language promises nothing, and free-threaded
# Python does lose updates. Take the lock.
#
# An *event* is a flag that threads can wait for. This is how you pause a thread: it must ask, because nobody can stop
# it from outside.

# %%
go = threading.Event()


def walk() -> None:
    for step in range(3):
        go.wait()
        print("step", step)
        time.sleep(0.05)


walker = threading.Thread(target=walk)
walker.start()
print("nothing happens until the event is set")
time.sleep(0.1)
go.set()
walker.join()

# %% [markdown]
# ## 4 · Part 1: one file
#
# One file, one thread, and a server that misbehaves: it answers 503, cuts the line in the middle, goes silent, or
# claims to be finished too early. You know from the manifest how many bytes an item has, and that is the only number
# to trust.
#
# Two habits make a download safe. Bytes go to `NAME.part`, and `os.replace` gives the file its name in one step when
# it is whole: nobody ever sees half a file. And after a break you ask for the rest only, with the header
# `Range: bytes=300000-`. A server that understands answers 206 and sends the rest; one that does not answers 200 and
# sends everything.

# %% nbgrader={"grade": false, "grade_id": "transfer", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module transfer
"""One file: fetched in pieces, resumed where it broke, visible only when it is whole."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests

CHUNK = 64 * 1024  # bytes to read at a time


@dataclass(frozen=True)
class Item:
    """One line of the manifest: where a file is, what to call it, how many bytes it has."""

    url: str
    name: str
    size: int


class TransferError(Exception):
    """A file could not be had; the message says why."""


def receive(
    item: Item,
    part: Path,
    session: requests.Session,
    timeout: float,
    report: Callable[[int], None],
    checkpoint: Callable[[], None],
) -> None:
    """Make one attempt: continue ``part`` from where it ends until it has ``item.size`` bytes.

    Calls ``checkpoint()`` before each chunk is written (it may block, and it may raise), and ``report(received)`` after, with the
    number of bytes that ``part`` has by then. ``timeout`` is in seconds, for connecting and for each silence.
    Raises TransferError if the server answers 4xx: asking again would not help. Raises requests.RequestException
    or EOFError if another attempt may help: 5xx, a lost connection, silence, too few bytes.
    """
    # TODO: after this, part has item.size bytes, none of them twice, also if the server ignored your Range header.
    ### BEGIN SOLUTION
    received = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={received}-"} if received else {}
    with session.get(item.url, headers=headers, stream=True, timeout=timeout) as response:
        if 400 <= response.status_code < 500:
            raise TransferError(f"{item.name}: the server answered {response.status_code}")
        response.raise_for_status()
        if response.status_code != requests.codes.partial_content:
            received = 0
        with open(part, "ab" if received else "wb") as file:
            for chunk in response.iter_content(CHUNK):
                checkpoint()
                file.write(chunk)
                received += len(chunk)
                report(received)
    if received != item.size:
        raise EOFError(f"{item.name}: {received} of {item.size} bytes")
    ### END SOLUTION


def transfer(
    item: Item,
    folder: Path,
    session: requests.Session,
    *,
    retries: int = 3,
    backoff: float = 0.05,
    timeout: float = 5.0,
    report: Callable[[int], None] = lambda received: None,
    checkpoint: Callable[[], None] = lambda: None,
) -> Path:
    """Fetch ``item`` into ``folder`` and return the path of the finished file.

    Makes one attempt and at most ``retries`` more, and sleeps ``backoff`` seconds before the first retry, twice as long
    before each next one. Calls ``checkpoint()`` before each attempt too. Raises TransferError when no attempt is left,
    or at once if the server answers 4xx. The file has its name only when it is whole.
    """
    # TODO: after this, folder / item.name is whole, or there is no such file and a TransferError says why.
    ### BEGIN SOLUTION
    part = folder / f"{item.name}.part"
    part.unlink(missing_ok=True)
    reason: Exception | None = None
    for attempt in range(retries + 1):
        if attempt:
            time.sleep(backoff * 2 ** (attempt - 1))
        checkpoint()
        try:
            receive(item, part, session, timeout, report, checkpoint)
        except (requests.RequestException, EOFError) as error:
            reason = error
        else:
            os.replace(part, folder / item.name)
            return folder / item.name
    raise TransferError(f"{item.name}: no attempt left after {retries + 1}; the last one: {reason}")
    ### END SOLUTION


# %% [markdown]
# Try it on a file whose first transfer is cut after 120,000 bytes. The trace shows what the server saw.

# %%
from weft.worlds.faults import cut

files.reset()
files.add("broken.bin", size=200_000, faults=[cut(at=120_000)])
folder = Path(tempfile.mkdtemp(prefix="downloads-"))
try:
    item = Item(**files.items[0])
    path = transfer(item, folder, requests.Session(), report=lambda n: print(n, end=" "))
    print("\nintact:", hashlib.sha256(path.read_bytes()).hexdigest() == files.digests[item.name])
except NotImplementedError:
    print("Nothing to try yet: fill in receive and transfer first.")
for event in files.trace.of("arrive", "depart"):
    print(f"{event.kind:7}{event.subject:12}{event.value:10.0f}")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# After a cut, how do you know how many bytes you have? There is one place that cannot be wrong about it.
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# `session.get(url, headers=…, stream=True, timeout=…)` returns before the body is read;
# [`response.iter_content`](https://requests.readthedocs.io/en/latest/user/quickstart/#raw-response-content) reads it in
# pieces. [`open(part, "ab")`](https://docs.python.org/3/library/functions.html#open) appends.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `receive`: size of the part → header, if any → status: 4xx, 5xx, 206 or 200 → append or begin again → chunks →
# compare with `item.size`.
# `transfer`: for each attempt: sleep unless it is the first, checkpoint, receive; on success rename and return.
# After the loop: `TransferError`.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": false, "grade_id": "drives", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%drives
"""How the checks call your code. Nothing is judged here: each function calls your modules and returns what happened."""

import hashlib
import os
import threading
import time
from pathlib import Path

import requests


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def fetch_one(entry, **options):
    """`transfer(item, folder, session)`"""
    from transfer import Item, TransferError, transfer

    reports, folder = [], Path.cwd()
    with requests.Session() as session:
        try:
            transfer(Item(**entry), folder, session, report=reports.append, **options)
            error = None
        except TransferError as problem:
            error = f"TransferError: {problem}"
    return {"error": error, "digest": digest(folder / entry["name"]), "reports": reports}


def count(steps, sizes):
    """`Progress(items)` with a clock that stands still unless told"""
    from progress import Progress
    from transfer import Item

    now = [100.0]
    progress = Progress([Item("", name, size) for name, size in sizes.items()], clock=lambda: now[0])
    for step, *arguments in steps:
        if step == "wait":
            now[0] += arguments[0]
        else:
            getattr(progress, step)(*arguments)
    return vars(progress.snapshot())


def two_threads(work, names):
    """Run `work(name)` in a thread of its own for each name, and wait for them."""
    threads = [threading.Thread(target=work, args=(name,), name=name) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def count_from_two_threads():
    """`update`, `finish` and `snapshot` of one `Progress`, from two threads"""
    from progress import Progress
    from transfer import Item

    progress = Progress([Item("", "a", 10), Item("", "b", 10)], clock=lambda: 0.0)

    def work(name):
        progress.update(name, 10)
        progress.finish(name)

    two_threads(work, ["a", "b"])
    now = progress.snapshot()
    told = f"Two files of 10 bytes are done. snapshot() says {now.received} bytes received, {now.done} done."
    assert (now.received, now.done, now.remaining) == (20, 2, 0), told


def look_while_it_changes():
    """`snapshot()` in one thread, while a file is begun, given up and another one is finished in the other"""
    from progress import Progress
    from transfer import Item

    progress = Progress([Item("", "a", 10), Item("", "b", 10)], clock=lambda: 0.0)

    def work(name):
        if name == "worker":
            progress.update("a", 10)
            progress.fail("a")
            progress.update("b", 10)
            progress.finish("b")
        else:
            now = progress.snapshot()
            told = f"One snapshot says {now.received} bytes received, and of the files {now.files}."
            assert now.received == sum(now.files.values()), told

    two_threads(work, ["worker", "reader"])


def download(entries, **options):
    """`DownloadManager(items, folder).run()`"""
    from manager import DownloadManager
    from transfer import Item

    folder = Path("files").resolve()
    folder.mkdir()
    threads = threading.active_count()
    manager = DownloadManager([Item(**entry) for entry in entries], folder, **options)
    failures = manager.run()
    return {
        "failures": failures,
        "threads left": threading.active_count() - threads,
        "digests": {entry["name"]: digest(folder / entry["name"]) for entry in entries},
        "statistics": vars(manager.statistics()),
    }


def download_watched(entries):
    """`DownloadManager(items, folder).run()`, while somebody looks into the folder all the time"""
    seen, over = {}, threading.Event()

    def look():
        while not over.wait(0.002):
            for path in Path("files").glob("*"):
                if path.name in names and path.exists():
                    seen.setdefault(path.name, set()).add(path.stat().st_size)

    names = {entry["name"] for entry in entries}
    watcher = threading.Thread(target=look)
    watcher.start()
    facts = download(entries)
    over.set()
    watcher.join()
    return {**facts, "sizes seen": {name: sorted(sizes) for name, sizes in seen.items()}}


def bytes_on_disk(folder):
    return sum(path.stat().st_size for path in folder.iterdir())


def interrupt(entries, after, pause, action="pause", **options):
    """`run()` in one thread; `pause()` and `resume()`, or `stop()`, from another"""
    from manager import DownloadManager
    from transfer import Item

    folder = Path("files").resolve()
    folder.mkdir()
    manager = DownloadManager([Item(**entry) for entry in entries], folder, **options)
    runner = threading.Thread(target=manager.run)
    runner.start()
    time.sleep(after)
    getattr(manager, action)()
    called = time.monotonic()
    time.sleep(0.25)
    quiet, before, told = time.monotonic(), bytes_on_disk(folder), manager.statistics().received
    time.sleep(pause)
    facts = {
        "written": bytes_on_disk(folder) - before,
        "counted": manager.statistics().received - told,
        "part way": 0 < before < sum(entry["size"] for entry in entries),
        "called": called,
        "quiet": [quiet, time.monotonic()],
        "running": runner.is_alive(),
    }
    if action == "pause":
        manager.resume()
        runner.join()
        facts["digests"] = {entry["name"]: digest(folder / entry["name"]) for entry in entries}
    return facts


def download_simulated(seconds, **options):
    """`DownloadManager(items, folder).run()`, with files that take so many seconds each, on a simulated clock"""
    from manager import DownloadManager
    from transfer import Item

    from weft.worlds.faults import drip
    from weft.worlds.simulated_files import SimulatedFiles

    files = SimulatedFiles()
    for number, each in enumerate(seconds):
        files.add(f"{number}.bin", size=1_000, faults=[drip(rate=1_000 / each)])
    folder = Path("files").resolve()
    folder.mkdir(exist_ok=True)
    manager = DownloadManager([Item(**entry) for entry in files.items], folder, session=files.session, **options)
    failures = manager.run()
    return {"failures": failures, "done": manager.statistics().done, "peak": files.trace.peak()}


def stop_while_it_pauses():
    """`stop()` in one thread, `pause()` in another, while `run()` is under way"""
    from manager import DownloadManager
    from transfer import Item

    from weft.worlds.simulated_files import SimulatedFiles

    files = SimulatedFiles()
    files.latency(1.0)
    for name in ("a", "b"):
        files.add(name, size=10)
    folder = Path("files").resolve()
    folder.mkdir(exist_ok=True)
    manager = DownloadManager([Item(**entry) for entry in files.items], folder, limit=1, session=files.session)
    runner = threading.Thread(target=manager.run, name="run")
    runner.start()
    two_threads(lambda name: getattr(manager, name)(), ["stop", "pause"])
    runner.join()
    now = manager.statistics()
    assert now.remaining == 0, f"run has returned, and statistics() says that {now.remaining} files remain."


def refuse(entries, **options):
    """`DownloadManager(items, folder)` with something wrong in it"""
    from manager import DownloadManager
    from transfer import Item

    folder = Path("inner/files").resolve()
    folder.mkdir(parents=True)
    try:
        DownloadManager([Item(**entry) for entry in entries], folder, **options).run()
        error = None
    except ValueError as problem:
        error = f"ValueError: {problem}"
    return {"error": error, "outside": sorted(os.listdir("inner"))}


def into_a_taken_name(entries, taken):
    """`run()` where a folder already has the name of one of the files"""
    from manager import DownloadManager
    from transfer import Item

    folder = Path("files").resolve()
    (folder / taken).mkdir(parents=True)
    failures = DownloadManager([Item(**entry) for entry in entries], folder).run()
    return {
        "failed": sorted(failures),
        "digests": {entry["name"]: digest(folder / entry["name"]) for entry in entries if entry["name"] != taken},
    }


# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-transfer", "locked": true, "points": 18, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires
from weft.worlds.faults import cut, ignores_range, stall, unavailable, wrong_length


@points(4)
def test_a_file_arrives(answer, file_server):
    """A file arrives whole, under its own name."""
    file_server.add("a.bin", size=300_000)
    facts = answer.drive(fetch_one, file_server.items[0])
    assert facts["error"] is None, facts["error"]
    assert facts["digest"] == file_server.digests["a.bin"], "The bytes under a.bin are not the server's."


@points(4)
@requires("test_a_file_arrives")
def test_a_cut_transfer_is_resumed(answer, file_server):
    """A transfer that is cut in the middle is resumed, not begun again, and the file is intact."""
    file_server.add("a.bin", size=600_000, faults=[cut(at=400_000)])
    facts = answer.drive(fetch_one, file_server.items[0])
    assert facts["digest"] == file_server.digests["a.bin"], "The file is not intact after a cut and a retry."
    starts = [event.value for event in file_server.trace.of("arrive")]
    assert len(starts) == 2, f"The server saw {len(starts)} requests; one cut costs one more."
    assert starts[1] > 0, "The second request asked for the whole file; its Range header should ask for the rest."


@points(3)
@requires("test_a_file_arrives")
def test_too_few_bytes_are_not_a_file(answer, file_server):
    """A body that ends early is not taken for the file, even if the server says that it is complete."""
    file_server.add("a.bin", size=300_000, faults=[wrong_length(missing=1_000)])
    facts = answer.drive(fetch_one, file_server.items[0])
    assert facts["digest"] == file_server.digests["a.bin"], "Compare what you have with item.size, not with the header."


### BEGIN HIDDEN TESTS
@points(4)
@requires("test_a_file_arrives")
def test_range_ignored(answer, file_server):
    """A server that ignores Range and sends everything again does not spoil the file."""
    file_server.add("a.bin", size=600_000, faults=[cut(at=400_000), ignores_range()])
    facts = answer.drive(fetch_one, file_server.items[0])
    assert facts["digest"] == file_server.digests["a.bin"], "After a cut, the server answered 200 with the whole file."


@points(3)
@requires("test_a_file_arrives")
def test_four_attempts(answer, file_server):
    """Three retries are four attempts: a server that comes back for the fourth has your file, one that does not is left."""
    file_server.add("late.bin", size=50_000, faults=[unavailable(), stall(at=10_000, seconds=1.0), unavailable()])
    file_server.add("never.bin", size=50_000, faults=[unavailable(times=None)])
    late, never = file_server.items
    assert answer.drive(fetch_one, late, timeout=0.3, backoff=0.01)["digest"] == file_server.digests["late.bin"]
    assert "TransferError" in (answer.drive(fetch_one, never, backoff=0.01)["error"] or "no error")
    assert dict(file_server.trace.subjects("arrive")) == {"late.bin": 4, "never.bin": 4}


### END HIDDEN TESTS

# %% [markdown]
# ## 5 · Part 2: progress
#
# Five workers report; a dashboard reads. Every number in one snapshot must belong to the same moment: if `received` is
# new and `done` is old, the total does not add up, and somebody will file a bug about it.
#
# Workers say how much of a file they *have*, not how much is *new*. So a retry that begins again reports a smaller
# number than before, and the total goes down by itself: nothing is counted twice.
#
# `self._received += gained` is three steps: read, add, write. Which of the lines below may run at the same time as
# the same line in another thread? All of them, unless you say otherwise.

# %% nbgrader={"grade": false, "grade_id": "progress", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module progress
"""Counters that many threads update and anybody may read."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from transfer import Item

WINDOW = 1.0  # seconds over which the speed is taken


@dataclass(frozen=True)
class Snapshot:
    """All numbers of one moment. Sizes are in bytes, ``speed`` in bytes per second."""

    total: int
    received: int
    speed: float
    done: int
    failed: int
    remaining: int
    files: dict[str, int]


class Progress:
    """How far each file is, and all of them together. Every method may be called from any thread."""

    def __init__(self, items: Iterable[Item], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock  # seconds; the checks pass one of their own
        # TODO: what must be remembered, and what guards it.
        ### BEGIN SOLUTION
        self._lock = threading.Lock()
        self._sizes = {item.name: item.size for item in items}
        self._files = dict.fromkeys(self._sizes, 0)
        self._received = 0
        self._done = 0
        self._failed = 0
        self._recent: deque[tuple[float, int]] = deque()
        ### END SOLUTION

    def update(self, name: str, received: int) -> None:
        """File ``name`` has ``received`` bytes by now: more than before, or fewer if it was begun again."""
        # TODO: after this, no other thread can see the file's new number beside the old total.
        ### BEGIN SOLUTION
        with self._lock:
            gained = received - self._files[name]
            self._files[name] = received
            self._received += gained
            self._recent.append((self._clock(), gained))
            self._forget_old()
        ### END SOLUTION

    def finish(self, name: str) -> None:
        """File ``name`` is complete."""
        ### BEGIN SOLUTION
        with self._lock:
            self._done += 1
        ### END SOLUTION

    def fail(self, name: str) -> None:
        """File ``name`` was given up. What it had no longer counts as received."""
        ### BEGIN SOLUTION
        with self._lock:
            self._failed += 1
            self._received -= self._files[name]
            self._files[name] = 0
        ### END SOLUTION

    def snapshot(self) -> Snapshot:
        """All numbers, taken at one moment. ``speed`` counts what arrived in the last WINDOW seconds."""
        # TODO: after this, received is the sum of files, and done + failed + remaining is the number of files.
        ### BEGIN SOLUTION
        with self._lock:
            self._forget_old()
            return Snapshot(
                total=sum(self._sizes.values()),
                received=self._received,
                speed=max(0, sum(gained for _, gained in self._recent)) / WINDOW,
                done=self._done,
                failed=self._failed,
                remaining=len(self._sizes) - self._done - self._failed,
                files=dict(self._files),
            )

    def _forget_old(self) -> None:
        """Drop what arrived before the window. The caller holds the lock."""
        while self._recent and self._recent[0][0] <= self._clock() - WINDOW:
            self._recent.popleft()
        ### END SOLUTION


# %% [markdown]
# Try it by hand, in one thread: the second file is begun again after 400 bytes.

# %%
try:
    progress = Progress([Item("", "a", 1_000), Item("", "b", 500)])
    for name, received in [("a", 600), ("b", 400), ("b", 100), ("a", 1_000)]:
        progress.update(name, received)
    progress.finish("a")
    print(progress.snapshot())
except NotImplementedError:
    print("Nothing to try yet: fill in Progress first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# `update` changes the file's number and the total. What does a reader see who looks between the two?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`with self._lock:`](https://docs.python.org/3/library/threading.html#using-locks-conditions-and-semaphores-in-the-with-statement)
# releases also when a line in it raises. For the speed,
# [`collections.deque`](https://docs.python.org/3/library/collections.html#collections.deque) forgets from the left.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# One lock for everything. `update`: gained = new − old; set the file's number; add gained to the total; remember
# (time, gained). `snapshot`: drop what is older than the window, build the Snapshot, all under the same lock, with a
# copy of the dictionary.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-progress", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires

SIZES = {"a": 1_000, "b": 500, "c": 200}


@points(3)
def test_numbers_add_up(answer):
    """A snapshot adds up: bytes over files, and files over done, failed and remaining."""
    steps = [("update", "a", 400), ("update", "b", 500), ("finish", "b"), ("update", "c", 50), ("fail", "c")]
    facts = answer.drive(count, steps, SIZES)
    told = {name: facts[name] for name in ("total", "received", "done", "failed", "remaining", "files")}
    assert told == {
        "total": 1_700,
        "received": 900,
        "done": 1,
        "failed": 1,
        "remaining": 1,
        "files": {"a": 400, "b": 500, "c": 0},
    }


@points(2)
@requires("test_numbers_add_up")
def test_begun_again(answer):
    """A file that is begun again is not counted twice."""
    facts = answer.drive(count, [("update", "a", 800), ("update", "a", 100), ("update", "a", 300)], SIZES)
    assert facts["received"] == 300


### BEGIN HIDDEN TESTS
@points(3)
@requires("test_numbers_add_up")
def test_speed_of_the_last_second(answer):
    """Speed is what arrived in the last second, and falls to zero when nothing does."""
    steps = [("update", "a", 100), ("wait", 0.6), ("update", "b", 50), ("wait", 0.6), ("update", "a", 400)]
    facts = answer.drive(count, steps, SIZES)
    assert facts["speed"] == 350, "100 bytes came 1.2 s ago, 50 came 0.6 s ago, 300 just now."
    assert answer.drive(count, [*steps, ("wait", 5)], SIZES)["speed"] == 0, "Nothing came for 5 s."


### END HIDDEN TESTS

# %% [markdown]
# One thread at a time, the numbers are right. Now two. The next checks run your `Progress` in two threads under 200
# *schedules*: orders in which the threads take turns, chosen so that they hurt. A lost update that you would never meet by running
# the program is found here in a few of them, and drawn: step through it with the slider. The
# [lesson on races](../../lessons/races.ipynb) shows how that works.

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-progress", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
from weft.judge import points


@points(5)
def test_no_update_is_lost(answer):
    """Two threads update and finish their files, in any order of their steps, and nothing is lost."""
    answer.explore(count_from_two_threads)


### BEGIN HIDDEN TESTS
@points(3)
def test_a_snapshot_is_one_moment(answer):
    """A snapshot taken while another thread updates still adds up."""
    answer.explore(look_while_it_changes)


### END HIDDEN TESTS

# %% [markdown]
# ## 6 · Part 3: the manager
#
# Now five at a time. A pool of five threads can never have six transfers active, however they end; a counter that
# you increase and decrease by hand can, as soon as one path forgets to decrease it.
#
# Pause and stop are requests, not commands: a thread cannot be halted from outside, it has to look. You have the
# place for it already: `transfer` calls `checkpoint()` before each attempt and each chunk. While the manager is
# paused, `checkpoint` waits. Once it is stopped, `checkpoint` raises `Stopped`, and the exception carries the worker
# out of the transfer.
#
# A `requests.Session` keeps its connection open for the next request, which spares you a handshake per file. It is not
# meant to be shared between threads. Give each worker its own, in a
# [`threading.local`](https://docs.python.org/3/library/threading.html#thread-local-data).

# %% nbgrader={"grade": false, "grade_id": "manager", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module manager
"""Many files at once: five workers, a pause button, and one place that knows how it stands."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from progress import Progress, Snapshot
from transfer import Item, TransferError, transfer


class Stopped(Exception):
    """The manager was stopped while this file was under way."""


class DownloadManager:
    """Fetches ``items`` into ``folder``, at most ``limit`` at a time.

    ``session`` makes one session; it is called once in each worker thread. ``retries``, ``backoff`` and ``timeout`` go to
    ``transfer``. Raises ValueError for a limit below 1, for two items of the same name, and for a name that leads out
    of the folder.
    """

    def __init__(
        self,
        items: Iterable[Item],
        folder: Path,
        *,
        limit: int = 5,
        retries: int = 3,
        backoff: float = 0.05,
        timeout: float = 5.0,
        session: Callable[[], requests.Session] = requests.Session,
    ) -> None:
        self.items = list(items)
        self.folder = folder
        self.limit = limit
        self.retries, self.backoff, self.timeout = retries, backoff, timeout
        self.progress = Progress(self.items)
        self._make_session = session
        # TODO: refuse what cannot work; then whatever pause, resume, stop and the workers' sessions need.
        ### BEGIN SOLUTION
        if limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        names = [item.name for item in self.items]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two items have the name {min(twice)}")
        if bad := [name for name in names if Path(name).name != name]:
            raise ValueError(f"{bad[0]!r} leads out of the folder")
        self._going = threading.Event()
        self._going.set()
        self._stopping = threading.Event()
        self._worker = threading.local()
        self._sessions: list[requests.Session] = []
        self._failures: dict[str, str] = {}
        ### END SOLUTION

    def run(self) -> dict[str, str]:
        """Fetch everything, and return a reason for each file that failed. Blocks until no worker is left."""
        # TODO: after this, every file is done or failed, and every thread and session that you opened is closed.
        ### BEGIN SOLUTION
        try:
            with ThreadPoolExecutor(self.limit, "download", self._open_session) as pool:
                for item in self.items:
                    pool.submit(self._fetch, item)
        except BaseException:
            self.stop()
            raise
        finally:
            for session in self._sessions:
                session.close()
        return dict(self._failures)
        ### END SOLUTION

    def pause(self) -> None:
        """Ask the workers to hold still; each finishes at most the chunk that it has in hand. No effect after ``stop``."""
        ### BEGIN SOLUTION
        self._going.clear()
        if self._stopping.is_set():  # asked after the clearing: stop may come in between
            self._going.set()
        ### END SOLUTION

    def resume(self) -> None:
        """Let them go on."""
        ### BEGIN SOLUTION
        self._going.set()
        ### END SOLUTION

    def statistics(self) -> Snapshot:
        """How it stands, at this moment."""
        return self.progress.snapshot()

    def stop(self) -> None:
        """Give up what is not finished; also in a pause. ``run`` returns soon after."""
        # TODO: after this, no new request is made, and a worker that waits in a pause wakes up and leaves.
        ### BEGIN SOLUTION
        self._stopping.set()
        self._going.set()

    def _open_session(self) -> None:
        self._worker.session = self._make_session()
        self._sessions.append(self._worker.session)

    def _checkpoint(self) -> None:
        self._going.wait()
        if self._stopping.is_set():
            raise Stopped("stopped")

    def _fetch(self, item: Item) -> None:
        try:
            transfer(
                item,
                self.folder,
                self._worker.session,
                retries=self.retries,
                backoff=self.backoff,
                timeout=self.timeout,
                report=lambda received: self.progress.update(item.name, received),
                checkpoint=self._checkpoint,
            )
        except (TransferError, Stopped, OSError) as error:
            self._failures[item.name] = str(error)
            self.progress.fail(item.name)
        else:
            self.progress.finish(item.name)
        ### END SOLUTION


# %% [markdown]
# Try it: the two dozen files of the beginning, with your manager.

# %%
files.reset()
files.latency(0.05)
for number in range(24):
    files.add(f"lecture-{number:02}.bin", size=200_000)
folder = Path(tempfile.mkdtemp(prefix="downloads-"))
try:
    started = time.perf_counter()
    failures = DownloadManager([Item(**entry) for entry in files.items], folder).run()
    five_at_once = time.perf_counter() - started
    print(f"{five_at_once:.2f} s; one by one it was {one_by_one:.2f} s. Failed: {failures or 'none'}")
except NotImplementedError:
    print("Nothing to try yet: fill in DownloadManager first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# Which object, if you made it five large, would limit the active transfers without any counting of your own?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`ThreadPoolExecutor(max_workers, thread_name_prefix, initializer)`](https://docs.python.org/3/library/concurrent.futures.html#threadpoolexecutor)
# runs the initializer once in each worker. Two
# [`threading.Event`](https://docs.python.org/3/library/threading.html#event-objects) objects are enough: one says
# *going*, one says *stopping*.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `run`: pool of `limit` → submit one `_fetch` per item → leave the `with` → close the sessions → the reasons.
# `_fetch`: transfer with the worker's session → finish; on an error note the reason → fail.
# `_checkpoint`: wait until going; if stopping, raise `Stopped`.
# `stop`: set stopping first, then going.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-manager", "locked": true, "points": 14, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires
from weft.worlds.faults import cut, drip, ignores_range, missing, reset, stall, unavailable


def misbehaving(file_server):
    """Twelve files, each second one with a fault of another kind."""
    faults = [unavailable(), reset(), cut(at=50_000), stall(at=20_000, seconds=1.5), unavailable(times=3), cut(at=1)]
    for number, fault in enumerate(faults):
        file_server.add(f"good-{number}.bin", size=120_000)
        file_server.add(f"odd-{number}.bin", size=120_000, faults=[fault])


@points(4)
def test_all_arrive(answer, file_server):
    """Every file arrives intact, whatever the server does to it."""
    misbehaving(file_server)
    facts = answer.drive(download, file_server.items, timeout=0.3)
    assert facts["failures"] == {}
    assert facts["digests"] == file_server.digests


@points(3)
@requires("test_all_arrive")
def test_bytes_are_counted_once(answer, file_server):
    """Statistics count each byte once, also when a transfer was retried."""
    file_server.add("plain.bin", size=200_000)
    file_server.add("twice.bin", size=200_000, faults=[cut(at=150_000), ignores_range()])
    facts = answer.drive(download, file_server.items)
    assert facts["digests"] == file_server.digests
    assert facts["statistics"]["received"] == 400_000, "Two files of 200,000 bytes; one of them was sent almost twice."


@points(2)
@requires("test_all_arrive")
def test_done_and_failed(answer, file_server):
    """A file that cannot be had is counted as failed, with a reason, and the others as done."""
    file_server.add("there.bin", size=10_000)
    file_server.add("gone.bin", size=10_000, faults=[missing()])
    facts = answer.drive(download, file_server.items)
    assert list(facts["failures"]) == ["gone.bin"]
    told = {name: facts["statistics"][name] for name in ("done", "failed", "remaining", "received")}
    assert told == {"done": 1, "failed": 1, "remaining": 0, "received": 10_000}


### BEGIN HIDDEN TESTS
@points(5)
@requires("test_all_arrive")
def test_no_short_file_is_seen(answer, file_server):
    """Nobody ever sees a short file under its final name."""
    file_server.add("slow.bin", size=200_000, faults=[drip(rate=400_000)])
    file_server.add("cut.bin", size=200_000, faults=[cut(at=150_000), drip(rate=400_000)])
    facts = answer.drive(download_watched, file_server.items)
    assert facts["digests"] == file_server.digests
    short = {name: sizes for name, sizes in facts["sizes seen"].items() if set(sizes) - {200_000}}
    assert short == {}, "A file had its final name before it was complete."


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-limit", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
from weft.judge import points, requires
from weft.worlds.faults import missing, unavailable


@points(5)
def test_five_at_once(answer, file_server):
    """Five transfers run at once, and never six."""
    file_server.latency(0.06)
    for number in range(25):
        file_server.add(f"{number}.bin", size=40_000)
    facts = answer.drive(download, file_server.items)
    assert facts["digests"] == file_server.digests
    assert file_server.trace.peak() == 5, "The server counted how many of your requests were under way at once."


@points(4)
@requires("test_five_at_once")
def test_failed_files_give_their_place_back(answer, file_server):
    """A file that fails gives its place back: after six failures there are still five at work."""
    file_server.latency(0.06)
    for number in range(6):
        file_server.add(f"bad-{number}.bin", size=1_000, faults=[missing() if number % 2 else unavailable(times=None)])
    for number in range(15):
        file_server.add(f"good-{number}.bin", size=40_000)
    facts = answer.drive(download, file_server.items, retries=1, backoff=0.01)
    assert len(facts["failures"]) == 6
    good = file_server.trace.where(lambda event: event.subject.startswith("good"))
    assert good.peak() == 5


### BEGIN HIDDEN TESTS
@points(3)
@requires("test_five_at_once")
def test_the_limit_is_a_parameter(answer, file_server):
    """Another limit is kept as well, and no thread is left when run returns."""
    for limit in (1, 8):
        file_server.reset()
        file_server.latency(0.1)
        for number in range(2 * limit + 4):
            file_server.add(f"{number}.bin", size=10_000)
        facts = answer.drive(download, file_server.items, limit=limit)
        assert facts["digests"] == file_server.digests
        assert file_server.trace.peak() == limit, f"The limit was {limit}."
        assert facts["threads left"] == 0, "Threads were still alive when run returned."


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-pause", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
from weft.judge import points, requires
from weft.worlds.faults import drip


def slow_files(file_server, count=8):
    """Files of 240 kB that need 0.6 s each."""
    for number in range(count):
        file_server.add(f"{number}.bin", size=240_000, faults=[drip(rate=400_000)])


@points(4)
def test_a_pause_is_quiet(answer, file_server):
    """In a pause no byte is written, none is counted and no request is made."""
    slow_files(file_server)
    facts = answer.drive(interrupt, file_server.items, after=0.25, pause=0.3)
    assert facts["part way"], "The pause came before the first byte or after the last."
    requests_made = file_server.trace.of("arrive").between(*facts["quiet"])
    told = {"written": facts["written"], "counted": facts["counted"], "requests": len(requests_made)}
    assert told == {"written": 0, "counted": 0, "requests": 0}


@points(2)
@requires("test_a_pause_is_quiet")
def test_resume(answer, file_server):
    """After the pause every file arrives intact."""
    slow_files(file_server)
    facts = answer.drive(interrupt, file_server.items, after=0.25, pause=0.1)
    assert facts["digests"] == file_server.digests


### BEGIN HIDDEN TESTS
@points(2)
@requires("test_a_pause_is_quiet")
def test_stop(answer, file_server):
    """After stop, run returns within half a second and no request is made any more."""
    slow_files(file_server, count=20)
    facts = answer.drive(interrupt, file_server.items, after=0.25, pause=0.3, action="stop")
    assert facts["running"] is False, "run had not returned half a second after stop."
    assert len(file_server.trace.of("arrive").between(facts["called"] + 0.1, facts["quiet"][1])) == 0


@points(2)
@requires("test_a_pause_is_quiet")
def test_stop_wins(answer):
    """Stop and pause may come at the same moment, in any order of their steps: run returns."""
    answer.explore(stop_while_it_pauses, schedules=100)


### END HIDDEN TESTS

# %% [markdown]
# ## 7 · See it run
#
# This module is given. It puts your manager behind a command, so that `weft run T1 --help` works in a terminal, and
# `weft export T1` writes it all as plain files.

# %% nbgrader={"grade": false, "grade_id": "demo", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module demo
"""The download manager as a command, against a file server that it starts itself."""

import argparse
import logging
import tempfile
from pathlib import Path

from manager import DownloadManager
from progress import Snapshot
from transfer import Item

from weft.notebook.dashboard import View
from weft.worlds import faults
from weft.worlds.file_server import FileServer, open_world


def view(snapshot: Snapshot, sizes: dict[str, int]) -> View:
    """What the dashboards show of a snapshot."""
    stats = {
        "done": str(snapshot.done),
        "failed": str(snapshot.failed),
        "remaining": str(snapshot.remaining),
        "speed": f"{snapshot.speed / 1e6:.1f} MB/s",
        "received": f"{snapshot.received / 1e6:.1f} of {snapshot.total / 1e6:.1f} MB",
    }
    bars = {name: (got / sizes[name], f"{got / 1e3:.0f} kB") for name, got in snapshot.files.items()}
    return View(stats, bars)


def stock(files: FileServer, count: int, size: int) -> list[Item]:
    """Fill a file server: every fourth file has a fault. Returns the manifest."""
    trouble = [faults.unavailable(), faults.cut(at=size // 2), faults.reset(), faults.stall(at=size // 3, seconds=2.0)]
    files.latency(0.05)
    for number in range(count):
        fault = [trouble[number // 4 % 4]] if number % 4 == 3 else []
        files.add(f"lecture-{number:02}.bin", size=size, faults=[*fault, faults.drip(rate=2_000_000)])
    return [Item(**entry) for entry in files.items]


def main(argv: list[str] | None = None) -> int:
    """Run once; returns 0 if every file arrived."""
    parser = argparse.ArgumentParser(prog="weft run T1", description="Fetch files from a server that misbehaves.")
    parser.add_argument("--files", type=int, default=40, help="how many files (default: 40)")
    parser.add_argument("--size", type=int, default=1_000_000, help="bytes per file (default: 1000000)")
    parser.add_argument("--limit", type=int, default=5, help="transfers at once (default: 5)")
    parser.add_argument("--folder", type=Path, help="where to put them (default: a temporary folder)")
    parser.add_argument("--debug", action="store_true", help="log every connection, and sum up the server's trace")
    options = parser.parse_args(argv)
    if options.debug:
        logging.basicConfig(level=logging.DEBUG, format="%(relativeCreated)7.0f ms %(threadName)-12s %(message)s")
    folder = options.folder or Path(tempfile.mkdtemp(prefix="downloads-"))
    folder.mkdir(parents=True, exist_ok=True)
    with open_world() as files:
        items = stock(files, options.files, options.size)
        manager = DownloadManager(items, folder, limit=options.limit, timeout=1.0)
        failures = run(manager, {item.name: item.size for item in items}, plain=options.debug)
        for name, reason in failures.items():
            print(f"failed: {name}: {reason}")
        print(f"{len(items) - len(failures)} of {len(items)} files are in {folder}")
        if options.debug:
            trace = files.trace
            print(f"server: {trace.count('arrive')} requests, {trace.count('connect')} connections, peak {trace.peak()}")
    return 1 if failures else 0


def run(manager: DownloadManager, sizes: dict[str, int], plain: bool) -> dict[str, str]:
    """Run with a live view, or without one where log lines need the screen."""
    if plain:
        return manager.run()
    from weft.notebook.terminal import run_in_terminal

    return run_in_terminal(manager.run, lambda: view(manager.statistics(), sizes), {"Stop": manager.stop})


# %% [markdown]
# Here it runs behind a dashboard. Press Pause in the middle and watch the speed fall to zero. Every fourth file
# gives trouble; look for a bar that stands still for a second and then goes on.

# %%
import demo
from IPython.display import display

from weft.notebook import dashboard

files.reset()
try:
    items = demo.stock(files, count=40, size=1_000_000)
    manager = DownloadManager(items, Path(tempfile.mkdtemp(prefix="downloads-")), timeout=1.0)
    sizes = {item.name: item.size for item in items}
    live = dashboard.run(
        manager.run,
        lambda: demo.view(manager.statistics(), sizes),
        {"Pause": manager.pause, "Resume": manager.resume, "Stop": manager.stop},
    )
    display(live)
except NotImplementedError:
    print("Nothing to see yet: the three parts come first.")

# %% [markdown]
# When it is done, look at what the server saw: one lane for each connection, and below it how many were active. The
# line is your limit.

# %%
swimlane(files.trace, limit=5)

# %% [markdown]
# ## 8 · Explore
#
# How many workers should there be? Move the slider. Each run fetches 30 small files from a server that needs 20 ms for
# each request; the cell keeps every run that you made.

# %%
import ipywidgets
from IPython.display import display

from weft.charts import throughput

runs: dict[int, float] = {}


def measure(workers: int) -> float:
    """Seconds that the server saw between the first request and the last answer."""
    files.reset()
    files.latency(0.02)
    for number in range(30):
        files.add(f"{number}.bin", size=50_000)
    manifest = [Item(**entry) for entry in files.items]
    DownloadManager(manifest, Path(tempfile.mkdtemp(prefix="downloads-")), limit=workers).run()
    return files.trace.of("arrive", "depart").span()


def explore(workers: int = 5) -> None:
    """Measure once with so many workers, and draw all runs so far."""
    try:
        runs[workers] = measure(workers)
    except NotImplementedError:
        print("Nothing to explore yet: the three parts come first.")
        return
    display(throughput(runs, megabytes=30 * 0.05))


ipywidgets.interact(explore, workers=ipywidgets.IntSlider(5, 1, 50, description="workers", continuous_update=False));

# %% [markdown]
# From 1 to 5 the time falls as you would hope. Somewhere it stops falling. Which of the three runs out first: the
# server's patience, your processor, or the files? Say which, then look at the swim-lane of a run with 50.

# %%
if runs:
    display(swimlane(files.trace))

# %% [markdown]
# ## 9 · Graded checks: performance, quality, errors
#
# Performance is judged by a ratio: your time beside that of a plain pool of five keep-alive connections on the same
# files, in turn, in the same run. A slow machine slows both. How many connections you opened is not a matter of time;
# the server counts them.

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "performance-floor", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# %%checks performance
import functools

from weft.judge import points, requires
from weft.judge.yardsticks import fetch_all, paired_ratio


def time_of(fetch, file_server):
    """Seconds between the first request and the last answer, as the server saw them."""
    file_server.reset()
    file_server.latency(0.05)
    for number in range(40):
        file_server.add(f"{number}.bin", size=20_000)
    fetch(file_server.items)
    assert file_server.trace.subjects("depart").keys() == file_server.digests.keys(), "Some files were never fetched."
    return file_server.trace.of("arrive", "depart").span()


@functools.cache
def ratio(answer, file_server):
    """Measured once for both checks: your time over the yardstick's."""
    return paired_ratio(
        lambda: time_of(lambda items: answer.drive(download, items), file_server),
        lambda: time_of(lambda items: fetch_all(items, workers=5), file_server),
    )


def connections(answer, file_server, count=50):
    """How many connections so many files cost."""
    file_server.latency(0.005)
    for number in range(count):
        file_server.add(f"{number}.bin", size=1_000)
    assert answer.drive(download, file_server.items)["digests"] == file_server.digests
    return file_server.trace.count("connect")


@points(3)
def test_latency_partial(answer, file_server):
    """With 50 ms per request you need at most three times as long as five plain connections."""
    assert ratio(answer, file_server) <= 3.0


@points(3)
@requires("test_latency_partial")
def test_connections_partial(answer, file_server):
    """Connections are kept for the next file: fifty files cost at most twenty-five."""
    assert connections(answer, file_server) <= 25


### BEGIN HIDDEN TESTS
@points(3)
@requires("test_latency_partial")
def test_latency_full(answer, file_server):
    """With 50 ms per request you need at most 1.6 times as long as five plain connections."""
    assert ratio(answer, file_server) <= 1.6


@points(3)
@requires("test_connections_partial")
def test_connections_full(answer, file_server):
    """Fifty files, five at a time, cost at most ten connections."""
    assert connections(answer, file_server) <= 10


@points(3)
@requires("test_latency_partial")
def test_no_worker_waits_for_others(answer):
    """Who is done takes the next file at once: long and short files, on a simulated clock, take as long as they must."""
    run = answer.virtually(download_simulated, [3.0, 0.5, 0.5, 0.5, 0.5] * 4)
    assert run.result == {"failures": {}, "done": 20, "peak": 5}
    assert run.elapsed <= 6.5, "12 s of long files and 8 s of short ones for five workers: 20 / 5 s, and a long file more."


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "quality-code", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks quality
from weft.judge import points, requires

PARTS = ("transfer", "progress", "manager")


@points(0)
def test_it_works(answer, file_server):
    """A small download works. Code that does not run cannot be reviewed."""
    for number in range(3):
        file_server.add(f"{number}.bin", size=1_000)
    assert answer.drive(download, file_server.items)["digests"] == file_server.digests


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
from weft.worlds.faults import missing


@points(2)
def test_a_missing_file_fails_at_once(answer, file_server):
    """A file that is not there fails at once, without retries, and the others arrive."""
    file_server.add("gone.bin", size=1_000, faults=[missing()])
    file_server.add("there.bin", size=1_000)
    facts = answer.drive(download, file_server.items)
    assert facts["digests"]["there.bin"] == file_server.digests["there.bin"]
    assert "gone.bin" in facts["failures"]
    assert file_server.trace.count("arrive", "gone.bin") == 1, "404 means no; asking again does not change it."


@points(1)
@requires("test_a_missing_file_fails_at_once")
def test_a_limit_of_zero(answer, file_server):
    """A limit of 0 is refused with a ValueError that says so."""
    file_server.add("a.bin", size=1_000)
    assert "ValueError" in (answer.drive(refuse, file_server.items, limit=0)["error"] or "no error")


### BEGIN HIDDEN TESTS
@points(1)
@requires("test_a_missing_file_fails_at_once")
def test_names_stay_inside(answer, file_server):
    """A name that leads out of the folder, or that two items share, is refused with a ValueError."""
    file_server.add("a.bin", size=1_000)
    entry = file_server.items[0]
    for entries in ([{**entry, "name": "../a.bin"}], [entry, entry]):
        facts = answer.drive(refuse, entries)
        assert "ValueError" in (facts["error"] or "no error")
        assert facts["outside"] == ["files"]


@points(1)
@requires("test_a_missing_file_fails_at_once")
def test_a_taken_name(answer, file_server):
    """A file that cannot be written costs itself only."""
    for name in ("a.bin", "b.bin", "c.bin"):
        file_server.add(name, size=1_000)
    facts = answer.drive(into_a_taken_name, file_server.items, "b.bin")
    assert facts["failed"] == ["b.bin"]
    assert facts["digests"] == {name: file_server.digests[name] for name in ("a.bin", "c.bin")}


### END HIDDEN TESTS

# %% [markdown]
# ## 10 · Afterwards
#
# **Pitfalls.**
# A counter that is right in every test and has no lock is not right; it is lucky.
# A retry that appends to what an ignored Range header sent from the start gives you a file of plausible size.
# A timeout that is not set is infinite.
# `except Exception: pass` in a worker turns a bug into a missing file.
#
# **What professionals use.** [aria2](https://aria2.github.io/) and curl's `--parallel` for files; in Python,
# `requests` or `urllib3` with a pool for a few dozen connections, asyncio with aiohttp for thousands (challenge A1).
# They add what you left out: `If-Range`, so that a resumed file cannot be stitched together from two versions;
# checksums; limits per host; `Retry-After`.
#
# **Where one machine ends.** Threads share one network card and one disk. To fetch more than these can carry, you hand
# the manifest to many machines: a queue such as Celery or Ray's tasks, or an object store that replicates by itself.
# Your `transfer` would move there unchanged, because it takes all that it needs as arguments.
#
# **Read on.** [`concurrent.futures`](https://docs.python.org/3/library/concurrent.futures.html) ·
# [`threading`](https://docs.python.org/3/library/threading.html)
#
# **A question to think about.** Your pause holds back the reader, but the server goes on sending until the buffers on
# the way are full. Who decides how much may be in flight, and how would you find out how much it is?
