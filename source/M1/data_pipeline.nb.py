# ---
# jupyter:
#   weft:
#     concept: multiprocessing
#     difficulty: medium
#     focus: process pools, mergeable results, checkpoints
#     id: M1
#     minutes: 40-55
#     order: 3
#     title: Parallel data processing pipeline
# ---

# %% [markdown]
# # M1 · Parallel data processing pipeline
#
# | concept | difficulty | time | focus |
# |---|---|---|---|
# | multiprocessing | medium | 40–55 minutes | process pools, mergeable results, checkpoints |
#
# You write the job that runs every night in a company with many shops: read what the tills sent, throw out what is
# broken, convert, add up. With all cores, and so that a power switch costs minutes instead of the night.
#
# Afterwards you can
#
# - cut files into pieces that any process can work on by itself,
# - give back results that can be *merged* in any order, and say which cannot,
# - let worker processes report through a queue while they are at work,
# - write a *checkpoint* that is right whenever you are killed.

# %%
# %load_ext weft

# %% [markdown]
# ## 1 · The problem
#
# Each till sends a CSV file. The world below makes one night of them, on your disk: a large one, small ones, columns in
# another order, Windows line ends. The script that adds them up has nine lines.

# %% nbgrader={"grade": false, "grade_id": "naive", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module naive
"""The script as it is: one process, no doubts."""

import csv
from pathlib import Path


def revenue(path: Path) -> float:
    """What one till took, whatever the currency."""
    with open(path, encoding="utf-8", newline="") as file:
        return sum(int(row["quantity"]) * float(row["price"]) for row in csv.DictReader(file))


# %%
from naive import revenue

from weft.notebook import use_world

world = use_world("csv_factory")
world.add_night(4_000)
folder = world.write()
for path in sorted(folder.glob("*.csv")):
    try:
        print(f"{path.name:16}{path.stat().st_size:8,} bytes {revenue(path):14,.2f}")
    except (ValueError, KeyError, UnicodeDecodeError) as error:
        print(f"{path.name:16}{path.stat().st_size:8,} bytes {type(error).__name__}: {error}")

# %% [markdown]
# One bad row ends the file, and in the script as it ran at night, everything. Tills print a comma for a point, keyboards send
# Latin-1, somebody sells minus three pieces of bread. A pipeline *counts* such rows, with a reason, and goes on.
#
# The second problem is time. Say that each file needs a quarter of a second of real calculation: below, a function that
# holds the interpreter's lock (the *GIL*) for so long, as Python code does. First one file after the other, then four
# threads.

# %%
import time
from concurrent.futures import ThreadPoolExecutor

calculate = world.hook(seconds=0.25)
names = [path.name for path in sorted(folder.glob("*.csv"))[:8]]

started = time.perf_counter()
for name in names:
    calculate(name)
print(f"one after the other: {time.perf_counter() - started:.2f} s")

started = time.perf_counter()
with ThreadPoolExecutor(4) as pool:
    list(pool.map(calculate, names))
print(f"four threads:        {time.perf_counter() - started:.2f} s")

# %% [markdown]
# Four threads are no faster: one interpreter runs one thread at a time. A *process* has an interpreter of its own, with
# a lock of its own. The price is that it also has a memory of its own: what goes in and comes out is *pickled*, sent
# through a pipe, and made again on the other side. So send little: where a piece of a file lies, not its rows; its sums, not its
# sales.
#
# ```mermaid
# flowchart LR
#     files[("CSV files")] -- "split" --> plan["list of chunks"]
#     plan -- "where a chunk lies" --> pool
#     subgraph pool["worker processes"]
#         clean --> transform --> aggregate
#     end
#     files -- "each reads its own chunk" --> pool
#     pool -- "totals of a chunk" --> pipeline["Pipeline: merge"]
#     pool -. "queue: stage finished" .-> pipeline
#     pipeline -- "what is done, and its totals" --> checkpoint[("checkpoint")]
#     pipeline -. "progress" .-> you
# ```

# %% [markdown]
# ## 2 · What to build
#
# | must have | part |
# |---|---|
# | several files at once, and one large file by several processes: cut into chunks of whole records | 1 · `chunks` |
# | a stage that validates and cleans; bad rows are counted, with the reason | 2 · `cleaning` |
# | a stage that transforms, and one that analyses and aggregates, with results that can be merged | 3 · `transforming`, `aggregating` |
# | checkpoints: a run that was killed goes on where it was | 4 · `checkpoint` |
# | a pool of processes, a queue between them and you, progress reports | 5 · `pipeline` |
#
# | criterion | points | what is judged |
# |---|---|---|
# | correctness | 40 | totals to the cent, dropped rows to the row, wherever the files are cut |
# | concurrency | 30 | which processes were at work at the same moment; what a kill costs |
# | performance | 15 | CPU time beside a plain loop in the same run; speed-up where work holds the GIL |
# | quality | 10 | what a reviewer would send back |
# | errors | 5 | one bad file costs one file; what makes no sense is refused; a full disk is said |
#
# Each answer cell begins with `%%module NAME`: it is written to `NAME.py` and imported. A worker process imports it
# too. What is defined in a plain cell does not exist for it.

# %% [markdown]
# ## 3 · Warm-up
#
# A *process pool* is used as a thread pool is. The function that it calls must be importable, its arguments and its result must
# pickle.

# %% nbgrader={"grade": false, "grade_id": "warm_up", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module warm_up
"""Functions for worker processes. They stand in a module, so that any process can import them."""

import os
import time
from typing import Any

mine: dict[str, Any] = {}  # each process has its own


def nap(seconds: float) -> int:
    """Sleep, and tell which process did."""
    time.sleep(seconds)
    return os.getpid()


def remember(queue: Any) -> None:
    """Run once in each worker, before its first call: keep the queue for later."""
    mine["queue"] = queue


def report(number: int) -> int:
    """Say something on the way to the result."""
    mine["queue"].put(f"process {os.getpid()} has {number} in hand")
    return number * number


# %%
import os
from concurrent.futures import ProcessPoolExecutor

from warm_up import nap

with ProcessPoolExecutor(max_workers=3) as pool:
    print("workers:", set(pool.map(nap, [0.1] * 6)), " this notebook:", os.getpid())

# %% [markdown]
# A *queue* of `multiprocessing` is a pipe with a lock. It cannot be an argument of a call, because it must be there
# when the process is born. The pool has a place for that: an *initializer*, called once in each new worker.

# %%
import multiprocessing

from warm_up import remember, report

context = multiprocessing.get_context("forkserver")
queue = context.SimpleQueue()
with ProcessPoolExecutor(2, context, initializer=remember, initargs=(queue,)) as pool:
    print(list(pool.map(report, range(4))))
while not queue.empty():
    print(queue.get())

# %% [markdown]
# A pipe holds 64 KiB. When it is full, `put` waits until somebody reads. Here four lines fit. If it were four thousand, and nobody
# read before the pool was closed, the workers would wait for the reader and the reader for the workers.
#
# The *context* says how processes are born: *fork* copies this one, threads' locks and all; *spawn* starts a fresh
# interpreter; *forkserver* forks from a small clean one. A notebook's kernel has threads, so fork is a gamble in it.
#
# Last, how to write a file that is right whenever you are killed. Writing over it is not: between the first byte and the last there
# is half a file. `os.replace` is one step: before it everybody sees the old file, after it the new one.

# %%
import tempfile
from pathlib import Path

place = Path(tempfile.mkdtemp()) / "state"
place.write_text("old state")
draft = place.with_name("state.new")
draft.write_text("new state, which takes a while to write")
print("killed here, you have:", place.read_text())
os.replace(draft, place)
print("killed here, you have:", place.read_text())

# %% [markdown]
# ## 4 · Part 1: where a file may be cut
#
# One large file among small ones keeps one process busy while the others go home. So cut it. Not anywhere: a piece must
# begin and end between two *records*, and a record is not a line. A note may hold line ends, if it stands in quotes.

# %%
import csv

text = 'day,product,note\n2026-01-01,tea,"two lines\nof note"\n2026-01-02,"bread, brown","size 5"""\n'
print(len(text.splitlines()), "lines,", len(list(csv.reader(text.splitlines(keepends=True)))), "records with the header")

# %% [markdown]
# There is a rule that needs no parser. A quote inside a quoted field is written twice, so every quoted field has an even
# number of quote characters. From the beginning of a record, a line end is the end of a record exactly if the
# number of quotes before it is even. And bytes can be counted much faster than they can be parsed.

# %% nbgrader={"grade": false, "grade_id": "chunks", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module chunks
"""Where a file may be cut: pieces of whole records, each of which any process can read by itself."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

NEEDED = ("day", "product", "quantity", "price", "currency")  # a file may have more columns, in any order


class FileError(Exception):
    """A file that cannot be used; the message says which and why."""


class Chunk(NamedTuple):
    """Whole records of one file: its bytes from ``start`` to just before ``end``. ``columns`` are the file's."""

    path: str
    start: int
    end: int
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """The file's name, without its folder."""
        return Path(self.path).name

    def __str__(self) -> str:
        return f"{self.name}:{self.start}"


def columns_of(name: str, header: bytes) -> tuple[str, ...]:
    """The columns in a file's first record. Raises FileError if there is none, or if one of NEEDED is missing."""
    columns = tuple(next(csv.reader(io.StringIO(header.decode("utf-8", "replace"), newline="")), ()))
    if not columns:
        raise FileError(f"{name} is empty: it has not even a header")
    if missing := [column for column in NEEDED if column not in columns]:
        raise FileError(f"{name} has no column {', '.join(missing)}; its first line is no header, or not ours")
    return columns


def pass_over(file: BinaryIO, size: int) -> int:
    """Move on by ``size`` bytes or a little more, to the end of a record, and return the position there.

    ``file`` stands at the beginning of a record; with ``size`` 0 it moves on by one. At the end of the file it stays.
    """
    # TODO: after this, the position is the end of a record, also if a field in quotes holds line ends.
    ### BEGIN SOLUTION
    quotes = file.read(size).count(b'"')
    while line := file.readline():
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            break
    return file.tell()
    ### END SOLUTION


def split(path: Path, size: int) -> list[Chunk]:
    """Cut a file, without its header, into chunks of at least ``size`` bytes (the last may have fewer), in order.

    Each is as short as whole records allow, or one record longer. A file with a header alone has none. Raises
    FileError as ``columns_of`` does, and OSError if it cannot be read.
    """
    # TODO: after this, every record is in exactly one chunk.
    ### BEGIN SOLUTION
    chunks: list[Chunk] = []
    with open(path, "rb") as file:
        end = pass_over(file, 0)
        file.seek(0)
        columns = columns_of(path.name, file.read(end))
        while (start := end) < (end := pass_over(file, size)):
            chunks.append(Chunk(str(path), start, end, columns))
    return chunks
    ### END SOLUTION


def records(chunk: Chunk) -> Iterator[list[str]]:
    """The records of a chunk, each a list of its fields, as the csv module reads them.

    A byte that is no UTF-8 comes as a lone surrogate, as ``bytes.decode("utf-8", "surrogateescape")`` makes it. Raises
    FileError where the csv module gives up, and OSError if the file cannot be read.
    """
    ### BEGIN SOLUTION
    with open(chunk.path, "rb") as file:
        file.seek(chunk.start)
        text = file.read(chunk.end - chunk.start).decode("utf-8", "surrogateescape")
    try:
        yield from csv.reader(io.StringIO(text, newline=""))
    except csv.Error as error:
        raise FileError(f"{chunk.name} cannot be read to its end: {error}") from error
    ### END SOLUTION


# %% [markdown]
# Try it on the night's files, with pieces of 50,000 bytes.

# %%
try:
    for path in sorted(folder.glob("*.csv")):
        try:
            pieces = split(path, 50_000)
            print(f"{path.name:16}{len(pieces):3} chunks, {sum(1 for piece in pieces for _ in records(piece)):5} records")
        except FileError as error:
            print(error)
except NotImplementedError:
    print("Nothing to try yet: fill in pass_over, split and records first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# You stand at the beginning of a record, and have read 1,000 bytes with 7 quotes in them. Are you inside a field? And after the
# rest of this line, which holds 3 more?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`bytes.count`](https://docs.python.org/3/library/stdtypes.html#bytes.count), `file.readline()` and `file.tell()` of a file that
# is open as `"rb"`. For the records, [`csv.reader`](https://docs.python.org/3/library/csv.html#csv.reader) over
# `io.StringIO(text, newline="")`: without `newline=""` line ends in notes change.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `pass_over`: count in `size` bytes; then line by line, until the count is even or nothing comes.
# `split`: pass over the header; then pass over, again and again, from each end to the next, until the position does not move.
# `records`: seek, read, decode, `csv.reader`; turn `csv.Error` into `FileError`.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": false, "grade_id": "drives", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%drives
"""How the checks call your code. Nothing is judged here: each function calls your modules and returns what happened."""

import multiprocessing
import os
import resource
import signal
import time
import zlib
from pathlib import Path

from weft.worlds.chaos import after_steps
from weft.worlds.csv_factory import write_files
from weft.worlds.csv_hook import Hook
from weft.worlds.notes import read_notes


def fill(files, name="night"):
    """A folder with these files."""
    folder = Path(name).resolve()
    folder.mkdir(exist_ok=True)
    write_files(folder, files)
    return folder


def seal(fields):
    """A number that tells one record from another."""
    return zlib.crc32("\0".join(fields).encode("utf-8", "surrogateescape"))


def cut(files, size):
    """`split(path, size)`, and `records(chunk)` of each chunk"""
    from chunks import FileError, records, split

    found = {}
    for path in sorted(fill(files).glob("*.csv")):
        try:
            pieces = split(path, size)
            found[path.name] = {
                "ranges": [[piece.start, piece.end] for piece in pieces],
                "seals": [seal(fields) for piece in pieces for fields in records(piece)],
            }
        except FileError as error:
            found[path.name] = {"error": str(error)}
    return found


def clean_rows(rows, columns):
    """`clean(records, columns)`"""
    from cleaning import clean

    sales, dropped = clean(rows, columns)
    return {"sales": [list(sale) for sale in sales], "dropped": kept(dropped)}


def kept(counts):
    """Counts without those that are zero."""
    return {name: count for name, count in dict(counts).items() if count}


def clean_a_file(files):
    """`clean(records(chunk), chunk.columns)`, for all of a file"""
    from chunks import records, split
    from cleaning import clean

    dropped = {}
    for path in sorted(fill(files).glob("*.csv")):
        for piece in split(path, 1 << 20):
            dropped = kept(clean(records(piece), piece.columns)[1])
    return dropped


def transform_sales(sales):
    """`transform(sales)`"""
    from cleaning import Sale
    from transforming import transform

    return [list(entry) for entry in transform([Sale(*sale) for sale in sales])]


def told(totals):
    """Totals as facts: rows, dropped, and for each group sales, units, cents, smallest, largest."""
    groups = {
        f"{month} {product}": [group.sales, group.units, group.cents, group.smallest, group.largest]
        for (month, product), group in totals.groups.items()
    }
    return {"rows": totals.rows, "dropped": kept(totals.dropped), "groups": groups}


def means(totals):
    """The mean of each group."""
    return {f"{month} {product}": group.mean for (month, product), group in totals.groups.items()}


def totals_of(parts):
    """One `aggregate(entries, dropped)` for each part."""
    from aggregating import aggregate
    from transforming import Entry

    return [aggregate([Entry(*entry) for entry in part["entries"]], part["dropped"]) for part in parts]


def aggregate_once(part):
    """`aggregate(entries, dropped)`"""
    (totals,) = totals_of([part])
    return {**told(totals), "means": means(totals)}


def merge_parts(parts, order):
    """`totals.merge(other)`, for the parts in some order"""
    from aggregating import Totals

    whole, pieces = Totals(), totals_of(parts)
    for number in order:
        whole.merge(pieces[number])
    return {**told(whole), "means": means(whole), "parts": [told(piece) for piece in pieces]}


def save_and_load(parts):
    """`save(path, states)`, then `load(path)`"""
    from checkpoint import FileState, load, save

    path = Path("states").resolve()
    first = load(path)
    states = {
        f"{number}.csv": FileState(f"mark {number}", {number, 100 + number}, totals)
        for number, totals in enumerate(totals_of(parts))
    }
    save(path, states)
    found = load(path)
    return {
        "before": len(first),
        "states": {name: [state.mark, sorted(state.done), told(state.totals)] for name, state in found.items()},
        "wanted": {name: [state.mark, sorted(state.done), told(state.totals)] for name, state in states.items()},
    }


def processes_left():
    """What still runs below this process, half a second after; the helpers of multiprocessing itself may stay."""
    import psutil

    def lives(process):
        try:
            line = " ".join(process.cmdline())
            return process.status() != psutil.STATUS_ZOMBIE and "_tracker" not in line and "forkserver" not in line
        except psutil.Error:
            return False

    for _ in range(50):
        left = [process for process in psutil.Process().children(recursive=True) if lives(process)]
        if not left:
            return 0
        time.sleep(0.01)
    return len(left)


def run_in(folder, log, hook=None, checkpoint=None, report=None, **options):
    """`Pipeline(folder, …).run()`; `hook` are the options of a Hook that writes to `log`."""
    from checkpoint import CheckpointError
    from pipeline import Pipeline, PipelineError

    if hook is not None:
        options["hook"] = Hook(str(Path(log).resolve()), **hook)
    if checkpoint is not None:
        options["checkpoint"] = Path(checkpoint).resolve()
    facts = {"error": None, "totals": None, "rejected": {}, "reports": []}

    def listen(now):
        left = read_notes(Path(log)).count("leave") if hook is not None else None
        facts["reports"].append([now.share, now.done, now.chunks, left])
        if report is not None:
            report(now)

    try:
        found = Pipeline(folder, report=listen, **options).run()
        events = [[event.stage, event.worker, event.chunk, event.rows] for event in found.events]
        facts |= {"totals": told(found.totals), "rejected": found.rejected, "resumed": found.resumed, "events": events}
    except (PipelineError, CheckpointError, ValueError) as problem:
        facts["error"] = f"{type(problem).__name__}: {problem}"
    facts["trace"] = read_notes(Path(log)).to_json() if hook is not None else []
    return facts


def run_night(files, **options):
    """`Pipeline(folder, …).run()`"""
    facts = run_in(fill(files), "log", **options)
    return {**facts, "processes left": processes_left(), "own process": os.getpid()}


def note_kind(name):
    """A hook that notes how the process was born in which it is called."""
    with open("kinds", "a") as file:
        file.write(f"{type(multiprocessing.current_process()).__name__}\n")


def run_by_method(files, method):
    """`Pipeline(folder, workers=2, method=…).run()`"""
    from pipeline import Pipeline

    found = Pipeline(fill(files), workers=2, method=method, hook=note_kind).run()
    kinds = Path("kinds").read_text().split() if Path("kinds").exists() else []
    return {"totals": told(found.totals), "events": len(found.events), "kinds": sorted(set(kinds))}


def run_for_totals(files, sizes):
    """`Pipeline(folder, chunk_size=…).run()`"""
    folder = fill(files)
    return {str(size): run_in(folder, "log", workers=2, method="fork", chunk_size=size)["totals"] for size in sizes}


def run_and_forget(files, **options):
    """`Pipeline(folder, workers=2, …).run()`"""
    return {"totals": run_in(fill(files), "log", workers=2, method="fork", **options)["totals"]}


def run_twice(files, later=None, **options):
    """`Pipeline(folder, checkpoint=…).run()`, and once more"""
    options = {"workers": 2, "method": "fork", "checkpoint": "states", "hook": {}, **options}
    folder = fill(files)
    first = run_in(folder, "first log", **options)
    if later is not None:
        write_files(folder, {name: file for name, file in later.items() if files.get(name) != file})
        for name in files.keys() - later.keys():
            (folder / name).unlink()
    return {"first": first, "second": run_in(folder, "second log", **options)}


def killed_run(folder, moment, checkpoint, **options):
    """Run in a process of its own that is killed with all below it, when `moment(progress)` says so."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        try:
            run_in(folder, "first log", report=moment, checkpoint=checkpoint, workers=2, method="fork", **options)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def kill_all():
    """What a power switch does."""
    os.killpg(0, signal.SIGKILL)


def run_killed(files, done, later=None, **options):
    """`Pipeline(folder, checkpoint=…).run()`, killed with SIGKILL as soon as it reports so many chunks; then once more"""
    folder = fill(files)

    def moment(now):
        if now.done >= done:
            Path("told").write_text(f"{now.done} {now.chunks}")
            kill_all()

    killed = killed_run(folder, moment, "states", hook={}, **options)
    words = Path("told").read_text().split() if killed else ["0", "0"]
    options |= {"workers": 2, "method": "fork", "checkpoint": "states", "hook": {}, **(later or {})}
    second = run_in(folder, "second log", **options)
    return {"killed": killed, "done": int(words[0]), "chunks": int(words[1]), "second": second}


def killer(step):
    """Something that hears of progress, and kills all so many lines of the answer's code after the first chunk."""
    left = [step]

    def moment(now):
        if now.done and left:
            after_steps(left.pop(), kill_all)

    return moment


def run_killed_at_steps(files, steps, **options):
    """`Pipeline(folder, checkpoint=…).run()`, killed so many lines of your code after its first chunk; then once more"""
    folder, found = fill(files), []
    for step in steps:
        killed_run(folder, killer(step), f"states {step}", hook={"seconds": 0.01}, **options)
        facts = run_in(folder, "log", workers=2, method="fork", checkpoint=f"states {step}", **options)
        found.append([step, facts["totals"], facts["error"]])
    return found


def run_on_a_full_disk(files, done, room, **options):
    """`Pipeline(folder, checkpoint=…).run()` with `room` bytes left for a file, between two runs with room enough"""
    folder = fill(files)
    killed_run(folder, lambda now: now.done >= done and kill_all(), "states", **options)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    full = run_in(folder, "log", workers=2, method="fork", checkpoint="states", **options)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    after = run_in(folder, "log", workers=2, method="fork", checkpoint="states", hook={}, **options)
    return {"full": full["error"], "done": max((done for _, done, _, _ in full["reports"]), default=0), "after": after}


def report_in_time(files):
    """`Pipeline(folder, report=…).run()`, with a chunk that waits until you have reported its stage `clean`"""
    sign, heard = Path("sign").resolve(), {}

    def listen(now):
        for worker, stage in now.stages.items():
            if stage == "clean" and not heard:
                heard.update({"worker": worker, "done": now.done})
                sign.touch()

    hook = {"waits_for": str(sign), "patience": 3.0}
    facts = run_in(fill(files), "log", hook=hook, report=listen, workers=2, method="fork")
    return {"heard": heard, "own process": os.getpid(), "trace": facts["trace"], "error": facts["error"]}


def run_after_a_death(files, kills, **options):
    """`Pipeline(folder, checkpoint=…).run()`, while a worker is killed in one of the files; then once more"""
    folder = fill(files)
    options = {"workers": 2, "method": "fork", "checkpoint": "states", **options}
    first = run_in(folder, "first log", hook={"kills": kills}, **options)
    left = processes_left()
    return {"first": first["error"], "left": left, "second": run_in(folder, "second log", **options)["totals"]}


def refuse(files, **options):
    """`Pipeline(folder, …)` with something wrong in it"""
    from pipeline import Pipeline

    try:
        Pipeline(fill(files), **options)
        return "no error"
    except ValueError as problem:
        return f"ValueError: {problem}"


# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-chunks", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
import csv
import io
import zlib

from weft.judge import points, requires


def read_whole(file):
    """All records of a file after its header, by one reader that never stops."""
    body = file["body"].encode("latin-1").decode("utf-8", "surrogateescape")
    return list(csv.reader(io.StringIO(body, newline=""))) * file["copies"]


def differs(files, found, size):
    """Where the records in the chunks differ from those in the files, in a sentence; empty if nowhere."""
    for name, file in files.items():
        wanted, seals = read_whole(file), found[name]["seals"]
        for number, fields in enumerate(wanted):
            seal = zlib.crc32("\0".join(fields).encode("utf-8", "surrogateescape"))
            if number >= len(seals) or seals[number] != seal:
                return f"Cut at {size:,} bytes, {name} loses or changes record {number + 1} of {len(wanted)}: {fields}"
        if len(seals) > len(wanted):
            return f"Cut at {size:,} bytes, {name} has {len(wanted)} records; your chunks hold {len(seals)}."
    return ""


@points(3)
def test_every_record_once(answer, csv_factory):
    """Every record is in exactly one chunk, whether the file is cut at 1 KiB, at 1 MiB or at a prime."""
    csv_factory.add("a.csv", 300)
    csv_factory.add("b.csv", 50, dirt=0.0)
    for size in (1 << 10, 1 << 20, 1_009):
        assert differs(csv_factory.files, answer.drive(cut, csv_factory.files, size), size) == ""


@points(2)
@requires("test_every_record_once")
def test_chunks_are_small(answer, csv_factory):
    """Chunks follow one another without a gap, and each has the size that was asked for, or a little more."""
    csv_factory.add("a.csv", 400)
    ranges = answer.drive(cut, csv_factory.files, 2_000)["a.csv"]["ranges"]
    file = csv_factory.files["a.csv"]
    assert ranges[0][0] == len(file["header"]), "The first chunk begins after the header."
    assert ranges[-1][1] == len(file["header"]) + len(file["body"]), "The last chunk ends with the file."
    assert [end for _, end in ranges[:-1]] == [start for start, _ in ranges[1:]]
    lengths = [end - start for start, end in ranges]
    assert all(2_000 <= length <= 2_400 for length in lengths[:-1]), "No record here is longer than 200 bytes."
    assert lengths[-1] <= 2_400, f"The last of {len(lengths)} chunks has {lengths[-1]:,} bytes; 2,000 were asked for."


### BEGIN HIDDEN TESTS
@points(2)
@requires("test_every_record_once")
def test_records_longer_than_a_chunk(answer, csv_factory):
    """Records that are longer than a chunk stay whole, and so does a last record without a line end; also with Windows line ends."""
    csv_factory.add("a.csv", 80, awkward=0.9)
    csv_factory.add("b.csv", 60, awkward=0.9, newline="\r\n")
    files = csv_factory.files
    for file in files.values():
        file["body"] = file["body"].rstrip("\r\n")
    for size in (1, 7, 4_096):
        assert differs(files, answer.drive(cut, files, size), size) == ""


@points(2)
@requires("test_every_record_once")
def test_files_of_no_use(answer, csv_factory):
    """An empty file and one without a column that is needed are a FileError; one with a header alone has no chunk."""
    csv_factory.add("closed.csv", 0)
    csv_factory.add_useless("empty.csv")
    csv_factory.add_useless("unpriced.csv", "day,store,product,quantity,currency,note\n2026-01-01,1,tea,1,EUR,\n")
    found = answer.drive(cut, csv_factory.files, 1_000)
    assert found["closed.csv"] == {"ranges": [], "seals": []}
    assert "error" in found["empty.csv"] and "error" in found["unpriced.csv"]


### END HIDDEN TESTS

# %% [markdown]
# ## 5 · Part 2: validate and clean
#
# Each row is good, or is dropped for one reason: the first that applies, in this order.
#
# | reason | a good row has |
# |---|---|
# | columns | as many fields as the file has columns |
# | encoding | no field with a byte that is no UTF-8 (it comes as a character from `\udc80` to `\udcff`) |
# | day | `YYYY-MM-DD`, and there is such a day |
# | product | not nothing |
# | quantity | a whole number of at least 1, in the digits 0 to 9 |
# | price | digits, and perhaps a point or a comma with one or two more |
# | currency | one that has a rate |
#
# Spaces around a field do not count. A product is written in many ways: make it lower case, with one space between its
# words. Prices become whole hundredths: money in floats is off by a cent sooner or later.
#
# `int` and `date.fromisoformat` are more generous than this table. `int("1_000")`, `int("-3")` and `int("٣")` all succeed, and
# `20260314` is a date.

# %% nbgrader={"grade": false, "grade_id": "cleaning", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module cleaning
"""The first stage: records in, sales out; what is no sale is counted, with the reason."""

import operator
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from chunks import NEEDED

#: What one unit of each currency is worth, in ten-thousandths of a euro.
RATES = {"EUR": 10_000, "CHF": 10_500, "GBP": 11_700, "SEK": 900}


class Sale(NamedTuple):
    """A good row. ``price`` is for one piece, in hundredths of ``currency``."""

    day: str
    product: str
    quantity: int
    price: int
    currency: str


class BadRow(Exception):
    """A row that is dropped. ``reason`` is a word: columns, encoding, day, product, quantity, price or currency."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def clean(records: Iterable[list[str]], columns: Sequence[str]) -> tuple[list[Sale], Counter[str]]:
    """The sales among ``records``, and how many rows were dropped for each reason.

    ``columns`` are the file's, in its order; NEEDED are among them.
    """
    # TODO: after this, each record is one sale or one dropped row, and no row can end the work on the others.
    ### BEGIN SOLUTION
    pick = operator.itemgetter(*(columns.index(name) for name in NEEDED))
    sales: list[Sale] = []
    dropped: Counter[str] = Counter()
    for record in records:
        try:
            if len(record) != len(columns):
                raise BadRow("columns")
            if not is_utf8("".join(record)):
                raise BadRow("encoding")
            day, product, quantity, price, currency = pick(record)
            sale = Sale(as_day(day), as_product(product), as_quantity(quantity), as_price(price), as_currency(currency))
        except BadRow as bad:
            dropped[bad.reason] += 1
        else:
            sales.append(sale)
    return sales, dropped


def is_utf8(text: str) -> bool:
    """Whether no byte was left over when ``text`` was decoded."""
    if text.isascii():
        return True
    return not any("\udc80" <= letter <= "\udcff" for letter in text)


# A column repeats itself, so what has been looked at once is remembered.
@lru_cache(maxsize=1 << 12)
def as_day(field: str) -> str:
    """A day as it is written, without spaces. Raises BadRow."""
    text = field.strip()
    try:
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        raise BadRow("day") from None
    raise BadRow("day")


@lru_cache(maxsize=1 << 12)
def as_product(field: str) -> str:
    """A product in its one spelling. Raises BadRow."""
    if words := field.lower().split():
        return " ".join(words)
    raise BadRow("product")


@lru_cache(maxsize=1 << 12)
def as_quantity(field: str) -> int:
    """How many pieces. Raises BadRow."""
    text = field.strip()
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise BadRow("quantity")


@lru_cache(maxsize=1 << 14)
def as_price(field: str) -> int:
    """A price in hundredths. Raises BadRow."""
    found = re.fullmatch(r"([0-9]+)(?:[.,]([0-9]{1,2}))?", field.strip())
    if found is None:
        raise BadRow("price")
    return 100 * int(found[1]) + int((found[2] or "0").ljust(2, "0"))


@lru_cache(maxsize=1 << 8)
def as_currency(field: str) -> str:
    """A currency that has a rate. Raises BadRow."""
    if field.strip() in RATES:
        return field.strip()
    raise BadRow("currency")
    ### END SOLUTION


# %% [markdown]
# Try it on six rows. How many sales do you expect?

# %%
columns = ("day", "product", "quantity", "price", "currency", "note")
try:
    sales, dropped = clean(
        [
            ["2026-03-14", "Green  Tea", "2", "3,5", "EUR", ""],
            ["2026-02-30", "bread", "1", "2.80", "EUR", ""],
            ["2026-03-14", "bread", "1_000", "2.80", "EUR", "a thousand"],
            ["2026-03-14", "", "-3", "free", "XXX", ""],
            ["2026-03-14", " apples ", "12", "1", "SEK", ""],
            ["2026-03-14", "bread", "1"],
        ],
        columns,
    )
    print(*sales, dropped, sep="\n")
except NotImplementedError:
    print("Nothing to try yet: fill in clean first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# Which of these rules can be tested without converting anything? And which conversion raises an error that is not yours, and would
# end the loop?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`re.fullmatch`](https://docs.python.org/3/library/re.html#re.fullmatch) with `[0-9]`, not `\d`, which knows the digits of all
# scripts. `str.isascii` and `str.isdigit` together. `date.fromisoformat(text).isoformat() == text`.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# A function for each field: takes its text, returns the value or raises `BadRow("price")`. `clean`: for each record `try` length,
# encoding, then the five fields in order; `except BadRow` counts; `else` appends. The first `raise` is the reason by itself.
# For speed: `functools.lru_cache` on the field functions.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-cleaning", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires

COLUMNS = ["store", "day", "product", "quantity", "price", "currency", "note"]


@points(3)
def test_good_rows(answer):
    """Good rows become sales: spaces gone, products in one spelling, prices in hundredths."""
    rows = [
        ["1", "2026-03-14", "Green  Tea", " 2", "3,5", "EUR", "for one, in part"],
        ["2", " 2026-02-28", " crème fraîche ", "011 ", "12.05", "SEK", ""],
        ["3", "2026-01-01", "SALT", "1", "7", " GBP ", "two\nlines"],
    ]
    facts = answer.drive(clean_rows, rows, COLUMNS)
    assert facts == {
        "sales": [
            ["2026-03-14", "green tea", 2, 350, "EUR"],
            ["2026-02-28", "crème fraîche", 11, 1205, "SEK"],
            ["2026-01-01", "salt", 1, 700, "GBP"],
        ],
        "dropped": {},
    }


@points(2)
@requires("test_good_rows")
def test_bad_rows(answer):
    """A bad row is counted, with the reason, and the rows after it are not lost."""
    good = ["1", "2026-03-14", "tea", "2", "3.50", "EUR", ""]
    bad = {"day": "yesterday", "product": "  ", "quantity": "three", "price": "free", "currency": "XXX"}
    for name, wrong in bad.items():
        row = [wrong if column == name else value for column, value in zip(COLUMNS, good, strict=True)]
        facts = answer.drive(clean_rows, [row, good], COLUMNS)
        assert (facts["dropped"], len(facts["sales"])) == ({name: 1}, 1), f"The bad row is {row}."
    facts = answer.drive(clean_rows, [good[:-1], [*good, "more"], good], COLUMNS)
    assert (facts["dropped"], len(facts["sales"])) == ({"columns": 2}, 1), "One row is too short, one too long."


### BEGIN HIDDEN TESTS
@points(2)
@requires("test_good_rows")
def test_strange_fields(answer):
    """What int and fromisoformat accept and the table does not is dropped: 1_000, -3, 20260314, digits of other scripts."""
    good = ["1", "2026-03-14", "tea", "2", "3.50", "EUR", ""]
    bad = {
        "day": ("20260314", "2026-W11-6", "2026-02-30", "2026-3-4", ""),
        "quantity": ("1_000", "-3", "٣", "0", "2.5", "+1", ""),
        "price": ("1.234", "1e3", "nan", "1.", ".5", "-1.00", "٣", ""),
        "currency": ("EURO", "eur", ""),
    }
    for name, fields in bad.items():
        rows = [[field if column == name else value for column, value in zip(COLUMNS, good, strict=True)] for field in fields]
        facts = answer.drive(clean_rows, rows, COLUMNS)
        assert facts == {"sales": [], "dropped": {name: len(fields)}}, f"None of these is a {name}: {', '.join(fields)}"


@points(2)
@requires("test_good_rows")
def test_the_first_reason_counts(answer, csv_factory):
    """In a file of nothing but bad rows, each is counted once, for the first reason that applies."""
    csv_factory.add("a.csv", 700, dirt=1.0)
    assert answer.drive(clean_a_file, csv_factory.files) == csv_factory.truth["dropped"]


### END HIDDEN TESTS

# %% [markdown]
# ## 6 · Part 3: transform, analyse and aggregate
#
# Two stages are left. One turns each sale into an *entry*: its month, its product, and its worth in whole euro cents. Half a cent goes
# up. Python's `round` would send it to the even neighbour, and a float might not see it at all.

# %% nbgrader={"grade": false, "grade_id": "transforming", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module transforming
"""The second stage: sales in, entries out, all in one currency."""

from collections.abc import Iterable
from typing import NamedTuple

from cleaning import RATES, Sale


class Entry(NamedTuple):
    """What a sale adds to the books. ``month`` is as in ``2026-03``, ``cents`` are euro cents."""

    month: str
    product: str
    units: int
    cents: int


def transform(sales: Iterable[Sale]) -> list[Entry]:
    """An entry for each sale. Its worth is quantity × price × rate; half a cent goes up."""
    ### BEGIN SOLUTION
    return [
        Entry(day[:7], product, quantity, (quantity * price * RATES[currency] + 5_000) // 10_000)
        for day, product, quantity, price, currency in sales
    ]
    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# Prices are hundredths, rates ten-thousandths. By what must their product be divided to give cents?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`//`](https://docs.python.org/3/library/stdtypes.html#numeric-types-int-float-complex) rounds down, always exactly. What must
# you add before it, so that half goes up?
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# A list with one `Entry` for each sale; the month is the first seven characters of the day; add half of the divisor, then divide
# with `//`.
#
# </details>

# %% [markdown]
# The last stage adds entries up, by month and product. Many processes do that at the same time, each for its own chunks, so the
# results must be *mergeable*: merging the totals of two chunks gives the totals of both together, in any order.
#
# Counts, sums, smallest and largest merge. A mean does not: 10 from one sale and 20 from three make neither 15 nor
# anything else, unless you kept the counts. So keep what merges, and divide when somebody asks.

# %% nbgrader={"grade": false, "grade_id": "aggregating", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module aggregating
"""The third stage: entries in, totals out. Totals of parts can be merged into totals of the whole."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from transforming import Entry


@dataclass
class Group:
    """All sales of one product in one month. Money is in euro cents; smallest and largest are single sales."""

    sales: int
    units: int
    cents: int
    smallest: int
    largest: int

    @property
    def mean(self) -> float:
        """Euro cents in a sale."""
        ### BEGIN SOLUTION
        return self.cents / self.sales
        ### END SOLUTION

    def merge(self, other: "Group") -> None:
        """Take in ``other``, which stays as it is."""
        ### BEGIN SOLUTION
        self.sales += other.sales
        self.units += other.units
        self.cents += other.cents
        self.smallest = min(self.smallest, other.smallest)
        self.largest = max(self.largest, other.largest)
        ### END SOLUTION


@dataclass
class Totals:
    """What is known of some rows: how many there were, how many were dropped and why, and a group for each (month, product)."""

    rows: int = 0  # dropped ones too
    dropped: Counter[str] = field(default_factory=Counter)
    groups: dict[tuple[str, str], Group] = field(default_factory=dict)

    def merge(self, other: "Totals") -> None:
        """Take in ``other``, which stays as it is, also when this one changes later."""
        # TODO: after this, self is what it would be if one process had seen the rows of both.
        ### BEGIN SOLUTION
        self.rows += other.rows
        self.dropped.update(other.dropped)
        for key, group in other.groups.items():
            if key in self.groups:
                self.groups[key].merge(group)
            else:
                self.groups[key] = Group(group.sales, group.units, group.cents, group.smallest, group.largest)
        ### END SOLUTION

    def to_json(self) -> dict[str, Any]:
        """The same in what JSON can hold."""
        groups = [[*key, asdict(group)] for key, group in self.groups.items()]
        return {"rows": self.rows, "dropped": dict(self.dropped), "groups": groups}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Totals":
        """The inverse of ``to_json``."""
        groups = {(month, product): Group(**group) for month, product, group in data["groups"]}
        return cls(data["rows"], Counter(data["dropped"]), groups)


def aggregate(entries: Iterable[Entry], dropped: Mapping[str, int]) -> Totals:
    """The totals of one chunk: its entries, and how many of its rows were dropped for each reason."""
    ### BEGIN SOLUTION
    totals = Totals(sum(dropped.values()), Counter(dropped))
    groups = totals.groups
    for month, product, units, cents in entries:
        totals.rows += 1
        group = groups.get((month, product))
        if group is None:
            groups[month, product] = Group(1, units, cents, cents, cents)
            continue
        group.sales += 1
        group.units += units
        group.cents += cents
        if cents < group.smallest:
            group.smallest = cents
        elif cents > group.largest:
            group.largest = cents
    return totals
    ### END SOLUTION


# %% [markdown]
# Try all three stages on one file, in this process.

# %%
from IPython.display import display

from weft.charts import dropped_rows

try:
    whole = Totals()
    for piece in split(folder / "a-large.csv", 50_000):
        sales, dropped = clean(records(piece), piece.columns)
        whole.merge(aggregate(transform(sales), dropped))
    for (month, product), group in sorted(whole.groups.items())[:5]:
        print(f"{month} {product:14}{group.sales:5} sales {group.cents / 100:12,.2f} EUR, {group.mean / 100:7.2f} in a sale")
    display(dropped_rows(whole.dropped, whole.rows))
except NotImplementedError:
    print("Nothing to try yet: fill in transform, merge and aggregate first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# Two chunks have a group for the same month and product, a third has one that nobody else has. What must `merge` do with each?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`Counter.update`](https://docs.python.org/3/library/collections.html#collections.Counter.update) adds, where the one of a
# dictionary replaces. [`dataclasses.replace(group)`](https://docs.python.org/3/library/dataclasses.html#dataclasses.replace) without
# changes is a copy.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `Totals.merge`: add rows; update dropped; for each group of the other: merge it into ours, or put a *copy* here.
# `aggregate`: begin with the dropped rows; for each entry, a new group of one sale, or one more in the group that is there.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-totals", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
import itertools
import random

from weft.judge import points, requires


def entries_and_sums(seed, count=200):
    """Entries from a seed, and for each group sales, units, cents, smallest and largest."""
    pick, entries, sums = random.Random(seed), [], {}
    for _ in range(count):
        month, product = f"2026-0{pick.randrange(1, 4)}", pick.choice(["tea", "green tea"])
        units, cents = pick.randrange(1, 9), pick.randrange(100, 99_999)
        entries.append([month, product, units, cents])
        sums.setdefault(f"{month} {product}", []).append((units, cents))
    groups = {
        key: [len(each), sum(u for u, _ in each), sum(c for _, c in each), min(c for _, c in each), max(c for _, c in each)]
        for key, each in sums.items()
    }
    return entries, groups


@points(2)
def test_euro_cents(answer):
    """Sales become entries in euro cents, and half a cent goes up."""
    sales = [
        ["2026-03-14", "tea", 3, 250, "EUR"],
        ["2026-03-15", "tea", 1, 1_999, "CHF"],
        ["2026-12-31", "salt", 7, 99, "SEK"],
        ["2026-01-01", "bread", 1, 10, "CHF"],
        ["2026-01-01", "bread", 1, 50, "SEK"],
    ]
    wanted = [
        ["2026-03", "tea", 3, 750],
        ["2026-03", "tea", 1, 2_099],
        ["2026-12", "salt", 7, 62],
        ["2026-01", "bread", 1, 11],
        ["2026-01", "bread", 1, 5],
    ]
    assert answer.drive(transform_sales, sales) == wanted, "10.5 cents are 11, 4.5 are 5."


@points(2)
@requires("test_euro_cents")
def test_groups(answer):
    """Entries are added up by month and product, with the smallest, the largest and the mean sale."""
    entries, groups = entries_and_sums("visible")
    facts = answer.drive(aggregate_once, {"entries": entries, "dropped": {"day": 3, "price": 4}})
    assert facts["rows"] == 207, "200 entries, and 7 rows that were dropped."
    assert facts["dropped"] == {"day": 3, "price": 4}
    assert facts["groups"] == groups
    means = {key: group[2] / group[0] for key, group in groups.items()}
    assert {key: round(mean, 6) for key, mean in facts["means"].items()} == {key: round(m, 6) for key, m in means.items()}


### BEGIN HIDDEN TESTS
@points(2)
@requires("test_groups")
def test_parts_make_the_whole(answer):
    """The totals of parts, merged in any order, are the totals of the whole; means too."""
    entries, groups = entries_and_sums("hidden")
    bounds = [0, 1, 7, 120, 120, 200]
    parts = [
        {"entries": entries[start:stop], "dropped": {"day": stop, "price": 1}}
        for start, stop in itertools.pairwise(bounds)
    ]
    for order in ([0, 1, 2, 3, 4], [3, 4, 2, 0, 1]):
        facts = answer.drive(merge_parts, parts, order)
        assert (facts["rows"], facts["dropped"]) == (200 + 448 + 5, {"day": 448, "price": 5})
        assert facts["groups"] == groups
        for key, group in groups.items():
            assert abs(facts["means"][key] - group[2] / group[0]) < 1e-6, f"The mean of {key} is not that of all its sales."


@points(2)
@requires("test_groups")
def test_merging_leaves_the_other_alone(answer):
    """What was merged into a whole is not changed by what is merged into it later."""
    parts = [
        {"entries": [["2026-01", "tea", 1, 100]], "dropped": {"day": 1}},
        {"entries": [["2026-01", "tea", 2, 300], ["2026-02", "tea", 1, 50]], "dropped": {"day": 2}},
    ]
    facts = answer.drive(merge_parts, parts, [0, 1])
    first, second = facts["parts"]
    assert first == {"rows": 2, "dropped": {"day": 1}, "groups": {"2026-01 tea": [1, 1, 100, 100, 100]}}
    assert second["groups"]["2026-02 tea"] == [1, 1, 50, 50, 50]


### END HIDDEN TESTS

# %% [markdown]
# ## 7 · Part 4: a checkpoint
#
# What must be on disk, so that a run can be killed at any moment? For each file: which of its chunks are done, and their
# totals together. Both in the same file, written in one step. If they were two, a kill between them would leave a chunk that is
# marked and not counted, or counted and not marked.
#
# The files may change between two runs: a till sends a correction. A *mark* tells whether a file is still the one
# that was counted. Its size is not enough; size and time of the last change are what `make` and `rsync` trust. The chunk size
# belongs to it too: other chunks begin elsewhere.

# %% nbgrader={"grade": false, "grade_id": "checkpoint", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module checkpoint
"""What is done, on disk: right whenever the program is killed."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aggregating import Totals


class CheckpointError(Exception):
    """A checkpoint cannot be written or read; the message says which and why."""


@dataclass
class FileState:
    """How far one file is: the ``start`` of each chunk that is done, and the totals of these chunks together."""

    mark: str
    done: set[int] = field(default_factory=set)
    totals: Totals = field(default_factory=Totals)


def mark_of(path: Path, chunk_size: int) -> str:
    """Some text that changes when the file does, or the size of its chunks. Raises OSError."""
    # TODO: after this, a file that was written anew has another mark, also if it is as long as before.
    ### BEGIN SOLUTION
    about = path.stat()
    return f"{about.st_size} {about.st_mtime_ns} {chunk_size}"
    ### END SOLUTION


def save(path: Path, states: Mapping[str, FileState]) -> None:
    """Write the states of all files, by their names.

    Raises CheckpointError if that is not possible: the disk is full, the folder is not there. What was saved before is still
    there then, and whole.
    """
    # TODO: after this, path holds the new states; at any moment before, it holds the old ones.
    ### BEGIN SOLUTION
    data = {name: [state.mark, sorted(state.done), state.totals.to_json()] for name, state in states.items()}
    draft = path.with_name(f"{path.name}.new")
    try:
        draft.write_text(json.dumps(data), encoding="utf-8")
        os.replace(draft, path)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be written: {error.strerror}. What was saved before is kept.") from error
    ### END SOLUTION


def load(path: Path) -> dict[str, FileState]:
    """The states that were saved last; none if there is no such file. Raises CheckpointError if it holds anything else."""
    ### BEGIN SOLUTION
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {name: FileState(mark, set(done), Totals.from_json(told)) for name, (mark, done, told) in data.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{path} is no checkpoint that can be read: {error}") from error
    ### END SOLUTION


# %% [markdown]
# Try it: save, load, and look at the folder.

# %%
place = Path(tempfile.mkdtemp()) / "states.json"
try:
    save(place, {"a.csv": FileState(mark_of(folder / "a-large.csv", 1_000), {12, 1_034}, Totals(rows=20))})
    print(load(place)["a.csv"], [path.name for path in place.parent.iterdir()], sep="\n")
except NotImplementedError:
    print("Nothing to try yet: fill in mark_of, save and load first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# The disk is full in the middle of `save`. What is under the checkpoint's name then?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`os.replace`](https://docs.python.org/3/library/os.html#os.replace), from the warm-up, within one folder.
# [`Path.stat`](https://docs.python.org/3/library/pathlib.html#pathlib.Path.stat) has `st_size` and `st_mtime_ns`.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `save`: a dictionary of plain values (a set is none: sort it) → JSON → a draft beside the file → replace; `OSError` becomes
# `CheckpointError`. `load`: not there means `{}`; anything that is not what `save` writes means `CheckpointError`.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-checkpoint", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points


@points(2)
def test_saved_and_loaded(answer):
    """What was saved is loaded again: marks, chunks that are done, totals. Without a file there is nothing."""
    parts = [
        {"entries": [["2026-01", "green tea", 1, 100], ["2026-02", "crème fraîche", 2, 300]], "dropped": {"day": 1}},
        {"entries": [], "dropped": {}},
    ]
    facts = answer.drive(save_and_load, parts)
    assert facts["before"] == 0
    assert facts["states"] == facts["wanted"]


# %% [markdown]
# ## 8 · Part 5: the pipeline
#
# Now processes. A worker gets a chunk, which is a name and two numbers; it runs all stages over it, and gives back
# totals, which are a few hundred numbers. The rows never travel.
#
# `process` does this for one chunk, in whichever process calls it. It *tells* when a stage is finished. In a worker, what it tells
# goes into the queue, and you read the queue while you wait for results. `hook` is a stage of somebody else's; the checks pass one
# that takes time and writes down when.
#
# Two rules keep a run safe. First save, then report: what was reported as done is never done again. And whoever
# waits for workers also empties their queue: a worker that cannot put cannot end.

# %% nbgrader={"grade": false, "grade_id": "pipeline", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module pipeline
"""All stages, by many processes: chunks out, totals in, progress all the while, and a checkpoint."""

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from aggregating import Totals, aggregate
from checkpoint import FileState, load, mark_of, save
from chunks import Chunk, FileError, records, split
from cleaning import clean
from transforming import transform


class PipelineError(Exception):
    """The run could not be finished; the message says why."""


class StageEvent(NamedTuple):
    """A worker (a process id) has finished a stage of a chunk. ``time`` is that of ``time.monotonic``."""

    time: float
    worker: int
    stage: str  # clean, hook, transform or aggregate
    chunk: str
    rows: int  # that went into the stage; 0 for hook
    seconds: float  # that it took


@dataclass(frozen=True)
class Progress:
    """How it stands. ``share`` is 0.0 to 1.0, of the bytes in all chunks; it is 1.0 only when every chunk is done."""

    share: float
    done: int  # chunks, with those of earlier runs
    chunks: int  # in all
    rows: int  # in chunks that are done
    dropped: int  # of these rows
    files: dict[str, float]  # the share of each file
    stages: dict[int, str]  # worker -> the stage that it finished last


@dataclass(frozen=True)
class Report:
    """What came of a run. ``rejected`` maps the names of files that could not be used to the reason."""

    totals: Totals
    rejected: dict[str, str]
    events: list[StageEvent]  # of this run, all of them
    resumed: int  # chunks that an earlier run had done


def ignore(_: Any) -> None:
    """Listen to nothing."""


def process(
    chunk: Chunk, hook: Callable[[str], None] | None = None, tell: Callable[[StageEvent], None] = ignore
) -> Totals:
    """Run all stages over one chunk, in this process: clean, ``hook(str(chunk))`` if there is one, transform, aggregate.

    Calls ``tell`` after each. Raises FileError or OSError if the chunk cannot be read.
    """
    # TODO: this; and below it what a worker runs: something to begin with (the queue, the hook), something for each chunk.
    ### BEGIN SOLUTION
    began = time.monotonic()

    def finished(stage: str, rows: int) -> None:
        nonlocal began
        now = time.monotonic()
        tell(StageEvent(now, os.getpid(), stage, str(chunk), rows, now - began))
        began = now

    sales, dropped = clean(records(chunk), chunk.columns)
    finished("clean", len(sales) + sum(dropped.values()))
    if hook is not None:
        hook(str(chunk))
        finished("hook", 0)
    entries = transform(sales)
    finished("transform", len(sales))
    totals = aggregate(entries, dropped)
    finished("aggregate", len(entries))
    return totals


_own: dict[str, Any] = {}  # in a worker: the queue and the hook


def begin(queue: Any, hook: Callable[[str], None] | None) -> None:
    """Run once in each worker."""
    _own.update(tell=queue.put, hook=hook)


def work(chunk: Chunk) -> Totals:
    """Run in a worker, for each chunk."""
    return process(chunk, **_own)
    ### END SOLUTION


class Pipeline:
    """Adds up all CSV files of ``folder`` with so many ``workers``, in chunks of ``chunk_size`` bytes.

    ``checkpoint`` is the file to which it is saved what is done, and from which the next run goes on. ``method`` is how processes
    are born: "fork", "spawn", "forkserver", or None for what multiprocessing takes by itself. ``hook`` goes to
    ``process``. ``report`` is called with the progress at the beginning, when a worker tells something, and when
    chunks are done *and saved*; never twice at once, and share and done never fall. Raises ValueError for
    less than 1 worker or byte, and for a folder without CSV files.
    """

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 4,
        chunk_size: int = 1 << 20,
        checkpoint: Path | None = None,
        method: str | None = None,
        hook: Callable[[str], None] | None = None,
        report: Callable[[Progress], None] = ignore,
    ) -> None:
        self.paths = sorted(folder.glob("*.csv"))
        self.workers, self.chunk_size, self.checkpoint = workers, chunk_size, checkpoint
        self.method, self.hook, self.report = method, hook, report
        # TODO: refuse what cannot work.
        ### BEGIN SOLUTION
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        if chunk_size < 1:
            raise ValueError(f"chunk_size must be at least 1 byte, not {chunk_size}")
        if not self.paths:
            raise ValueError(f"{folder} holds no CSV files")
        ### END SOLUTION

    def run(self) -> Report:
        """Do what is not done yet, and return the totals of everything. Blocks; when it ends, no process is left.

        A file that cannot be used is rejected, and nothing of it counts. Raises PipelineError if a worker died, and
        CheckpointError; what was reported as done is saved then, and another run goes on from there.
        """
        # TODO: after this, each chunk is in the totals once, whatever ran, or was killed, before.
        ### BEGIN SOLUTION
        waiting = self._plan()
        self._tell()
        context = multiprocessing.get_context(self.method)
        queue = context.SimpleQueue()
        pool = ProcessPoolExecutor(self.workers, context, begin, (queue, self.hook))
        try:
            self._work_through(pool, queue, waiting)
        except BrokenProcessPool:
            raise PipelineError("A worker process died. What is done is kept: another run goes on from there.") from None
        finally:
            pool.shutdown(cancel_futures=True)
        self._listen(queue)  # not after an error: what is done then may not be saved
        queue.close()
        totals = Totals()
        for state in self._states.values():
            totals.merge(state.totals)
        return Report(totals, self._rejected, self._events, self._resumed)

    def _plan(self) -> list[Chunk]:
        """Begin anew, recall what is done, and return the chunks that are not."""
        self._states: dict[str, FileState] = {}
        self._rejected: dict[str, str] = {}
        self._events: list[StageEvent] = []
        self._stages: dict[int, str] = {}
        self._bytes: Counter[str] = Counter()
        self._bytes_done: Counter[str] = Counter()
        self._chunks = self._done = 0
        known = load(self.checkpoint) if self.checkpoint else {}
        waiting: list[Chunk] = []
        for path in self.paths:
            try:
                mark = mark_of(path, self.chunk_size)
                waiting += self._take(path.name, mark, known.get(path.name), split(path, self.chunk_size))
            except (FileError, OSError) as error:
                self._rejected[path.name] = str(error)
        self._resumed = self._done
        return waiting

    def _take(self, name: str, mark: str, known: FileState | None, chunks: list[Chunk]) -> list[Chunk]:
        """Note one file, and return those of its chunks that are not done."""
        state = known if known is not None and known.mark == mark else FileState(mark)
        self._states[name] = state
        self._chunks += len(chunks)
        self._bytes[name] = sum(chunk.end - chunk.start for chunk in chunks)
        for chunk in chunks:
            if chunk.start in state.done:
                self._count(chunk)
        return [chunk for chunk in chunks if chunk.start not in state.done]

    def _work_through(self, pool: ProcessPoolExecutor, queue: Any, waiting: Iterable[Chunk]) -> None:
        """Keep the pool supplied, a few chunks ahead, until everything is done."""
        left = iter(waiting)
        pending: dict[Future[Totals], Chunk] = {}
        while True:
            for chunk in islice(left, 4 * self.workers - len(pending)):
                pending[pool.submit(work, chunk)] = chunk
            if not pending:
                return
            finished, _ = wait(pending, timeout=0.05, return_when=FIRST_COMPLETED)
            self._listen(queue)
            for future in finished:
                self._settle(pending.pop(future), future)
            if finished:
                self._save()
                self._tell()

    def _settle(self, chunk: Chunk, future: "Future[Totals]") -> None:
        """Merge what came of a chunk, or reject its file."""
        try:
            totals = future.result()
        except (FileError, OSError) as error:
            self._rejected.setdefault(chunk.name, str(error))
            self._states.pop(chunk.name, None)
        else:
            if chunk.name not in self._rejected:
                state = self._states[chunk.name]
                state.totals.merge(totals)
                state.done.add(chunk.start)
        self._count(chunk)

    def _count(self, chunk: Chunk) -> None:
        self._done += 1
        self._bytes_done[chunk.name] += chunk.end - chunk.start

    def _save(self) -> None:
        if self.checkpoint is not None:
            save(self.checkpoint, self._states)

    def _listen(self, queue: Any) -> None:
        """Empty the queue, and pass on what is new."""
        news = False
        while not queue.empty():
            event = queue.get()
            self._events.append(event)
            self._stages[event.worker] = event.stage
            news = True
        if news:
            self._tell()

    def _tell(self) -> None:
        states = self._states.values()
        self.report(
            Progress(
                share=self._bytes_done.total() / (self._bytes.total() or 1) if self._done < self._chunks else 1.0,
                done=self._done,
                chunks=self._chunks,
                rows=sum(state.totals.rows for state in states),
                dropped=sum(state.totals.dropped.total() for state in states),
                files={name: self._bytes_done[name] / size if size else 1.0 for name, size in self._bytes.items()},
                stages=dict(self._stages),
            )
        )
        ### END SOLUTION


# %% [markdown]
# Try it: the night of the beginning, and what happened in which process.

# %%
from weft.charts import stages
from weft.trace import Event, Trace

try:
    report = Pipeline(folder, workers=4, chunk_size=100_000, method="forkserver", hook=world.hook(0.1)).run()
    print(f"{report.totals.rows:,} rows, {report.totals.dropped.total():,} dropped")
    print("not usable:", *report.rejected.values(), sep="\n  ")
    display(stages(Trace(Event(e.time, e.stage, e.chunk, f"process {e.worker}", e.seconds) for e in report.events)))
except NotImplementedError:
    print("Nothing to try yet: fill in process and Pipeline first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# A future says when a chunk is finished; the queue says what happens meanwhile. How do you wait for one without being deaf to the
# other? And what do you do between "the totals are merged" and "the progress is reported"?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`concurrent.futures.wait`](https://docs.python.org/3/library/concurrent.futures.html#concurrent.futures.wait) with
# `timeout=0.05` and `FIRST_COMPLETED`; `queue.empty()` and `queue.get()` of a `SimpleQueue` that the *initializer* handed over; a dead
# worker raises `BrokenProcessPool` from every result.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# Plan: for each file its mark, its chunks, its state (known, or a fresh one if the mark differs); chunks not done wait.
# Loop: submit a few → wait a little → empty the queue → merge each result and add its start to `done` → save → report.
# `finally`: shut the pool down with `cancel_futures=True`. After it, empty the queue once more.
# End: merge the states of all files.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-run", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires
from weft.trace import Trace


@points(3)
def test_a_night(answer, csv_factory):
    """A night's totals are exact: rows, dropped rows with their reasons, every group; files of no use are rejected."""
    csv_factory.add_night(600)
    facts = answer.drive(run_night, csv_factory.files, workers=2, method="fork", chunk_size=20_000)
    assert facts["error"] is None, facts["error"]
    assert set(facts["rejected"]) == csv_factory.rejected
    truth = csv_factory.truth
    assert facts["totals"]["rows"] == truth["rows"]
    assert facts["totals"]["dropped"] == truth["dropped"]
    assert facts["totals"]["groups"] == truth["groups"]


@points(2)
@requires("test_a_night")
def test_run_again(answer, csv_factory):
    """A run that was finished is not done again: the next one has the same totals, and no chunk to work on."""
    csv_factory.add_night(200)
    facts = answer.drive(run_twice, csv_factory.files, chunk_size=5_000)
    assert facts["second"]["totals"] == facts["first"]["totals"] == csv_factory.truth
    assert len(facts["second"]["trace"]) == 0, "The hook was called, so a chunk was worked on again."
    assert facts["second"]["resumed"] == Trace.from_json(facts["first"]["trace"]).count("leave") > 0


### BEGIN HIDDEN TESTS
@points(3)
def test_any_chunk_size(answer, csv_factory):
    """Totals do not depend on where files are cut: 1 KiB, 1 MiB, a prime."""
    csv_factory.add_night(800)
    found = answer.drive(run_for_totals, csv_factory.files, [1 << 10, 1 << 20, 7_919])
    for size, totals in found.items():
        assert totals == csv_factory.truth, f"The chunk size was {size}."


@points(1)
@requires("test_run_again")
def test_another_chunk_size(answer, csv_factory):
    """A run that is resumed with chunks of another size has the same totals."""
    csv_factory.add("a.csv", 200)
    facts = answer.drive(run_killed, csv_factory.files, 2, chunk_size=1_000, later={"chunk_size": 1_700})
    assert facts["second"]["error"] is None, facts["second"]["error"]
    assert facts["second"]["totals"] == csv_factory.truth


@points(3)
@requires("test_run_again")
def test_changed_files(answer, csv_factory):
    """Between two runs a file is corrected, one is taken away, one is new: the totals are those of now, and the rest is kept."""
    for name in ("a", "b", "c", "d"):
        csv_factory.add(f"{name}.csv", 120)
    before = csv_factory.files
    csv_factory.correct("b.csv")
    csv_factory.remove("c.csv")
    csv_factory.add("e.csv", 40)
    facts = answer.drive(run_twice, before, csv_factory.files, chunk_size=2_000)
    assert facts["second"]["totals"] == csv_factory.truth, "b.csv was corrected and is as long as before."
    worked_on = {name.partition(":")[0] for name in Trace.from_json(facts["second"]["trace"]).subjects("enter")}
    assert worked_on == {"b.csv", "e.csv"}


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-processes", "locked": true, "points": 17, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
from weft.judge import points, requires
from weft.trace import Trace
from weft.worlds.notes import processes_at_once


def plain(csv_factory, name, rows, **more):
    """A file in which nothing is dirty or awkward: what is judged here is not cleaning or cutting."""
    csv_factory.add(name, rows, dirt=0.0, awkward=0.0, **more)


def counted(totals):
    """All rows, and all sales; None where there are no totals."""
    return totals and (totals["rows"], sum(group[0] for group in totals["groups"].values()))


def small_files(csv_factory, count):
    """So many files of a single chunk."""
    for number in range(count):
        plain(csv_factory, f"{number:02}.csv", 4)


@points(5)
def test_as_many_as_workers(answer, csv_factory):
    """As many processes as there are workers are at work at the same moment, and never more."""
    small_files(csv_factory, 12)
    facts = answer.drive(run_night, csv_factory.files, workers=3, method="fork", hook={"seconds": 0.1})
    assert facts["error"] is None, facts["error"]
    assert processes_at_once(Trace.from_json(facts["trace"])) == 3, "So many process ids were inside the hook at once."


@points(3)
@requires("test_as_many_as_workers")
def test_one_large_file_is_shared(answer, csv_factory):
    """A single large file keeps all workers busy."""
    plain(csv_factory, "large.csv", 200)
    facts = answer.drive(run_night, csv_factory.files, workers=2, method="fork", chunk_size=2_000, hook={"seconds": 0.05})
    assert counted(facts["totals"]) == counted(csv_factory.truth)
    assert processes_at_once(Trace.from_json(facts["trace"])) == 2


@points(3)
@requires("test_as_many_as_workers")
def test_reports_come_while_work_goes_on(answer, csv_factory):
    """What a worker tells is reported while its chunk is still under way."""
    small_files(csv_factory, 1)
    facts = answer.drive(report_in_time, csv_factory.files)
    assert facts["error"] is None, facts["error"]
    assert Trace.from_json(facts["trace"]).span() < 2.5, "A chunk waited 3 s in the hook, and no stage of it was reported."
    assert facts["heard"]["done"] == 0, "The chunk was still under way, and you said that it was done."
    assert facts["heard"]["worker"] != facts["own process"], "The stage was told by the process that called run."


### BEGIN HIDDEN TESTS
@points(3)
@requires("test_as_many_as_workers")
def test_start_methods(answer, csv_factory):
    """Fresh interpreters do the same work as forked ones: spawn and forkserver."""
    plain(csv_factory, "a.csv", 100)
    plain(csv_factory, "b.csv", 100)
    for method, kind in (("spawn", "SpawnProcess"), ("forkserver", "ForkServerProcess")):
        facts = answer.drive(run_by_method, csv_factory.files, method, deadline=15.0)
        assert counted(facts["totals"]) == counted(csv_factory.truth), f"The start method is {method}."
        assert facts["kinds"] == [kind], f"The hook was to be called in processes of one kind; method is {method}."
        assert facts["events"] == 8, f"Two chunks have four stages each; the start method is {method}."


@points(3)
@requires("test_as_many_as_workers")
def test_more_reports_than_a_pipe_holds(answer, csv_factory):
    """Hundreds of chunks have more to tell than a pipe holds: nobody waits for ever, and nothing is lost."""
    plain(csv_factory, "a.csv", 2_500)
    facts = answer.drive(run_night, csv_factory.files, workers=2, method="fork", chunk_size=400, deadline=15.0)
    assert facts["error"] is None, facts["error"]
    told = [(stage, chunk) for stage, _, chunk, _ in facts["events"]]
    chunks = {chunk for _, chunk in told}
    assert len(chunks) == facts["reports"][-1][2], "Some chunks are in no event of the report."
    assert sorted(told) == sorted((stage, chunk) for chunk in chunks for stage in ("clean", "transform", "aggregate"))
    cleaned = sum(rows for stage, _, _, rows in facts["events"] if stage == "clean")
    assert cleaned == csv_factory.truth["rows"], "The events of the stage clean do not tell of all rows."


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-resume", "locked": true, "points": 13, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
import random

from weft.judge import points, requires
from weft.trace import Trace


def plain(csv_factory, name, rows, **more):
    """A file in which nothing is dirty or awkward: what is judged here is not cleaning or cutting."""
    csv_factory.add(name, rows, dirt=0.0, awkward=0.0, **more)


def counted(totals):
    """All rows, and all sales; None where there are no totals."""
    return totals and (totals["rows"], sum(group[0] for group in totals["groups"].values()))


@points(4)
def test_killed_and_resumed(answer, csv_factory):
    """A run that is killed with SIGKILL goes on where it was: the totals are exact, and what was reported as done is not done again."""
    plain(csv_factory, "a.csv", 250)
    plain(csv_factory, "b.csv", 50)
    for done in (1, random.randrange(2, 6)):
        facts = answer.drive(run_killed, csv_factory.files, done, chunk_size=1_000)
        assert facts["killed"], f"It was to be killed when it reported {done} done chunks, and never did."
        assert facts["second"]["error"] is None, facts["second"]["error"]
        assert counted(facts["second"]["totals"]) == counted(csv_factory.truth), f"It was killed after {facts['done']} chunks."
        again = Trace.from_json(facts["second"]["trace"]).count("enter")
        told = f"{facts['done']} of {facts['chunks']} chunks were reported as done; then {again} were worked on."
        assert again <= facts["chunks"] - facts["done"], told


@points(3)
def test_progress(answer, csv_factory):
    """Progress never falls, counts no chunk that is still under way, and is 100 % only at the end."""
    plain(csv_factory, "a.csv", 150)
    plain(csv_factory, "b.csv", 30)
    facts = answer.drive(run_night, csv_factory.files, workers=2, method="fork", chunk_size=1_000, hook={"seconds": 0.01})
    assert facts["error"] is None, facts["error"]
    shares, reports = [share for share, _, _, _ in facts["reports"]], facts["reports"]
    assert shares == sorted(shares), "The share fell."
    early = [f"{done} done, {left} finished" for _, done, _, left in reports if done > left]
    assert early == [], "Chunks were counted as done that were still in the hook."
    assert all(share < 1 for share, done, chunks, _ in reports if done < chunks), "100 %, and not all chunks were done."
    assert reports[-1][0] == 1 and reports[-1][1] == reports[-1][2], "The last report is of 100 %."
    assert len({done for _, done, _, _ in reports}) > 3, "Progress was reported three times or less."


### BEGIN HIDDEN TESTS
@points(4)
@requires("test_killed_and_resumed")
def test_killed_anywhere(answer, csv_factory):
    """Killed between any two lines of your code, a run can be resumed, and the totals are exact."""
    plain(csv_factory, "a.csv", 80)
    steps = [*range(random.randrange(1, 30), 270, 30)]
    for step, totals, error in answer.drive(run_killed_at_steps, csv_factory.files, steps, chunk_size=600, deadline=20.0):
        assert error is None, f"Killed {step} lines after the first chunk was reported, the next run says {error}"
        assert counted(totals) == counted(csv_factory.truth), f"It was killed {step} lines after the first chunk was reported."


@points(2)
@requires("test_killed_and_resumed")
def test_nothing_is_left(answer, csv_factory):
    """When run ends, also with an error, no process of it is left."""
    plain(csv_factory, "a.csv", 60)
    plain(csv_factory, "b.csv", 60)
    facts = answer.drive(run_night, csv_factory.files, workers=3, method="fork", chunk_size=1_000)
    assert counted(facts["totals"]) == counted(csv_factory.truth)
    assert facts["processes left"] == 0
    assert answer.drive(run_after_a_death, csv_factory.files, "b.csv", chunk_size=1_000)["left"] == 0


### END HIDDEN TESTS

# %% [markdown]
# ## 9 · See it run
#
# This module is given. It puts your pipeline behind a command, so that `weft run M1 --help` works in a terminal, and
# `weft export M1` writes it all as plain files.

# %% nbgrader={"grade": false, "grade_id": "demo", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module demo
"""The pipeline as a command, over files that it makes itself or that you have."""

import argparse
import logging
import multiprocessing
import os
import random
import signal
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from checkpoint import CheckpointError
from pipeline import Pipeline, PipelineError, Progress, Report, StageEvent

from weft.notebook.dashboard import View
from weft.trace import Event, Trace
from weft.worlds.csv_factory import CsvFactory, open_world


class Live:
    """Keeps the latest progress, for a dashboard to read: pass ``listen`` as ``report``."""

    def __init__(self) -> None:
        self.latest = Progress(0.0, 0, 0, 0, 0, {}, {})

    def listen(self, now: Progress) -> None:
        """One object takes the place of another in one step, so a reader in another thread needs no lock."""
        self.latest = now

    def view(self) -> View:
        """What the dashboards show."""
        now = self.latest
        stats = {
            "done": f"{100 * now.share:.0f} %",
            "chunks": f"{now.done} of {now.chunks}",
            "rows": f"{now.rows:,}",
            "dropped": f"{now.dropped:,}",
        }
        stats |= {f"process {worker}": stage for worker, stage in list(now.stages.items())[-4:]}
        return View(stats, {name: (share, f"{100 * share:.0f} %") for name, share in now.files.items()})


def trace(events: Iterable[StageEvent]) -> Trace:
    """Events as the chart of stages wants them."""
    return Trace(Event(each.time, each.stage, each.chunk, f"process {each.worker}", each.seconds) for each in events)


def rows(events: Iterable[StageEvent]) -> Trace:
    """Events as the chart of rows per second wants them: what came through the first stage."""
    return Trace(
        Event(each.time, "clean", each.chunk, f"process {each.worker}", each.rows)
        for each in events
        if each.stage == "clean"
    )


def stock(world: CsvFactory, count: int) -> Path:
    """A folder in which the largest file has so many rows, all of them together about twice as many."""
    world.add_night(count)
    return world.write()


def kill_one() -> None:
    """Kill a worker, whichever it is."""
    workers = multiprocessing.active_children()
    if workers:
        os.kill(random.choice(workers).pid or 0, signal.SIGKILL)


def main(argv: list[str] | None = None) -> int:
    """Run once; returns 0 if it came to its end."""
    parser = argparse.ArgumentParser(prog="weft run M1", description="Add up a night of tills' CSV files.")
    parser.add_argument("--folder", type=Path, help="a folder of such files (default: one made for the occasion)")
    parser.add_argument("--rows", type=int, default=100_000, help="rows in the largest file made (default: 100000)")
    parser.add_argument("--workers", type=int, default=4, help="processes (default: 4)")
    parser.add_argument("--chunk-size", type=int, default=1 << 18, help="bytes in a chunk (default: 262144)")
    parser.add_argument("--delay", type=float, default=0.1, help="seconds that each chunk takes longer (default: 0.1)")
    parser.add_argument("--method", choices=multiprocessing.get_all_start_methods(), help="how processes are born")
    parser.add_argument("--checkpoint", type=Path, help="where to keep what is done (default: nowhere)")
    parser.add_argument("--debug", action="store_true", help="log each chunk that is done, and sum up the stages")
    options = parser.parse_args(argv)
    if options.debug:
        logging.basicConfig(level=logging.DEBUG, format="%(relativeCreated)7.0f ms %(message)s")
    with open_world() as world:
        folder = options.folder or stock(world, options.rows)
        live = Live()
        try:
            pipeline = Pipeline(
                folder,
                workers=options.workers,
                chunk_size=options.chunk_size,
                checkpoint=options.checkpoint,
                method=options.method or "forkserver",
                hook=world.hook(options.delay),
                report=log if options.debug else live.listen,
            )
            report = run(pipeline.run, live, plain=options.debug)
        except (PipelineError, CheckpointError, ValueError) as error:
            print(f"{type(error).__name__}: {error}")
            return 1
    tell(report, debug=options.debug)
    return 0


def run(work: Callable[[], Report], live: Live, plain: bool) -> Report:
    """Run with a live view, or without one where log lines need the screen."""
    if plain:
        return work()
    from weft.notebook.terminal import run_in_terminal

    return run_in_terminal(work, live.view)


def log(now: Progress) -> None:
    """One line for each report."""
    logging.debug("%3.0f %%  %d of %d chunks, %d rows, %s", 100 * now.share, now.done, now.chunks, now.rows, now.stages)


def tell(report: Report, debug: bool) -> None:
    """Print what came of it."""
    for name, reason in report.rejected.items():
        print(f"rejected: {name}: {reason}")
    totals = report.totals
    dropped = ", ".join(f"{reason} {count:,}" for reason, count in sorted(totals.dropped.items()))
    print(f"{totals.rows:,} rows, dropped: {dropped or 'none'}; {report.resumed} chunks were done before")
    for (month, product), group in sorted(totals.groups.items()):
        print(f"{month} {product:16}{group.sales:8,} sales{group.units:9,} units{group.cents / 100:16,.2f} EUR")
    if debug:
        for stage in dict.fromkeys(event.stage for event in report.events):
            some = [event.seconds for event in report.events if event.stage == stage]
            print(f"{stage:10}{len(some):5} times, {sum(some):7.2f} s in all")


# %% [markdown]
# Here it runs behind a dashboard, with a checkpoint. Press *Kill a worker* in the middle: the run ends with your
# `PipelineError`. Then run the cell again, and watch where it begins.

# %%
import demo

from weft.notebook import dashboard

world.reset(seed="tonight")
tonight = demo.stock(world, 60_000)
kept = Path(tempfile.mkdtemp(prefix="pipeline-")) / "states.json"

# %%
live = demo.Live()
finished = []
try:
    pipeline = Pipeline(
        tonight,
        chunk_size=1 << 17,
        checkpoint=kept,
        method="forkserver",
        hook=world.hook(0.2),
        report=live.listen,
    )
    display(dashboard.run(lambda: finished.append(pipeline.run()), live.view, {"Kill a worker": demo.kill_one}))
except NotImplementedError:
    print("Nothing to see yet: the five parts come first.")

# %% [markdown]
# When it is done, look at it: a lane for each worker with its stages, the rows that came through, and what was dropped. (If it is
# still running, this cell says so; run it once more.)

# %%
from weft.charts import rows_per_second

if finished:
    events = finished[-1].events
    display(stages(demo.trace(events)), rows_per_second(demo.rows(events)))
    display(dropped_rows(finished[-1].totals.dropped, finished[-1].totals.rows))
else:
    print("Not finished yet.")

# %% [markdown]
# ## 10 · Explore
#
# How many workers should there be? Each run does the same 24 chunks, and each chunk holds the interpreter for 50 ms on top of its own
# work. Move the slider; the cell keeps every run that you made. The dotted line is the number of cores.

# %%
import ipywidgets

from weft.charts import scaling

world.reset(seed="explore")
world.add("sales.csv", 12_000)
sample = world.write()
size = (sample / "sales.csv").stat().st_size // 24
runs: dict[int, float] = {}
last: list[demo.StageEvent] = []


def explore(workers: int = 4) -> None:
    """Measure once with so many workers, and draw all runs so far."""
    try:
        pipeline = Pipeline(sample, workers=workers, chunk_size=size, method="forkserver", hook=world.hook(0.05))
        started = time.perf_counter()
        last[:] = pipeline.run().events
        runs[workers] = time.perf_counter() - started
    except NotImplementedError:
        print("Nothing to explore yet: the five parts come first.")
        return
    display(scaling(runs, cores=os.cpu_count()))


ipywidgets.interact(explore, workers=ipywidgets.IntSlider(4, 1, 16, description="workers", continuous_update=False));

# %% [markdown]
# The 50 ms are slept with the GIL held, so they overlap on any number of cores, as long as they are in different processes. Parsing is
# not slept, and needs a core. And somebody has to give birth to the workers: a *forkserver* or *spawn* takes some tenths of a
# second each. Which of the three bends your curve? The lanes of the last run tell.

# %%
if last:
    display(stages(demo.trace(last)))

# %% [markdown]
# ## 11 · Graded checks: performance, quality, errors
#
# Your CPU seconds, those of all your processes together, stand beside those of a plain loop over the same rows in the same run.
# A pipeline that sends rows between processes pickles and unpickles each of them, at many times the cost of the work.
# For the speed-up, each chunk holds the interpreter for 0.15 s: only processes can overlap in that.

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "performance-ratio", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# %%checks performance
import functools
import time

from weft.judge import points, requires
from weft.judge.yardsticks import paired_ratio
from weft.trace import Trace
from weft.worlds.csv_yardstick import add_up


@functools.cache
def cpu_ratio(answer, csv_factory):
    """Measured once for both checks: your CPU seconds over the plain loop's."""
    csv_factory.reset()
    csv_factory.add("a.csv", 2_000, copies=24, dirt=0.0)
    csv_factory.add("b.csv", 2_000, copies=8, dirt=0.0)
    truth, folder = csv_factory.truth, csv_factory.write()

    def yours():
        facts = answer.drive(run_and_forget, csv_factory.files, chunk_size=1 << 19, deadline=20.0)
        assert facts["totals"]["rows"] == truth["rows"]
        return answer.usage.cpu_seconds

    def plain():
        started = time.process_time()
        add_up(folder)
        return time.process_time() - started

    return paired_ratio(yours, plain)


@functools.cache
def speed_up(answer, csv_factory, enough=3.0):
    """The best of three runs, or the first that is enough: seconds in the hook over seconds from first to last."""
    best, seconds, count = 0.0, 0.15, 16
    for _ in range(3):
        csv_factory.reset()
        for number in range(count):
            csv_factory.add(f"{number:02}.csv", 3, dirt=0.0, awkward=0.0)
        facts = answer.drive(run_night, csv_factory.files, workers=4, method="fork", hook={"seconds": seconds})
        trace = Trace.from_json(facts["trace"])
        assert len(trace.subjects("leave")) == count, "Not every file came through the hook."
        best = max(best, count * seconds / trace.span())
        if best >= enough:
            break
    return best


@points(4)
def test_cpu_partial(answer, csv_factory):
    """All your processes together need at most four times the CPU time of a plain loop over the same rows."""
    assert cpu_ratio(answer, csv_factory) <= 4.0


@points(4)
def test_speed_up_partial(answer, csv_factory):
    """Four workers are at least 1.7 times as fast as one, where work holds the GIL."""
    assert speed_up(answer, csv_factory) >= 1.7


### BEGIN HIDDEN TESTS
@points(4)
@requires("test_cpu_partial")
def test_cpu_full(answer, csv_factory):
    """All your processes together need at most twice the CPU time of a plain loop."""
    assert cpu_ratio(answer, csv_factory) <= 2.0


@points(3)
@requires("test_speed_up_partial")
def test_speed_up_full(answer, csv_factory):
    """Four workers are at least 3 times as fast as one, where work holds the GIL."""
    assert speed_up(answer, csv_factory) >= 3.0


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "quality-code", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks quality
from weft.judge import points, requires

PARTS = ("chunks", "cleaning", "transforming", "aggregating", "checkpoint", "pipeline")


@points(0)
def test_it_works(answer, csv_factory):
    """A small night works. Code that does not run cannot be reviewed."""
    csv_factory.add("a.csv", 40, dirt=0.0, awkward=0.0)
    facts = answer.drive(run_night, csv_factory.files, workers=2, method="fork")
    assert facts["error"] is None, facts["error"]
    assert facts["totals"]["rows"] == 40


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
from weft.trace import Trace


def plain(csv_factory, name, rows, **more):
    """A file in which nothing is dirty or awkward: what is judged here is not cleaning or cutting."""
    csv_factory.add(name, rows, dirt=0.0, awkward=0.0, **more)


def counted(totals):
    """All rows, and all sales; None where there are no totals."""
    return totals and (totals["rows"], sum(group[0] for group in totals["groups"].values()))


@points(1)
def test_an_empty_folder(answer):
    """A folder without CSV files is refused with a ValueError that says so."""
    assert answer.drive(refuse, {}).startswith("ValueError: ")


@points(1)
def test_no_workers(answer, csv_factory):
    """A worker count of 0 is refused with a ValueError, and so is a chunk size of 0."""
    plain(csv_factory, "a.csv", 1)
    for options in ({"workers": 0}, {"workers": -1}, {"chunk_size": 0}):
        assert answer.drive(refuse, csv_factory.files, **options).startswith("ValueError: "), f"The options: {options}"


### BEGIN HIDDEN TESTS
@points(1)
def test_files_that_cannot_be_read(answer, csv_factory):
    """A file without a header, or one that cannot be read to its end, is rejected with a reason, and costs only itself."""
    plain(csv_factory, "a.csv", 50)
    csv_factory.add_useless("b.csv", "2026-01-01,store 1,tea,1,1.00,EUR,\n" * 3)
    header = ",".join(["day", "store", "product", "quantity", "price", "currency", "note"])
    csv_factory.add_useless("c.csv", f'{header}\n2026-01-01,store 1,tea,1,1.00,EUR,\n2026-01-01,"' + "no end\n" * 20_000)
    plain(csv_factory, "d.csv", 50)
    facts = answer.drive(run_night, csv_factory.files, workers=2, method="fork", chunk_size=2_000)
    assert facts["error"] is None, facts["error"]
    assert sorted(facts["rejected"]) == ["b.csv", "c.csv"]
    assert counted(facts["totals"]) == counted(csv_factory.truth)


@points(1)
def test_a_worker_dies(answer, csv_factory):
    """A worker that is killed is a PipelineError, and what was done before is not lost."""
    plain(csv_factory, "a.csv", 60)
    plain(csv_factory, "b.csv", 60)
    facts = answer.drive(run_after_a_death, csv_factory.files, "b.csv", chunk_size=1_000)
    assert "PipelineError" in (facts["first"] or "no error"), f"You said: {facts['first']}"
    assert counted(facts["second"]) == counted(csv_factory.truth)


@points(1)
def test_a_full_disk(answer, csv_factory):
    """A disk that is full is a CheckpointError, and what was saved before is still there, and used."""
    plain(csv_factory, "a.csv", 300)
    facts = answer.drive(run_on_a_full_disk, csv_factory.files, done=3, room=256, chunk_size=500)
    assert "CheckpointError" in (facts["full"] or "no error"), f"You said: {facts['full']}"
    assert facts["after"]["error"] is None, facts["after"]["error"]
    assert counted(facts["after"]["totals"]) == counted(csv_factory.truth)
    assert facts["after"]["resumed"] >= 3, "Three chunks had been saved before the disk was full."
    assert facts["after"]["resumed"] >= facts["done"], "With a full disk, chunks were reported as done that were not saved."


### END HIDDEN TESTS

# %% [markdown]
# ## 12 · Afterwards
#
# **Pitfalls.**
# A line is not a record, as soon as somebody writes a note on two lines.
# A mean of means is right in every test in which all parts have the same size.
# A queue that nobody reads holds 64 KiB; then its writers stand still, and whoever joins them too.
# A checkpoint that is written over the old one is most likely to be half written on the night it is needed.
# `os.replace` protects you from a kill, not from a power cut: for that, `os.fsync` the draft before, and the folder after.
#
# **What professionals use.** [polars](https://docs.pola.rs/) or [DuckDB](https://duckdb.org/) read CSV with all cores, without
# processes, because their threads run outside the interpreter and need no GIL. They are several times faster than this
# pipeline. What they do not do is the night around it: what is a bad row, what was done before the kill, what
# has changed since. [Dagster](https://docs.dagster.io/), [Airflow](https://airflow.apache.org/docs/) and `make` keep such books for whole jobs.
#
# ### Where one machine ends
#
# A pool ends at the machine's edge. Your `process` does not: it takes a chunk and returns totals, and keeps nothing. So it runs, as it is,
# on a cluster whose machines see the same files. [Dask](https://distributed.dask.org) hands such calls to
# processes on as many machines as you have, and does again what a dead one had. Here the cluster is your own machine; the
# address of a real one goes into `Client("tcp://…")`, and nothing else changes.

# %%
try:
    from distributed import Client, LocalCluster, as_completed
except ImportError:
    print("Dask is not installed here, so this is left out. To have it: pip install 'weft[cluster]'")
else:
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0")
    with cluster, Client(cluster) as client:
        try:
            pieces = split(sample / "sales.csv", size)
            whole = Totals()
            for _, totals in as_completed(client.map(process, pieces), with_results=True):
                whole.merge(totals)
            workers = len(client.scheduler_info()["workers"])
            print(f"{whole.rows:,} rows in {len(pieces)} chunks, by {workers} workers of a Dask cluster")
            print("the same totals as the pipeline's:", whole == Pipeline(sample, method="forkserver").run().totals)
        except NotImplementedError:
            print("Nothing to hand to a cluster yet: the five parts come first.")

# %% [markdown]
# The files must be where the workers are. On many machines that is a shared disk or an object store, and a chunk is a range of bytes
# of an object: `split` and `records` would ask for it by the same `Range` header as T1's downloads.
#
# **Read on.** [`concurrent.futures`](https://docs.python.org/3/library/concurrent.futures.html#processpoolexecutor) ·
# [`multiprocessing`: contexts and start methods](https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods)
#
# **A question to think about.** `split` reads every byte of a file once, to count quotes, before any worker begins. Could the workers
# count, each in its own stretch, not knowing whether it begins inside a field? What would they have to give back, and
# is it mergeable?
