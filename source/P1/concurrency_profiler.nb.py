# ---
# jupyter:
#   weft:
#     concept: performance
#     difficulty: medium
#     focus: wall and CPU time, the GIL, memory, recommendations
#     id: P1
#     minutes: 35-45
#     order: 7
#     title: Concurrency performance profiler
# ---

# %% [markdown]
# # P1 · Concurrency performance profiler
#
# | concept | difficulty | time | focus |
# |---|---|---|---|
# | performance | medium | 35–45 minutes | wall and CPU time, the GIL, memory, recommendations |
#
# You write a profiler that runs a piece of work one after the other, in threads, in processes and on an event loop,
# measures each, and says which to use and why.
#
# Afterwards you can
#
# - tell *wall time* from *CPU time*, and say what each is evidence for,
# - measure so that start-up, a cold cache or one bad run does not decide,
# - show whether work holds the GIL, instead of guessing it,
# - measure the memory of several processes, and give a recommendation that a colleague can check.

# %%
# %load_ext weft

# %% [markdown]
# ## 1 · The problem
#
# A photo service calls two libraries for each picture: one asks a camera for it, one converts it. Each call takes
# about 20 ms. The team looked at the CPU monitor, saw nothing, and concluded: both wait, so both go into threads.
#
# Here are stand-ins for the two. You cannot see into them; a *planted* piece of work does what a library does, and
# writes down when.

# %%
import functools
import time
from concurrent.futures import ThreadPoolExecutor

from weft.notebook import use_world

workshop = use_world("planted")
ask_camera = workshop.piece("releasing", seconds=0.02)
convert = workshop.piece("holding", seconds=0.02)


def stopwatch(work) -> tuple[float, float]:
    """Wall and CPU seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def one_by_one(piece) -> None:
    """Eight calls."""
    for _ in range(8):
        piece()


for name, piece in (("ask_camera", ask_camera), ("convert", convert)):
    wall, cpu = stopwatch(functools.partial(one_by_one, piece))
    print(f"{name:10}  8 calls, one by one: {wall:.2f} s, of which {cpu:.2f} s on the processor")


# %% [markdown]
# No difference. Eight calls take as long as eight calls take, and the processor does nothing. Now in four threads.

# %%
def in_threads(piece) -> None:
    """Eight calls by four threads."""
    with ThreadPoolExecutor(4) as pool:
        for _ in range(8):
            pool.submit(piece)


for name, piece in (("ask_camera", ask_camera), ("convert", convert)):
    wall, _ = stopwatch(functools.partial(in_threads, piece))
    print(f"{name:10}  8 calls in 4 threads: {wall:.2f} s")

# %% [markdown]
# One became four times as fast, the other not at all. `convert` waits too, but it does so without letting go of the
# *global interpreter lock* (GIL): while one thread is in it, no other thread of the process can run Python. A CPU monitor
# cannot see that. An experiment can.
#
# Which calls were under way at the same time? First the camera, then the conversion. (Where bars of the second picture
# overlap, a thread is in the call already and waits for the lock. Look at the time in all.)

# %%
from IPython.display import display

from weft.charts import gil_timeline
from weft.charts.gil_timeline import by_thread


for piece in (ask_camera, convert):
    workshop.reset()
    in_threads(workshop.piece(piece.kind, seconds=0.02))
    display(gil_timeline(by_thread(workshop.trace), title=f"Eight calls, {piece.kind} the GIL, in four threads"))


# %% [markdown]
# The profiler that you build makes this experiment for any work and any model, and draws the conclusion.
#
# ```mermaid
# flowchart LR
#     you["you: some workloads"] --> profile
#     profile -- "workload, model" --> measure
#     measure -- "opens" --> box["a process of its own: warm-up, repetitions"]
#     box -- "serial, threads, processes, asyncio" --> pieces["pieces of work"]
#     measure -- "looks at the memory of all its processes" --> box
#     measure -- "rows" --> report["report: advice, figure"]
#     gil["gil: heartbeat, effect"] --> report
# ```

# %% [markdown]
# ## 2 · What to build
#
# | must have | part |
# |---|---|
# | CPU, I/O and mixed workloads; four models to run them in | 1 · `workloads` |
# | wall and CPU time, throughput, memory with children, spread over repetitions | 2 · `measure` |
# | the GIL's effect on threads | 3 · `gil` |
# | recommendations with reasons; a chart | 4 · `report` |
#
# | criterion | points | what is judged |
# |---|---|---|
# | correctness | 40 | your rows beside what the planted work noted in the same run; your advice |
# | concurrency | 30 | what ran at the same time; what is charged to the work; evidence of the GIL |
# | performance | 15 | CPU time of a measured run beside the same work unmeasured |
# | quality | 10 | what a reviewer would send back |
# | errors | 5 | work that raises, never ends, or forks costs one row |
#
# Each answer cell begins with `%%module NAME`: it is written to `NAME.py` and imported, so later cells can import it,
# and so can other processes. A check cell runs your modules in a process of their own. Nothing in it can hang your
# notebook.

# %% [markdown]
# ## 3 · Warm-up
#
# Three clocks. `time.perf_counter` is *wall time*: it runs on, whatever you do. `time.process_time` counts what all threads of
# *this* process used of the processor, and no other process. `time.thread_time` counts this thread only.

# %%
def count_up(number: int = 300_000) -> int:
    return sum(range(number))


for name, work in (("sleep", lambda: time.sleep(0.05)), ("count", lambda: [count_up() for _ in range(10)])):
    wall, cpu = stopwatch(work)
    print(f"{name:6} wall {1000 * wall:5.0f} ms, CPU {1000 * cpu:5.0f} ms")

# %% [markdown]
# A pool costs something before it does anything: threads little, processes more. Whoever measures it together with
# the work measures something else. The first call is dear, the second is what you pay from then on.

# %%
from concurrent.futures import ProcessPoolExecutor

for kind in (ThreadPoolExecutor, ProcessPoolExecutor):
    with kind(4) as pool:
        times = [stopwatch(lambda: list(pool.map(abs, range(8))))[0] for _ in range(3)]
    print(f"{kind.__name__:20}", ", ".join(f"{1000 * each:5.1f} ms" for each in times))

# %% [markdown]
# Memory belongs to processes. [psutil](https://psutil.readthedocs.io) reads it from outside: *resident memory* (RSS) is
# what a process has in RAM just now. The system also keeps the highest value that there ever was
# (`resource.getrusage`, `ru_maxrss`); it never goes down, so it cannot say what *this* run needed.

# %%
import resource

import psutil

me = psutil.Process()


def mebibytes() -> str:
    return f"now {me.memory_info().rss >> 20} MiB, highest ever {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB"


print("before ", mebibytes())
block = bytearray(b"x") * (64 << 20)
print("with   ", mebibytes())
del block
print("without", mebibytes())
print(f"one look at the memory: {1e6 * stopwatch(me.memory_info)[0]:6.0f} µs")
print(f"one look for children:  {1e6 * stopwatch(lambda: me.children(recursive=True))[0]:6.0f} µs")

# %% [markdown]
# Looking for children reads the table of all processes of the machine. Do it once in a run, not fifty times a second.

# %% [markdown]
# ## 4 · Part 1: workloads and models
#
# A *workload* is a number of equal pieces of work. A *model* is a way to run them: `serial` (one after the other),
# `threads`, `processes`, `asyncio`. What a model needs, such as a pool, is opened once; then the pieces are run as often as
# you like. Only so can start-up and work be told apart.
#
# `open_model` is a context manager; it yields `run`. `run(workload)` does all pieces, at most `workers` at a time, and
# returns the CPU seconds that *other* processes spent on them, because `time.process_time` will not count those.
#
# An event loop is stopped by a task that blocks. If a workload has an `awaitable`, use it; if not, the loop has to send the
# task into a thread.
#
# Two things are given in the next cell, which you need not read now: `Box`, a process for one measurement, and `forks()`.

# %% nbgrader={"grade": false, "grade_id": "box", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module box
"""A process of its own for one measurement: it ends when you leave, with everything that it started. Given."""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

_forks = 0


def _count_fork() -> None:
    global _forks
    _forks += 1


os.register_at_fork(after_in_parent=_count_fork)


def forks() -> int:
    """How often this process has been forked since it imported this module."""
    return _forks


@dataclass(frozen=True)
class Message:
    """What a box says: ``kind`` is "ready", "done" (with a ``value``) or "failed" (with an ``error``)."""

    kind: str
    value: Any = None
    error: str = ""


class Box:
    """Calls ``function(ready, *args)`` in a new process. Use it in a ``with`` statement: leaving it ends that process.

    The function prepares what it needs, then calls ``ready()``, which waits until :meth:`go` is called here; then it
    measures. What it returns comes here as a message; what it raises comes as text.
    """

    def __init__(self, function: Callable[..., object], *args: object) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=_inside, args=(theirs, function, args))
        self._process.start()
        theirs.close()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self, seconds: float) -> Message | None:
        """The next message, or None if there is none within so many seconds."""
        if not self._pipe.poll(seconds) and self._process.is_alive():
            return None
        try:
            return self._pipe.recv() if self._pipe.poll(0) else Message("failed", error=self._death())
        except (EOFError, OSError):
            return Message("failed", error=self._death())

    def go(self) -> None:
        """Let the function go on from where it called ``ready()``."""
        self._pipe.send("go")

    def _death(self) -> str:
        self._process.join(1)
        return f"its process ended with exit code {self._process.exitcode} before the work was done"

    def __enter__(self) -> "Box":
        return self

    def __exit__(self, *exc: object) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)  # all that it started is in its group
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _inside(pipe: Connection, function: Callable[..., object], args: tuple[object, ...]) -> None:
    os.setpgid(0, 0)

    def ready() -> None:
        pipe.send(Message("ready"))
        pipe.recv()

    try:
        message = Message("done", function(ready, *args))
    except BaseException as error:
        message = Message("failed", error=f"{type(error).__name__}: {error}")
    pipe.send(message)


# %% [markdown]
# Now your part. One trap is described in `once`: a task that forks comes back *twice*, in two processes, and each of them
# believes that it is the profiler.

# %% nbgrader={"grade": false, "grade_id": "workloads", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module workloads
"""What is measured, and four ways to run it."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from box import forks

MODELS = ("serial", "threads", "processes", "asyncio")


@dataclass(frozen=True)
class Workload:
    """``count`` calls of ``task()``, which must be importable. ``awaitable()``, if any, does the same without blocking."""

    name: str
    task: Callable[[], object]
    count: int = 8
    awaitable: Callable[[], Awaitable[object]] | None = None


class Forked(Exception):
    """A task forked: it cannot be compared, because it comes back in two processes."""


def count_up(number: int = 300_000) -> int:
    """Work for the processor."""
    return sum(range(number))


def standard_workloads() -> list[Workload]:
    """Three workloads with the names "CPU", "I/O" and "mixed"; a piece of each takes 5 to 100 ms.

    A piece of CPU never waits, one of I/O hardly uses the processor, one of mixed spends at least a quarter of its time
    on each. For I/O, sleep: a network would have moods.
    """
    # TODO: after this, each of the three is what its name says. functools.partial gives a function its arguments.
    ### BEGIN SOLUTION
    return [
        Workload("CPU", partial(count_up, 1_000_000)),
        Workload("I/O", partial(time.sleep, 0.02), awaitable=partial(asyncio.sleep, 0.02)),
        Workload("mixed", partial(count_and_wait, 1_000_000, 0.01)),
    ]


def count_and_wait(number: int, seconds: float) -> None:
    """Work for the processor, then a wait."""
    count_up(number)
    time.sleep(seconds)
    ### END SOLUTION


def once(task: Callable[[], object]) -> float:
    """Call ``task()`` and return the CPU seconds that this process used meanwhile.

    If the task forked, then the process that called ``once`` raises Forked, and the new one ends here, at once, with
    ``os._exit``: nobody waits for it.
    """
    # TODO: after this, a task that forks has one profiler, not two. forks() tells whether it did.
    ### BEGIN SOLUTION
    process, before, started = os.getpid(), forks(), time.process_time()
    task()
    if os.getpid() != process:
        os._exit(1)
    if forks() != before:
        raise Forked("the task forked, and came back in two processes")
    return time.process_time() - started
    ### END SOLUTION


@contextmanager
def open_model(model: str, workers: int) -> Iterator[Callable[[Workload], float]]:
    """Open what ``model`` needs for ``workers`` workers, and yield ``run``.

    ``run(workload)`` calls the workload's task (by ``once``) or its awaitable exactly ``count`` times, at most
    ``workers`` at a time, and returns the CPU seconds that other processes spent on them: 0.0 unless the model is
    "processes". It raises what a piece raises. Raises ValueError for an unknown model, or fewer than one worker.
    """
    # TODO: after this, run can be called again and again, and a pool is opened once. "serial" needs none.
    ### BEGIN SOLUTION
    if model not in MODELS or workers < 1:
        raise ValueError(f"there is no model {model!r} with {workers} workers")
    if model == "serial":
        yield in_turn
    elif model == "asyncio":
        with ThreadPoolExecutor(workers) as threads, asyncio.Runner() as runner:
            yield lambda workload: runner.run(together(workload, workers, threads))
    else:
        kind = ThreadPoolExecutor if model == "threads" else ProcessPoolExecutor
        with kind(workers) as pool:
            yield lambda workload: in_pool(pool, workload, elsewhere=model == "processes")


def in_turn(workload: Workload) -> float:
    """One piece after the other."""
    for _ in range(workload.count):
        once(workload.task)
    return 0.0


def in_pool(pool: Executor, workload: Workload, elsewhere: bool) -> float:
    """As many pieces at once as the pool has workers."""
    futures = [pool.submit(once, workload.task) for _ in range(workload.count)]
    used = [future.result() for future in futures]
    return sum(used) if elsewhere else 0.0


async def together(workload: Workload, workers: int, threads: Executor) -> float:
    """All pieces on the event loop; those that would block it go into threads."""
    places, loop = asyncio.Semaphore(workers), asyncio.get_running_loop()

    async def piece() -> None:
        async with places:
            if workload.awaitable is not None:
                await workload.awaitable()
            else:
                await loop.run_in_executor(threads, once, workload.task)

    await asyncio.gather(*(piece() for _ in range(workload.count)))
    return 0.0
    ### END SOLUTION


# %% [markdown]
# Try it: eight calls of the camera. (`asyncio` needs a loop of its own, and this notebook is running one already; it has its turn
# in part 2, in another process.)

# %%
camera = Workload("ask_camera", ask_camera, awaitable=ask_camera.awaited)
try:
    for model in ("serial", "threads", "processes"):
        with open_model(model, workers=4) as run:
            wall, _ = stopwatch(lambda: run(camera))
            print(f"{model:10} {1000 * wall:5.0f} ms")
except NotImplementedError:
    print("Nothing to try yet: fill in open_model and once first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# Which of the four models needs nothing to be opened, and which needs two things?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`ThreadPoolExecutor` and `ProcessPoolExecutor`](https://docs.python.org/3/library/concurrent.futures.html) have the same
# face: `submit(once, task)`, then `result()`, which raises what the piece raised.
# [`asyncio.Runner`](https://docs.python.org/3/library/asyncio-runner.html#asyncio.Runner) keeps one loop for many runs;
# `asyncio.Semaphore(workers)` limits; `loop.run_in_executor(threads, once, task)` takes what would block.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `once`: note the process, the forks and the clock; call; is this another process? → `os._exit`; more forks? → raise;
# return the difference.
# `open_model`: check; per model `with … as pool: yield lambda workload: …`, where the lambda submits `count` times, waits
# for all results and, for processes, adds up what `once` returned.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": false, "grade_id": "drives", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%drives
"""How the checks call your code. Nothing is judged here: each function calls your modules and returns what happened."""

import dataclasses
import os
import resource
import threading
import time
from pathlib import Path

import psutil

from weft.worlds.planted import Planted, PlantedError, read_log

LOG = Path("log").resolve()


def plant(spec, count, loop=True, log=LOG):
    """A workload of planted pieces. Only what waits can be awaited."""
    from workloads import Workload

    piece = Planted(**{**spec, "log": "" if spec["kind"] in ("tiny", "crunching") else str(log)})
    awaitable = piece.awaited if loop and piece.kind == "releasing" else None
    return Workload(piece.kind, piece, count, awaitable)


def noted():
    """What the pieces wrote down."""
    return read_log(LOG).to_json()


def still_here():
    """Threads and processes that are left, without those that multiprocessing keeps for itself."""
    processes = []
    for process in psutil.Process().children(recursive=True):
        line = " ".join(process.cmdline())
        if process.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in line and "forkserver" not in line:
            processes.append(process.pid)
    return {"threads": threading.active_count(), "processes": len(processes)}


def look_at_standard():
    """`standard_workloads()`, a piece of each three times"""
    from workloads import standard_workloads

    found = {}
    for workload in standard_workloads():
        best = {"seconds": 1e9}
        for _ in range(3):
            waits = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
            wall, cpu = time.perf_counter(), time.thread_time()
            workload.task()
            wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
            waited = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw > waits
            if wall < best["seconds"]:
                best = {"seconds": wall, "CPU": cpu, "waited": waited}
        found[workload.name] = best
    return found


def run_models(asked, spec):
    """`run(workload)` of an open model"""
    from workloads import open_model

    logs = {}
    for model, options in asked.items():
        log = LOG.with_name(model)
        workload = plant(spec, options["count"], options.get("loop", True), log)
        with open_model(model, options["workers"]) as run:
            for _ in range(options.get("times", 1)):
                run(workload)
        logs[model] = read_log(log).to_json()
    return logs


def run_raising(models):
    """`run(workload)` of an open model, with a piece that raises"""
    from workloads import open_model

    raised = {}
    for model in models:
        raised[model] = None
        try:
            with open_model(model, 2) as run:
                run(plant({"kind": "raising"}, 3))
        except PlantedError as error:
            raised[model] = type(error).__name__
    return raised


def refused(call, *args, **options):
    """The name of what it raises, or nothing."""
    try:
        call(*args, **options)
    except ValueError:
        return "ValueError"
    return None


def measure_one(spec, model, workers, count, warm=0, **options):
    """`measure(workload, model, workers)`"""
    from measure import measure

    block = bytearray(b"x") * warm
    del block
    before = still_here()
    row = measure(plant(spec, count), model, workers, **options)
    left = still_here()
    return {"row": dataclasses.asdict(row), "log": noted(), "left": {key: left[key] - before[key] for key in left}}


def profile_several(specs, models, workers, count, patience):
    """`profile(workloads, workers, models=…)`"""
    from measure import profile

    workloads = [plant(spec, count) for spec in specs]
    before = still_here()
    rows = profile(workloads, workers, models=models, repetitions=3, deadline=patience)
    with open("returned", "a") as file:
        file.write("once\n")
    time.sleep(0.2)
    copies = {event["subject"].split()[1] for event in noted() if event["kind"] == "copy"}
    left = still_here()
    alive = [pid for pid in copies if psutil.pid_exists(int(pid)) and psutil.Process(int(pid)).status() != "zombie"]
    return {
        "rows": [dataclasses.asdict(row) for row in rows],
        "returned": Path("returned").read_text().count("once"),
        "left": {key: left[key] - before[key] for key in left},
        "copies alive": len(alive),
    }


def refuse_measure():
    """`measure` with too few repetitions, no workers, and a model that there is not"""
    from measure import measure

    work = plant({"kind": "tiny"}, 2)
    return {
        "one repetition": refused(measure, work, "serial", 2, repetitions=1),
        "no workers": refused(measure, work, "threads", 0),
        "unknown model": refused(measure, work, "telepathy", 2),
    }


def advise(spec, models, workers, count, repetitions=3):
    """`recommend(rows)`, with rows of `profile`"""
    from gil import gil_effect
    from measure import profile
    from report import recommend

    rows = profile([plant(spec, count)], workers, models=models, repetitions=repetitions)
    advice = recommend(rows)
    seconds = {row.model: row.error or f"{row.seconds:.3f} s" for row in rows}
    return {"model": advice.model, "reason": advice.reason, "GIL": gil_effect(rows).verdict, "measured": seconds}


def made_rows(figures):
    """Rows as a profiler could have measured them, `{model: seconds}`; None stands for a run that failed."""
    from measure import Row

    rows = []
    for model, seconds in figures.items():
        if seconds is None:
            rows.append(Row("made up", model, 4, error="PlantedError: planted here"))
        else:
            spread = {"fastest": 0.9 * seconds, "slowest": 1.3 * seconds}
            figures_of = {"seconds": seconds, "cpu": 0.1, "throughput": 8 / seconds, "memory": 1 << 20, "repetitions": 5}
            rows.append(Row("made up", model, 4, **spread, **figures_of))
    return rows


def advise_made(cases):
    """`recommend(rows)`, with rows that were made up"""
    from report import recommend

    return [dataclasses.asdict(recommend(made_rows(figures))) for figures in cases]


def effects_made(cases):
    """`gil_effect(rows)`, with rows that were made up"""
    from gil import gil_effect

    return {case: dataclasses.asdict(gil_effect(made_rows(figures))) for case, figures in cases.items()}


def beat(spec, calls, period):
    """`heartbeat(work, period)`"""
    from gil import heartbeat

    piece = Planted(**spec)
    threads = threading.active_count()

    def work():
        for _ in range(calls):
            piece()

    started = time.perf_counter()
    beats = heartbeat(work, period)
    return {
        "seconds": time.perf_counter() - started,
        "beats": [dataclasses.astuple(each) for each in beats],
        "threads left": threading.active_count() - threads,
    }


def draw(figures):
    """`figure(rows)`"""
    from report import figure

    made = figure(made_rows(figures))
    drawn = []
    for axes in made.axes:
        numbers = [float(number) for line in axes.lines for pair in line.get_xydata() for number in pair]
        for collection in axes.collections:
            numbers += [float(number) for path in collection.get_paths() for pair in path.vertices for number in pair]
        for patch in axes.patches:
            box = patch.get_extents().transformed(axes.transData.inverted())
            numbers += [float(number) for number in (box.x0, box.x1, box.y0, box.y1)]
        legend = axes.get_legend()
        drawn.append(
            {
                "labels": [axes.get_xlabel(), axes.get_ylabel()],
                "legend": [text.get_text() for text in legend.get_texts()] if legend else [],
                "title": axes.get_title() + axes.get_title(loc="left") + axes.get_title(loc="right"),
                "numbers": numbers[:2000],
            }
        )
    return drawn


def measured(spec, count, repetitions):
    """`measure(workload, "serial")`"""
    from measure import measure

    row = measure(plant(spec, count), "serial", 1, repetitions=repetitions)
    return {"error": row.error}


def unmeasured(spec, count, repetitions):
    """The same work without a profiler: one run to warm up, then the repetitions."""
    import measure  # noqa: F401

    piece = Planted(**spec)
    for _ in range(count * (repetitions + 1)):
        piece()


# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-workloads", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires
from weft.trace import Trace

MODELS = ("serial", "threads", "processes", "asyncio")


@points(4)
def test_standard_workloads(answer):
    """Your CPU workload never waits, your I/O workload hardly computes, the mixed one does both."""
    facts = answer.drive(look_at_standard)
    assert set(facts) == {"CPU", "I/O", "mixed"}
    waited = {name: piece["waited"] for name, piece in facts.items()}
    assert waited == {"CPU": False, "I/O": True, "mixed": True}, "Whether the system saw a piece wait."
    cpu = {name: piece["CPU"] for name, piece in facts.items()}
    assert cpu["I/O"] <= 0.3 * facts["I/O"]["seconds"], "Seconds that a piece of I/O was on the processor."
    assert 0.004 <= facts["I/O"]["seconds"] <= 0.5, "Seconds that a piece of I/O takes: 5 to 100 ms."
    for name, least in (("CPU", 0.004), ("mixed", 0.001)):
        assert least <= cpu[name] <= 0.2, f"CPU seconds of a piece of {name}: it takes 5 to 100 ms in all."
    assert facts["mixed"]["seconds"] - cpu["mixed"] >= 0.001, "Seconds that a mixed piece was not on the processor."


@points(3)
def test_every_piece_is_done(answer):
    """Each model runs every piece, once, each time that it is run."""
    asked = {model: {"workers": 3, "count": 7, "times": 2} for model in MODELS}
    logs = answer.drive(run_models, asked, {"kind": "releasing", "seconds": 0.005})
    for model in MODELS:
        trace = Trace.from_json(logs[model])
        done = {"begun": trace.count("enter"), "ended": trace.count("leave")}
        assert done == {"begun": 14, "ended": 14}, f"{model}: seven pieces were to be run, twice."


### BEGIN HIDDEN TESTS
@points(3)
@requires("test_every_piece_is_done")
def test_a_piece_that_raises(answer):
    """What a piece raises comes out of run, in each model."""
    assert answer.drive(run_raising, MODELS) == dict.fromkeys(MODELS, "PlantedError")


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-models", "locked": true, "points": 14, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
from weft.judge import points, requires
from weft.trace import Trace
from weft.worlds.planted_truth import at_once

WAIT = {"kind": "releasing", "seconds": 0.05}


def seen(answer, asked):
    """For each model, the most pieces, threads and processes at work at the same moment."""
    logs = answer.drive(run_models, asked, WAIT)
    return {model: at_once(Trace.from_json(logs[model])) for model in asked}


@points(6)
def test_four_at_once(answer):
    """With four workers, four pieces run at once: in four threads, in four processes, or on one event loop."""
    models = ("serial", "threads", "processes", "asyncio")
    assert seen(answer, {model: {"workers": 4, "count": 8} for model in models}) == {
        "serial": {"pieces": 1, "threads": 1, "processes": 1},
        "threads": {"pieces": 4, "threads": 4, "processes": 1},
        "processes": {"pieces": 4, "threads": 4, "processes": 4},
        "asyncio": {"pieces": 4, "threads": 1, "processes": 1},
    }, "The most that were at work at the same moment; asyncio had an awaitable."


### BEGIN HIDDEN TESTS
@points(4)
@requires("test_four_at_once")
def test_workers_is_a_parameter(answer):
    """Another number of workers is kept as well, and never passed."""
    workers = {"threads": 6, "processes": 2, "asyncio": 3}
    found = seen(answer, {model: {"workers": number, "count": 2 * number} for model, number in workers.items()})
    assert {model: most["pieces"] for model, most in found.items()} == workers, "The most pieces at work at once."


@points(4)
@requires("test_four_at_once")
def test_blocking_work_does_not_stop_the_loop(answer):
    """Work without an awaitable also runs four at once under asyncio."""
    assert seen(answer, {"asyncio": {"workers": 4, "count": 8, "loop": False}})["asyncio"]["pieces"] == 4, (
        "The most pieces at work at once, when they block and four workers were asked for."
    )


### END HIDDEN TESTS

# %% [markdown]
# ## 5 · Part 2: measure
#
# One *row* is one workload in one model. It is measured in a `Box`: a process of its own, which you can end when
# the work does not, and whose memory nobody else changes.
#
# Two functions stand on the two sides of it. `repeat` runs *inside*: it opens the model, runs the workload once to warm
# up (workers start, caches fill, libraries load), calls `ready()`, and only then takes times. `observe` stays *outside*
# and looks at the memory of the box and its children every 20 ms. A thread inside is at the
# mercy of the work: while that holds the GIL, no other thread in there gets to look.
#
# Report the *median* of the repetitions, for one bad run moves a mean as far as it likes, and fastest and slowest
# beside it. One measurement is an anecdote.

# %% nbgrader={"grade": false, "grade_id": "measure", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module measure
"""One workload in one model: how long, how much, how often, and what it needed."""

import contextlib
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import psutil
from box import Box
from workloads import MODELS, Workload, open_model

INTERVAL = 0.02  # seconds between two looks at the memory


@dataclass(frozen=True)
class Row:
    """What was found out about one workload in one model. Without an ``error``, every figure is there.

    ``seconds`` is the median wall time of one run of all pieces, ``fastest`` and ``slowest`` the extremes, all in
    seconds; ``cpu`` the median CPU seconds of one run, of all processes together; ``throughput`` is in pieces per
    second, ``memory`` in bytes: by how much all processes together grew, at most.
    """

    workload: str
    model: str
    workers: int
    seconds: float = 0.0
    fastest: float = 0.0
    slowest: float = 0.0
    cpu: float = 0.0
    throughput: float = 0.0
    memory: int = 0
    repetitions: int = 0
    error: str = ""


@dataclass(frozen=True)
class Observed:
    """What came out of a box: a ``value`` or an ``error``, and ``memory``, the growth of its processes in bytes."""

    value: Any = None
    error: str = ""
    memory: int = 0


def repeat(
    ready: Callable[[], None], workload: Workload, model: str, workers: int, repetitions: int
) -> list[tuple[float, float]]:
    """Inside the box: warm up with one run, call ``ready()``, and measure so many more.

    Returns (wall seconds, CPU seconds of all processes) for each repetition.
    """
    # TODO: after this, neither the start of workers nor a first slow call is in any of the figures.
    ### BEGIN SOLUTION
    figures = []
    with open_model(model, workers) as run:
        run(workload)
        ready()
        for _ in range(repetitions):
            wall, cpu = time.perf_counter(), time.process_time()
            elsewhere = run(workload)
            figures.append((time.perf_counter() - wall, time.process_time() - cpu + elsewhere))
    return figures
    ### END SOLUTION


def memory_of(processes: Iterable[psutil.Process]) -> int:
    """The resident memory of these processes together, in bytes; one that has ended has none."""
    ### BEGIN SOLUTION
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total
    ### END SOLUTION


def observe(deadline: float, function: Callable[..., object], *args: object) -> Observed:
    """Call ``function(ready, *args)`` in a box, and watch the memory of its processes from ``ready()`` on.

    After ``deadline`` seconds in all, it is given up: the error says so. Never raises what the function raises.
    """
    # TODO: after this, the box has ended, whatever happened in it, and memory is the highest look minus the first.
    ### BEGIN SOLUTION
    until = time.monotonic() + deadline
    family: list[psutil.Process] = []
    first = highest = 0
    with Box(function, *args) as box:
        while time.monotonic() < until:
            message = box.poll(INTERVAL)
            if message is None:
                highest = max(highest, memory_of(family))
            elif message.kind == "ready":
                parent = psutil.Process(box.pid)
                family = [parent, *parent.children(recursive=True)]
                first = highest = memory_of(family)
                box.go()
            else:
                return Observed(message.value, message.error, highest - first)
    return Observed(error=f"no end within {deadline:g} s", memory=highest - first)
    ### END SOLUTION


def measure(
    workload: Workload, model: str, workers: int = 4, *, repetitions: int = 5, deadline: float = 10.0
) -> Row:
    """Measure one workload in one model, in a process of its own.

    Whatever the work does (raise, never end, end its process), the row says it in ``error``, beginning with the name of the
    exception if there was one. Raises ValueError for fewer than 3 repetitions, fewer than one worker, or an unknown
    model.
    """
    # TODO: after this, there is a row.
    ### BEGIN SOLUTION
    if repetitions < 3:
        raise ValueError(f"{repetitions} repetitions say nothing about the spread: take 3 or more")
    if workers < 1 or model not in MODELS:
        raise ValueError(f"there is no model {model!r} with {workers} workers")
    found = observe(deadline, repeat, workload, model, workers, repetitions)
    if found.error:
        return Row(workload.name, model, workers, error=found.error)
    walls = [wall for wall, _ in found.value]
    seconds = statistics.median(walls)
    return Row(
        workload.name,
        model,
        workers,
        seconds=seconds,
        fastest=min(walls),
        slowest=max(walls),
        cpu=statistics.median(cpu for _, cpu in found.value),
        throughput=workload.count / seconds,
        memory=found.memory,
        repetitions=len(walls),
    )
    ### END SOLUTION


def profile(
    workloads: Iterable[Workload],
    workers: int = 4,
    *,
    models: Iterable[str] = MODELS,
    repetitions: int = 5,
    deadline: float = 10.0,
    tell: Callable[[Row], object] = lambda row: None,
) -> list[Row]:
    """A row for each workload in each model, one after the other; ``tell`` is called with each as it is there."""
    ### BEGIN SOLUTION
    rows = []
    for workload in workloads:
        for model in models:
            row = measure(workload, model, workers, repetitions=repetitions, deadline=deadline)
            tell(row)
            rows.append(row)
    return rows
    ### END SOLUTION


# %% [markdown]
# Try it on the two libraries of the beginning.

# %%
conversion = Workload("convert", convert)


def show(row) -> None:
    """One line for one row."""
    if row.error:
        print(f"{row.workload:12} {row.model:10} {row.error}")
        return
    print(
        f"{row.workload:12} {row.model:10} {1000 * row.seconds:6.0f} ms ({1000 * row.fastest:.0f} to {1000 * row.slowest:.0f})"
        f"  CPU {1000 * row.cpu:5.1f} ms  {row.throughput:6.0f} pieces/s  {row.memory / 2**20:5.1f} MiB"
    )


try:
    rows = profile([camera, conversion], tell=show)
except NotImplementedError:
    rows = []
    print("Nothing to try yet: fill in the functions of measure first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# Two processes have to agree on one moment: the warm-up is over, the memory has been looked at, the clock may start. Who waits
# for whom?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# `Box` above: `poll(INTERVAL)` gives the next message or None, `go()` answers "ready", and leaving the `with` ends it.
# [`psutil.Process(box.pid)`](https://psutil.readthedocs.io/en/latest/#psutil.Process.children) has
# `children(recursive=True)` and `memory_info().rss`; a process that has ended raises `psutil.NoSuchProcess`.
# [`statistics.median`](https://docs.python.org/3/library/statistics.html#statistics.median).
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `repeat`: open → run → ready → for each repetition: two clocks, run, two differences; CPU plus what run returned.
# `observe`: until the deadline: poll; nothing → look at the memory; ready → look for the children, look at the memory, go;
# anything else → return it. After the loop: the error.
# `measure`: refuse → observe(repeat) → a row of medians, or a row with the error.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-measure", "locked": true, "points": 20, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
import statistics

from weft.judge import points, requires
from weft.trace import Trace
from weft.worlds import planted_truth

MIB = 1 << 20


def measured_well(facts):
    """The row, if there is one."""
    assert facts["row"]["error"] == "", "The work ended well, and the row says that it did not."
    return facts["row"]


def noted_runs(facts, count, number):
    """What the pieces noted in the measured runs."""
    trace, wanted = Trace.from_json(facts["log"]), count * number
    assert trace.count("leave") >= wanted, f"So many pieces came to their end; {number} runs of {count} were asked for."
    return planted_truth.repetitions(trace, count, number)


def wall(facts, count, number):
    """Seconds of each of these runs, in order of length."""
    return sorted(run.span() for run in noted_runs(facts, count, number))


def cpu(facts, count, number):
    """CPU seconds of the pieces, by the median of these runs."""
    return statistics.median(sum(event.value for event in run) for run in noted_runs(facts, count, number))


def near(told, truth, message, share=0.15, slack=0.01):
    """A figure is the truth, give or take a share of it, and a little more for what lies between two clocks."""
    margin = share * truth + slack
    assert round(told, 4) >= round(truth - margin, 4), message
    assert round(told, 4) <= round(truth + margin, 4), message


@points(5)
def test_wall_and_cpu_are_told_apart(answer, planted):
    """Work that waits has wall time and hardly any CPU time; work that computes has both."""
    facts = answer.drive(measure_one, {"kind": "holding", "seconds": planted.about(0.02)}, "serial", 1, 3, repetitions=3)
    row, truth = measured_well(facts), statistics.median(wall(facts, 3, 3))
    near(row["seconds"], truth, f"`seconds`: three waits took {truth:.3f} s, by the median of the repetitions.")
    assert row["cpu"] <= round(0.3 * truth, 4), f"`cpu`: in {truth:.3f} s of waiting, the processor had hardly anything to do."
    facts = answer.drive(measure_one, {"kind": "hashing", "seconds": planted.about(0.02)}, "serial", 1, 3, repetitions=3)
    truth = cpu(facts, 3, 3)
    near(measured_well(facts)["cpu"], truth, f"`cpu`: three pieces of hashing used {truth:.3f} s, by their own clocks.")


@points(2)
@requires("test_wall_and_cpu_are_told_apart")
def test_throughput(answer, planted):
    """Throughput is pieces per second of wall time."""
    facts = answer.drive(measure_one, {"kind": "releasing", "seconds": planted.about(0.02)}, "serial", 1, 5, repetitions=3)
    truth = statistics.median(wall(facts, 5, 3))
    near(measured_well(facts)["throughput"], 5 / truth, f"`throughput`: five pieces were done in {truth:.3f} s.")


@points(4)
@requires("test_wall_and_cpu_are_told_apart")
def test_memory(answer):
    """Work that takes 64 MiB for a moment is reported with 64 MiB, give or take 15 %."""
    spec = {"kind": "allocating", "seconds": 0.12, "size": 64 * MIB}
    told = measured_well(answer.drive(measure_one, spec, "serial", 1, 1, repetitions=3, warm=150 * MIB))["memory"] / MIB
    near(told, 64, "`memory` in MiB: each piece had 64 for a moment, and the process had more before.", slack=0)


### BEGIN HIDDEN TESTS
@points(3)
@requires("test_memory")
def test_memory_of_children(answer):
    """What worker processes take is counted: two with 48 MiB each are 96 MiB."""
    spec = {"kind": "allocating", "seconds": 0.2, "size": 48 * MIB}
    told = measured_well(answer.drive(measure_one, spec, "processes", 2, 2, repetitions=3))["memory"] / MIB
    near(told, 96, "`memory` in MiB: two worker processes had 48 each, at the same time.", slack=0)


@points(2)
@requires("test_memory")
def test_memory_while_the_lock_is_held(answer):
    """Memory is seen also when the work lets no other thread of its process run."""
    spec = {"kind": "hoarding", "seconds": 0.12, "size": 64 * MIB}
    told = measured_well(answer.drive(measure_one, spec, "threads", 1, 1, repetitions=3))["memory"] / MIB
    near(told, 64, "`memory` in MiB: each piece had 64, and let no other thread run meanwhile.", slack=0)


@points(2)
@requires("test_wall_and_cpu_are_told_apart")
def test_cpu_of_children(answer, planted):
    """CPU time that worker processes use is counted."""
    spec = {"kind": "hashing", "seconds": planted.about(0.03)}
    facts = answer.drive(measure_one, spec, "processes", 2, 3, repetitions=3)
    truth = cpu(facts, 3, 3)
    message = f"`cpu`: three pieces in two worker processes used {truth:.3f} s, by their own clocks."
    near(measured_well(facts)["cpu"], truth, message, share=0.25, slack=0.02)


@points(2)
@requires("test_wall_and_cpu_are_told_apart")
def test_one_bad_run_does_not_decide(answer):
    """One run that takes ten times as long shows as the slowest, and does not move the median."""
    spec = {"kind": "hiccup", "seconds": 0.02, "at": 5}
    facts = answer.drive(measure_one, spec, "serial", 1, 2, repetitions=5)
    row, runs = measured_well(facts), wall(facts, 2, 5)
    took = ", ".join(f"{run:.3f}" for run in runs)
    for name, truth in zip(("fastest", "seconds", "slowest"), runs[::2], strict=True):
        near(row[name], truth, f"`{name}`: the runs took {took} s.")
    assert row["repetitions"] == 5, "Five were asked for."


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-measure", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
from weft.judge import points
from weft.trace import Trace
from weft.worlds import planted_truth


def measured_runs(facts, count, repetitions):
    """The runs that were measured, as the pieces noted them, and how many slow first calls are among them."""
    trace, wanted = Trace.from_json(facts["log"]), count * repetitions
    assert trace.count("leave") >= wanted, f"So many pieces came to their end; {repetitions} runs of {count} were asked for."
    runs = planted_truth.repetitions(trace, count, repetitions)
    return runs, len(trace.of("cold").between(runs[0].events[0].time, runs[-1].events[-1].time))


@points(5)
def test_start_up_is_not_charged(answer):
    """What workers need only once is not charged to the work: not the start of a pool, and not a slow first call."""
    for model in ("serial", "processes"):
        for _ in range(2):  # on a busy machine a worker may start so late that the warm-up is over: try once more
            facts = answer.drive(measure_one, {"kind": "cold", "seconds": 0.04}, model, 3, 3, repetitions=3)
            assert facts["row"]["error"] == ""
            runs, cold = measured_runs(facts, 3, 3)
            if cold == 0:
                break
        assert cold == 0, f"{model}: pieces in the measured runs that were the first in their process, and slow for it."
        truth = max(run.span() for run in runs)
        message = f"{model}: the slowest run, which took {truth:.3f} s from its first piece to its last."
        assert facts["row"]["slowest"] <= 1.2 * truth + 0.2, message


### BEGIN HIDDEN TESTS
@points(3)
def test_nothing_is_left(answer):
    """When a measurement is over, no thread and no process of it is left."""
    for model in ("threads", "processes"):
        facts = answer.drive(measure_one, {"kind": "releasing", "seconds": 0.01}, model, 2, 2, repetitions=3)
        assert facts["row"]["error"] == ""
        assert facts["left"] == {"threads": 0, "processes": 0}, f"More than before, after measuring {model}."


### END HIDDEN TESTS

# %% [markdown]
# ## 6 · Part 3: the GIL
#
# How do you see a lock that you cannot touch? Two kinds of evidence.
#
# A *heartbeat* is a thread that sleeps a few milliseconds, again and again, and notes how late it wakes up. To wake up it needs the
# GIL. When beats come as late as a piece of work is long, that work held the lock all the time. (A busy machine delays
# beats by some milliseconds too: lateness alone proves little, lateness of the length of your work proves much.)
#
# The other evidence is the *effect*: processes have a GIL each. Where they speed work up and threads do not, the lock
# is what stands in the way.

# %% nbgrader={"grade": false, "grade_id": "gil", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module gil
"""Whether work holds the global interpreter lock: a heartbeat that it delays, and what it does to threads."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from measure import Row, observe
from workloads import Workload, open_model

CLEAR = 1.4  # so many times as fast is a difference; less may be the machine's mood


@dataclass(frozen=True)
class Beat:
    """``due``: when it should have come, in seconds since the heart began; ``late``: how many seconds later it came."""

    due: float
    late: float


@dataclass(frozen=True)
class Effect:
    """``threads`` and ``processes``: how many times as fast as serial. ``verdict``: "held", "released" or "unknown"."""

    verdict: str
    threads: float = 0.0
    processes: float = 0.0


def heartbeat(work: Callable[[], object], period: float = 0.005) -> list[Beat]:
    """Call ``work()`` in this thread while another one beats every ``period`` seconds, and return the beats.

    Raises what the work raises. When it returns, the heart has stopped.
    """
    # TODO: after this, a beat that had to wait for the GIL is late by as long as it waited.
    ### BEGIN SOLUTION
    beats: list[Beat] = []
    over = threading.Event()
    began = time.perf_counter()

    def heart() -> None:
        while not over.is_set():
            due = time.perf_counter() + period
            time.sleep(period)
            beats.append(Beat(due - began, time.perf_counter() - due))

    thread = threading.Thread(target=heart, name="heart")
    thread.start()
    try:
        work()
    finally:
        over.set()
        thread.join()
    return beats
    ### END SOLUTION


def gil_effect(rows: Iterable[Row]) -> Effect:
    """What the GIL does to one workload, from its rows.

    "held" if processes are CLEAR times as fast as threads, or more; if not, "released" if threads are CLEAR times as fast
    as serial, or more; otherwise, and where one of the three rows is missing or failed, "unknown".
    """
    # TODO: after this, the verdict follows from the medians, and nothing else.
    ### BEGIN SOLUTION
    seconds = {row.model: row.seconds for row in rows if not row.error}
    if not {"serial", "threads", "processes"} <= seconds.keys():
        return Effect("unknown")
    threads, processes = seconds["serial"] / seconds["threads"], seconds["serial"] / seconds["processes"]
    if processes >= CLEAR * threads:
        return Effect("held", threads, processes)
    return Effect("released" if threads >= CLEAR else "unknown", threads, processes)
    ### END SOLUTION


def watch_gil(workload: Workload, workers: int = 4, *, deadline: float = 10.0) -> list[Beat]:
    """The beats while a workload runs in threads, in a process of its own; none if that fails. Given."""
    return observe(deadline, _beats_of, workload, workers).value or []


def _beats_of(ready: Callable[[], None], workload: Workload, workers: int) -> list[Beat]:
    with open_model("threads", workers) as run:
        run(workload)
        ready()
        return heartbeat(lambda: run(workload))


# %% [markdown]
# Try it: how late are beats while four threads ask the camera, and while four threads convert?

# %%
try:
    for workload in (camera, conversion):
        beats = watch_gil(workload)
        workshop.reset()
        display(gil_timeline({}, [(each.due, each.late) for each in beats], title=f"{workload.name}, in four threads"))
except NotImplementedError:
    print("Nothing to try yet: fill in heartbeat first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# When a thread comes back from `time.sleep(0.005)` and looks at the clock: what can have made it late?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# A [`threading.Thread`](https://docs.python.org/3/library/threading.html#thread-objects) and an
# [`Event`](https://docs.python.org/3/library/threading.html#event-objects) to end it; `time.perf_counter` before and after
# `time.sleep`. `try … finally` ends the heart also when the work raises.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# heart: until over: due = now + period; sleep; note (due − began, now − due).
# `heartbeat`: start the thread; call the work; finally set the event and join; return the list.
# `gil_effect`: `{model: seconds}` of the rows without an error → all three there? → two quotients → the three cases.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-gil", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
import statistics

from weft.judge import points

HELD, FREE = {"kind": "holding", "seconds": 0.08}, {"kind": "releasing", "seconds": 0.08}


@points(4)
def test_heartbeat(answer):
    """Beats come late by as long as the work held the lock, and close to their time when it did not."""
    held, free = answer.drive(beat, HELD, 4, 0.005), answer.drive(beat, FREE, 4, 0.005)
    late = {name: [late for _, late in facts["beats"]] for name, facts in (("held", held), ("free", free))}
    assert len(late["held"]) >= 3, "So many beats in four waits of 80 ms that hold the lock."
    assert statistics.median(late["held"]) >= 0.05, "Half of the beats come later than this, when 80 ms are held at a time."
    assert len(late["free"]) >= 8, "So many beats in four waits of 80 ms that let go of the lock."
    assert statistics.median(late["free"]) <= 0.03, "Half of the beats come earlier than this, when nothing is held."
    assert (held["threads left"], free["threads left"]) == (0, 0), "Threads that are left when heartbeat returns."


### BEGIN HIDDEN TESTS
@points(4)
def test_gil_effect(answer):
    """Held, released or unknown: the verdict follows from the three medians."""
    cases = {
        "held": {"serial": 1.0, "threads": 1.0, "processes": 0.3},
        "released": {"serial": 1.0, "threads": 0.3, "processes": 0.25},
        "unknown": {"serial": 1.0, "threads": 0.9, "processes": 0.8},
    }
    cases["partly"] = {"serial": 1.0, "threads": 0.5, "processes": 0.25, "asyncio": 0.5}
    cases["failed"] = {"serial": 1.0, "threads": None, "processes": 0.25}
    told = answer.drive(effects_made, cases)
    verdicts = {case: effect["verdict"] for case, effect in told.items()}
    wanted = {"held": "held", "released": "released", "unknown": "unknown", "partly": "held", "failed": "unknown"}
    assert verdicts == wanted, "Rows that were made up: partly held; in `failed`, the run in threads has an error."
    assert (told["partly"]["threads"], told["partly"]["processes"]) == (2.0, 4.0), "Times as fast as serial."


### END HIDDEN TESTS

# %% [markdown]
# ## 7 · Part 4: the report
#
# A recommendation is only as good as its reason. "Use processes" convinces nobody; "processes are 3.7 times as fast as
# serial, threads 1.0 times: the work holds the GIL" can be checked, and doubted.
#
# The fastest model is not always the right one. Each step from serial to threads, asyncio and processes costs something
# that no stopwatch shows: locks, colours of functions, pickling. Take the *simplest* model that the best one does not beat
# clearly.

# %% nbgrader={"grade": false, "grade_id": "report", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module report
"""What to use and why, and the figure that shows it."""

from collections.abc import Sequence
from dataclasses import dataclass

from gil import CLEAR, gil_effect
from matplotlib.figure import Figure
from measure import Row
from workloads import MODELS

from weft.charts.theme import PALETTE, headline, legend
from weft.charts.theme import figure as blank_figure

SIMPLEST_FIRST = ("serial", "threads", "asyncio", "processes")
COLOURS = dict(zip(MODELS, ("blue", "orange", "green", "purple"), strict=True))


@dataclass(frozen=True)
class Advice:
    """Which ``model`` to use for a ``workload`` ("none" if all failed), how many times as fast as serial it is, and why."""

    workload: str
    model: str
    speedup: float
    reason: str


def recommend(rows: Sequence[Row]) -> Advice:
    """The simplest model, in the order of SIMPLEST_FIRST, whose median is at most CLEAR times the best one's.

    ``rows`` are those of one workload; those with an error do not count. The ``speedup`` is 0.0 if serial failed. The
    reason gives the speed-ups it rests on, and names the GIL where ``gil_effect`` says "held". Without a row that
    counts, the model is "none" and the reason an error.
    """
    # TODO: after this, a reader can check the advice with the numbers in its reason.
    ### BEGIN SOLUTION
    name = rows[0].workload
    seconds = {row.model: row.seconds for row in rows if not row.error}
    if not seconds:
        return Advice(name, "none", 0.0, f"no model came to an end: {rows[0].error}")
    best = min(seconds.values())
    model = next(model for model in SIMPLEST_FIRST if seconds.get(model, float("inf")) <= CLEAR * best)
    if "serial" not in seconds:
        return Advice(name, model, 0.0, f"{best:.3f} s at best; serial failed, so there is nothing to compare with")
    gains = {each: seconds["serial"] / seconds[each] for each in SIMPLEST_FIRST[1:] if each in seconds}
    reason = "times as fast as serial: " + ", ".join(f"{each} {gain:.1f}" for each, gain in gains.items())
    if gil_effect(rows).verdict == "held":
        reason += "; the work holds the GIL, so threads wait for one another"
    elif model == "serial":
        reason += f"; none reaches {CLEAR}, so nothing is worth its cost"
    return Advice(name, model, seconds["serial"] / seconds[model], reason)
    ### END SOLUTION


def figure(rows: Sequence[Row]) -> Figure:
    """The median seconds of each workload, a bar for each model, with a line from the fastest run to the slowest.

    Both axes have a label, that of time with its unit; a legend names the models. Rows with an error have no bar.
    """
    chart, (axes,) = blank_figure(8.0, 3.6)
    headline(axes, "Median of the runs; lines from the fastest to the slowest")
    # TODO: after this, chart shows all rows without an error. axes.bar draws bars, its yerr= the spread below and above.
    ### BEGIN SOLUTION
    names = list(dict.fromkeys(row.workload for row in rows))
    for number, model in enumerate(MODELS):
        mine = [row for row in rows if row.model == model and not row.error]
        places = [names.index(row.workload) + 0.2 * (number - 1.5) for row in mine]
        below = [row.seconds - row.fastest for row in mine]
        above = [row.slowest - row.seconds for row in mine]
        if mine:
            colour, middle = PALETTE[COLOURS[model]], [row.seconds for row in mine]
            axes.bar(places, middle, 0.2, yerr=[below, above], capsize=3, color=colour, label=model)
    axes.set_xticks(range(len(names)), names)
    axes.set_xlabel("workload")
    axes.set_ylabel("time of one run / s")
    ### END SOLUTION
    legend(axes)
    return chart


# %% [markdown]
# Try it: the two libraries again, and your standard workloads.

# %%
def by_workload(rows) -> list[list]:
    """The rows of each workload together."""
    return [[row for row in rows if row.workload == name] for name in dict.fromkeys(row.workload for row in rows)]


try:
    rows = profile([camera, conversion, *standard_workloads()], repetitions=3)
    for each in by_workload(rows):
        advice = recommend(each)
        print(f"{advice.workload:12} {advice.model:10} {advice.reason}")
    display(figure(rows))
except NotImplementedError:
    print("Nothing to try yet: fill in recommend and figure first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# Threads need 0.041 s, processes 0.039 s. Would you move a program to processes for that?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# `next(model for model in SIMPLEST_FIRST if …)` takes the first that will do.
# [`Axes.bar`](https://matplotlib.org/stable/api/_as_gen/matplotlib.axes.Axes.bar.html) takes `yerr=[below, above]`, two
# lists of *distances* from the top of the bar, and a `label=` for the legend.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `recommend`: `{model: seconds}` without errors → empty? "none" → the best → the first within CLEAR of it → speed-ups in
# a sentence, with the GIL if it is held.
# `figure`: for each model: its rows, one place beside the other, one call of `bar`; then labels, title, legend.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-report", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
import re

from weft.judge import points, requires

ALL = ("serial", "threads", "processes", "asyncio")


def advice(answer, planted, kind, models, wanted):
    """What is advised for pieces of a kind; longer pieces if it is not what is wanted, for the machine may be busy."""
    for seconds in (0.03, 0.06, 0.12):
        told = answer.drive(advise, {"kind": kind, "seconds": planted.about(seconds)}, models, 3, 3)
        if told["model"] in wanted and told["GIL"] == wanted[told["model"]]:
            break
    return told


@points(4)
def test_advice_for_the_two_libraries(answer, planted):
    """Work that holds the GIL gets processes and a reason that names it; work that lets go of it gets threads or asyncio."""
    held = advice(answer, planted, "holding", ("serial", "threads", "processes"), {"processes": "held"})
    assert (held["model"], held["GIL"]) == ("processes", "held"), f"Measured: {held['measured']}."
    assert "GIL" in held["reason"] and re.search(r"\d", held["reason"]), "The reason names the GIL and gives numbers."
    free = advice(answer, planted, "releasing", ALL, {"threads": "released", "asyncio": "released"})
    assert free["model"] in ("threads", "asyncio"), f"Measured: {free['measured']}."
    assert free["GIL"] == "released", f"Measured: {free['measured']}."


@points(2)
def test_figure(answer):
    """The figure has labelled axes, the unit of time, a legend with the models, and the spread of each bar."""
    drawn = answer.drive(draw, {"serial": 2.0, "threads": 1.7, "processes": 0.5, "asyncio": 1.6})
    labels = [label for axes in drawn for label in axes["labels"]]
    assert labels and all(labels), "Every axis has a label."
    assert any(re.search(r"[/(\[]\s*(ms|s|seconds|milliseconds)\b", label) for label in labels), "Time has a unit: “… / s”."
    words = " ".join(text for axes in drawn for text in [*axes["legend"], axes["title"]])
    assert [model for model in ALL if model not in words] == [], "Models that the legend does not name."
    numbers = {number for axes in drawn for number in axes["numbers"]}
    for name, wanted in (("median", 0.5), ("fastest run", 0.45), ("slowest run", 0.65)):
        told = any(abs(number / scale - wanted) < 0.001 for number in numbers for scale in (1, 1000))
        assert told, f"The {name} of the processes, {wanted} s, is not drawn."


### BEGIN HIDDEN TESTS
@points(2)
@requires("test_advice_for_the_two_libraries")
def test_advice_for_tiny_and_mixed_work(answer, planted):
    """Work that is too small for any model stays serial; work that holds the GIL most of its time gets processes."""
    tiny = answer.drive(advise, {"kind": "tiny"}, ALL, 4, 50)
    assert tiny["model"] == "serial", f"Measured: {tiny['measured']}."
    mixed = advice(answer, planted, "mixed", ("serial", "threads", "processes"), {"processes": "held"})
    assert mixed["model"] == "processes", f"Measured: {mixed['measured']}."


@points(2)
def test_advice_follows_from_the_rows(answer):
    """The simplest model that is not clearly beaten; models that failed do not count."""
    cases = [
        ({"serial": 1.0, "threads": 0.26, "processes": 0.25, "asyncio": 0.25}, "threads", 3.85),
        ({"serial": 1.0, "threads": 1.05, "processes": 0.8, "asyncio": 1.0}, "serial", 1.0),
        ({"serial": 1.0, "threads": 0.9, "processes": 0.3, "asyncio": 0.9}, "processes", 3.33),
        ({"serial": 1.0, "threads": 0.9, "processes": 0.9, "asyncio": 0.2}, "asyncio", 5.0),
        ({"serial": 1.0, "threads": 0.9, "processes": None, "asyncio": None}, "serial", 1.0),
        ({"serial": None, "threads": None, "processes": None, "asyncio": None}, "none", 0.0),
    ]
    told = answer.drive(advise_made, [figures for figures, _, _ in cases])
    for advice_given, (figures, model, speedup) in zip(told, cases, strict=True):
        given = (advice_given["model"], round(advice_given["speedup"], 2))
        assert given == (model, speedup), f"Medians in seconds: {figures}"
    assert "PlantedError" in told[-1]["reason"], "Where all failed, the reason is an error."


### END HIDDEN TESTS

# %% [markdown]
# ## 8 · See it run
#
# This module is given. It puts your profiler behind a command, so that `weft run P1 --help` works in a terminal, and
# `weft export P1` writes it all as plain files.

# %% nbgrader={"grade": false, "grade_id": "demo", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module demo
"""The profiler as a command: planted workloads and your own, one line of advice for each, and a figure."""

import argparse
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

from measure import Row, profile
from report import figure, recommend
from workloads import MODELS, Workload, standard_workloads

from weft.notebook.dashboard import View
from weft.worlds.planted import Planted

log = logging.getLogger("profiler")


class Progress:
    """The rows so far, for a dashboard. ``add`` is called from the thread that measures."""

    def __init__(self, workloads: Sequence[Workload]) -> None:
        self.workloads = workloads
        self.rows: list[Row] = []

    def add(self, row: Row) -> None:
        """One more row."""
        self.rows.append(row)
        log.debug("%s, %s: %s", row.workload, row.model, row.error or f"{row.seconds:.4f} s, CPU {row.cpu:.4f} s")

    def view(self) -> View:
        """What the dashboards show."""
        rows = list(self.rows)
        stats = {"rows": f"{len(rows)} of {len(self.workloads) * len(MODELS)}"}
        stats["failed"] = str(sum(bool(row.error) for row in rows))
        bars = {}
        for workload in self.workloads:
            mine = [row for row in rows if row.workload == workload.name]
            words = f"{mine[-1].model}: {mine[-1].error or f'{1000 * mine[-1].seconds:.0f} ms'}" if mine else ""
            bars[workload.name] = (len(mine) / len(MODELS), words[:60])
        return View(stats, bars)


def workloads(seconds: float, count: int) -> list[Workload]:
    """What a learner's machine is asked: two libraries that look alike, three standards, one thing that fails."""
    camera = Planted("releasing", seconds)
    return [
        Workload("ask_camera", camera, count, camera.awaited),
        Workload("convert", Planted("holding", seconds), count),
        *standard_workloads(),
        Workload("tiny", Planted("tiny"), count),
        Workload("broken", Planted("raising"), count),
    ]


def advice_on(rows: Sequence[Row]) -> list[str]:
    """One line for each workload."""
    lines = []
    for name in dict.fromkeys(row.workload for row in rows):
        advice = recommend([row for row in rows if row.workload == name])
        lines.append(f"{advice.workload:12} {advice.model:10} {advice.reason}")
    return lines


def main(argv: list[str] | None = None) -> int:
    """Run once; returns 0."""
    parser = argparse.ArgumentParser(prog="weft run P1", description="Measure workloads in four models, and advise.")
    parser.add_argument("--workers", type=int, default=4, help="workers in each pool (default: 4)")
    parser.add_argument("--count", type=int, default=8, help="pieces in one run (default: 8)")
    parser.add_argument("--seconds", type=float, default=0.02, help="seconds that a planted piece waits (default: 0.02)")
    parser.add_argument("--repetitions", type=int, default=5, help="runs that are measured (default: 5)")
    parser.add_argument("--figure", type=Path, help="where to put the figure (default: a temporary file)")
    parser.add_argument("--debug", action="store_true", help="log every row as it is measured")
    options = parser.parse_args(argv)
    if options.debug:
        logging.basicConfig(level=logging.WARNING, format="%(relativeCreated)7.0f ms %(message)s")
        log.setLevel(logging.DEBUG)
    asked = workloads(options.seconds, options.count)
    progress = Progress(asked)

    def work() -> list[Row]:
        return profile(asked, options.workers, repetitions=options.repetitions, tell=progress.add)

    rows = watched(work, progress, plain=options.debug)
    print("\n".join(advice_on(rows)))
    path = options.figure or Path(tempfile.mkdtemp(prefix="profile-")) / "models.png"
    figure(rows).savefig(path)
    print(f"The figure is in {path}")
    if options.debug:
        print(f"{len(rows)} rows, {sum(bool(row.error) for row in rows)} of them failed")
    return 0


def watched(work, progress: Progress, plain: bool) -> list[Row]:  # type: ignore[no-untyped-def]
    """Run with a live view, or without one where log lines need the screen."""
    if plain:
        return work()
    from weft.notebook.terminal import run_in_terminal

    return run_in_terminal(work, progress.view)


# %% [markdown]
# Here it runs behind a dashboard. The last workload raises; it must cost its own row and nothing else.

# %%
import demo

from weft.notebook import dashboard

try:
    asked = demo.workloads(seconds=0.02, count=8)
    progress = demo.Progress(asked)
    live = dashboard.run(lambda: profile(asked, repetitions=3, tell=progress.add), progress.view, {})
    display(live)
except NotImplementedError:
    print("Nothing to see yet: the four parts come first.")

# %% [markdown]
# The next cell waits for its end, so that nothing else disturbs the measurement.

# %%
try:
    live.wait(300)
    print("\n".join(demo.advice_on(progress.rows)))
    display(figure([row for row in progress.rows if row.workload not in ("tiny", "broken")]))
except (NameError, NotImplementedError):
    print("Nothing to see yet: the four parts come first.")

# %% [markdown]
# Look at CPU on your machine: its pieces hold the GIL as `convert` does, and processes can help only as far as there are
# cores. `convert` gains from four processes even on one core, for it computes nothing.

# %% [markdown]
# ## 9 · Explore
#
# How many workers? Choose one of the two libraries, move the slider. Each run is measured by your profiler; the cell keeps
# all runs, and draws the ideal beside them.

# %%
import ipywidgets

from weft.charts import models as chart_of_models

kept = {"ask_camera": {}, "convert": {}}
alone = {}


def explore(library: str = "ask_camera", workers: int = 4) -> None:
    """Measure once more, and draw all runs so far."""
    work = Workload(library, {"ask_camera": ask_camera, "convert": convert}[library], 16)
    try:
        if library not in alone:
            alone[library] = measure(work, "serial", 1, repetitions=3).seconds
        for model in ("threads", "processes"):
            row = measure(work, model, workers, repetitions=3)
            kept[library].setdefault(model, {})[workers] = (row.fastest, row.seconds, row.slowest)
    except NotImplementedError:
        print("Nothing to explore yet: the parts come first.")
        return
    display(chart_of_models(kept[library], base=alone[library], pieces=16))


ipywidgets.interact(
    explore,
    library=ipywidgets.Dropdown(options=list(kept)),
    workers=ipywidgets.IntSlider(4, 1, 16, description="workers", continuous_update=False),
);

# %% [markdown]
# Sixteen pieces, twelve workers: why is that no faster than eight? Count the rounds.
#
# And without a GIL? Free-threaded builds of Python have none. If there is one on your machine (in the environment variable
# `WEFT_NOGIL_PYTHON`, or as `python3.14t` or `python3.13t`), the next cell runs three threads of plain Python in it,
# beside the interpreter of this notebook.

# %%
from weft.probes import free_threading, gil_ticks

here = gil_ticks.watch(threads=3, steps=10_000)
display(gil_timeline(here.lanes, title=f"Python {here.version}, GIL {'on' if here.gil else 'off'}: {here.together:.0%} of the time two at once"))
other = free_threading.find()
if other is None:
    print(f"No free-threaded Python was found ({free_threading.NONE}), so there is no second picture.")
else:
    there = gil_ticks.Ticks.from_json(free_threading.run_module(other.path, "weft.probes.gil_ticks", "3", "10000"))
    display(gil_timeline(there.lanes, title=f"Python {there.version}, GIL {'on' if there.gil else 'off'}: {there.together:.0%} of the time two at once"))

# %% [markdown]
# ## 10 · Graded checks: performance, quality, errors
#
# A profiler that slows work down measures itself. Performance is judged by CPU time: that of a measured run, with all its
# processes, over that of the same work without a profiler, in turn, in the same run.

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "performance-overhead", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# %%checks performance
import functools

from weft.judge import points, requires
from weft.judge.yardsticks import paired_ratio

#: About 30 ms of small objects a piece.
CRUNCH, PIECES, RUNS = {"kind": "crunching", "size": 200_000}, 3, 3


def cpu_of(answer, drive):
    """CPU seconds of a drive, with all processes that it waited for."""
    facts = answer.drive(drive, CRUNCH, PIECES, RUNS)
    assert not (facts and facts["error"]), f"The row has an error: {facts['error']}"
    return answer.usage.cpu_seconds


@functools.cache
def ratio(answer):
    """Measured once for both checks: CPU time with your profiler over that without."""
    return paired_ratio(lambda: cpu_of(answer, measured), lambda: cpu_of(answer, unmeasured))


@points(8)
def test_overhead_partial(answer):
    """Measuring costs at most half as much again as the work itself, in CPU time."""
    assert ratio(answer) <= 1.5, "CPU time with your profiler, over CPU time without."


### BEGIN HIDDEN TESTS
@points(7)
@requires("test_overhead_partial")
def test_overhead_full(answer):
    """Measuring costs at most 15 % of the work's own CPU time."""
    assert ratio(answer) <= 1.15, "CPU time with your profiler, over CPU time without."


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "quality-code", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks quality
from weft.judge import points, requires

PARTS = ("workloads", "measure", "gil", "report")


@points(0)
def test_it_works(answer):
    """A small measurement works. Code that does not run cannot be reviewed."""
    facts = answer.drive(measure_one, {"kind": "releasing", "seconds": 0.005}, "threads", 2, 2, repetitions=3)
    assert facts["row"]["error"] == "" and facts["row"]["seconds"] > 0


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
    assert code.findings("E722", "S110", "S112", only=PARTS) == []


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "errors-input", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# %%checks errors
from weft.judge import points, requires

ALL = ("serial", "threads", "processes", "asyncio")
WELL = {"kind": "releasing", "seconds": 0.01}


def spoiled(answer, spec, models, patience=8.0):
    """The errors of a bad workload, measured between two good ones; those are judged here."""
    facts = answer.drive(profile_several, [WELL, spec, WELL], models, 2, 2, patience, deadline=20.0)
    rows = facts["rows"]
    assert len(rows) == 3 * len(models), "A row for each workload in each model."
    good = {row["model"]: row["error"] for row in rows if row["workload"] == "releasing"}
    assert good == dict.fromkeys(models, ""), "Errors of the workloads before and after, which are sound."
    assert facts["returned"] == 1, "So often did profile return."
    assert facts["left"]["processes"] == 0 and facts["copies alive"] == 0, "Processes that are left: none were to be."
    return {row["model"]: row["error"] for row in rows if row["workload"] == spec["kind"]}


@points(2)
def test_work_that_raises(answer):
    """Work that raises costs its own row, which names the exception, and no other."""
    errors = spoiled(answer, {"kind": "raising"}, ALL)
    assert {model: "PlantedError" in error for model, error in errors.items()} == dict.fromkeys(ALL, True), f"{errors}"


@points(1)
def test_bad_arguments(answer):
    """One repetition, no workers, or a model that there is not: refused with a ValueError."""
    told = answer.drive(refuse_measure)
    assert told == dict.fromkeys(told, "ValueError")


### BEGIN HIDDEN TESTS
@points(1)
@requires("test_work_that_raises")
def test_work_without_an_end(answer):
    """Work that never ends is given up at the deadline, with an error and nothing left, also when it holds the GIL."""
    for kind, model in (("endless", "processes"), ("stuck", "threads")):
        errors = spoiled(answer, {"kind": kind}, (model,), patience=1.5)
        assert errors[model], f"Work that never ends, in {model}: the row has no error."


@points(1)
@requires("test_work_that_raises")
def test_work_that_forks_or_dies(answer):
    """Work that forks, or ends its process, costs its own row; what it started ends with it."""
    for kind, model in (("forking", "serial"), ("forking", "processes"), ("dying", "serial"), ("dying", "processes")):
        errors = spoiled(answer, {"kind": kind}, (model,))
        assert errors[model], f"Work that is {kind}, in {model}: the row has no error."


### END HIDDEN TESTS

# %% [markdown]
# ## 11 · Afterwards
#
# **Pitfalls.**
# CPU time near zero does not mean that threads will help: the work may wait with the GIL in its hand.
# A mean hides one bad run in all the others; a median with its extremes shows both.
# `ru_maxrss` is a record, not a measurement: it cannot fall.
# RSS counts a page that two processes share in each of them. As a *growth* that seldom matters; for totals take the
# proportional share (PSS, `memory_full_info`), and pay for it.
# A sampler sees what lasts longer than its interval, and nothing else.
#
# **What professionals use.** [pyinstrument](https://pyinstrument.readthedocs.io) and
# [py-spy](https://github.com/benfred/py-spy) sample stacks, the latter from outside, as your `observe` does;
# [Scalene](https://github.com/plasma-umass/scalene) tells Python from C time and counts memory;
# [VizTracer](https://viztracer.readthedocs.io) draws every call on a time line. They say *where* the time goes. Yours says which
# model to choose; you need both.
#
# **Where one machine ends.** From a few machines on, the same questions are asked of tasks on a cluster: Dask's dashboard
# and Ray's time line show which worker waited for what. There, moving the data is one more thing to measure.
#
# **Read on.** [`time`: clocks](https://docs.python.org/3/library/time.html#time.perf_counter) ·
# [Thread states and the GIL](https://docs.python.org/3/c-api/init.html#thread-state-and-the-global-interpreter-lock)
#
# **A question to think about.** You measured on an idle laptop, and the service runs beside forty others. Which of your
# numbers can you still believe there, and which would you have to measure again?
