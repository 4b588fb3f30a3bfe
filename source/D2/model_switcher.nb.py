# ---
# jupyter:
#   weft:
#     concept: deciding
#     difficulty: medium
#     focus: metrics, hysteresis, learning from history, pools
#     id: D2
#     minutes: 45-55
#     order: 10
#     title: Dynamic concurrency switcher
# ---

# %% [markdown]
# # D2 · Dynamic concurrency switcher
#
# | concept | difficulty | time | focus |
# |---|---|---|---|
# | deciding | medium | 45–55 minutes | metrics, hysteresis, learning from history, pools |
#
# You write a runner that finds out for itself which concurrency model suits the work at hand: serial, threads,
# processes or asyncio. It measures while it works, changes its mind when that pays, and remembers.
#
# Afterwards you can
#
# - measure throughput over a sliding window, safely from many threads,
# - decide by *cost per task* instead of by what the processor looks like,
# - keep a decision from flapping with *hysteresis*: a gain threshold and a dwell time,
# - change the model in the middle of a batch without losing, doubling or reordering a task.

# %%
# %load_ext weft

# %% [markdown]
# ## 1 · The problem
#
# A nightly job has phases. First it fetches: its tasks wait. Then it computes: its tasks hold the interpreter's lock. Then it
# fetches again. The tasks below last 6 ms each and note where they ran. *Holding* ones sleep without letting go of the
# lock, as a long calculation would hold it, so what you see does not depend on how many cores you have.

# %%
import tempfile
from pathlib import Path

from weft.worlds.phases import plan
from weft.worlds.phases_oracle import oracle_seconds

log = str(Path(tempfile.mkdtemp(prefix="phases-")) / "log")
night = plan(["waiting", "holding", "waiting"], batches=4)

took = {model: oracle_seconds(night, log, always=model) for model in ("serial", "threads", "processes")}
took["best for each"] = oracle_seconds(night, log)
for model, seconds in took.items():
    print(f"{model:14}{seconds:5.2f} s")

# %% [markdown]
# Threads are no help in the phase that holds the lock. Processes do well in both, here: their tasks are large, and what
# travels to them is small. Now the same question for tasks that are done in less time than it takes to ask somebody.

# %%
crumbs = plan(["tiny"], batches=4)
for model in ("serial", "threads", "processes"):
    print(f"{model:14}{oracle_seconds(crumbs, log, always=model):7.4f} s")

# %% [markdown]
# No single model is right all night. Whoever writes the job seldom knows what its tasks will be like next year. So the
# runner has to find out, and finding out must not cost more than it gains.
#
# ```mermaid
# flowchart LR
#     you["run(function, items)"] --> switcher
#     switcher -- "choose(kind)" --> policy["Policy: history by kind of work"]
#     switcher -- "a slice of the items" --> pools["serial · threads · processes · asyncio"]
#     pools -- "results, seconds" --> switcher
#     switcher -- "learn(kind, model, cost)" --> policy
#     switcher -- "record(tasks, seconds)" --> metrics["Metrics, one lock"]
# ```

# %% [markdown]
# ## 2 · What to build
#
# | must have | part |
# |---|---|
# | metrics in real time: done, throughput, seconds per task | 1 · `metrics` |
# | learning from history; hysteresis against oscillation | 2 · `policy` |
# | seamless change between models: nothing lost, doubled, reordered or cancelled | 3 · `switcher` |
#
# | criterion | points | what is judged |
# |---|---|---|
# | correctness | 40 | results, numbers, and what the policy decides |
# | concurrency | 30 | that models are what they say; the switch itself; no flapping; no pool left over |
# | performance | 15 | your time beside that of a runner that knows everything beforehand, in the same run |
# | quality | 10 | what a reviewer would send back |
# | errors | 5 | one bad task costs one task |

# %% [markdown]
# ## 3 · Warm-up
#
# A *pool* of threads and one of processes have the same face. What differs is what a task may be: a function that goes to
# another process travels by its name, so it must be importable there.

# %%
import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

with ThreadPoolExecutor(2) as threads, ProcessPoolExecutor(2) as processes:
    print("me:", os.getpid(), " a thread's:", threads.submit(os.getpid).result(), end="  ")
    print("a process's:", processes.submit(os.getpid).result())
    try:
        processes.submit(lambda: 1).result()
    except Exception as error:
        print(f"{type(error).__name__}: {error}"[:60])

# %% [markdown]
# The other tool is arithmetic. A measurement jumps; its *exponentially weighted average* moves a share of the way towards
# each new value. And a decision that is taken back at every jump is worse than either choice: that is *flapping*.

# %%
import random

random.seed(7)
average, flips, chosen = 1.0, 0, "A"
for _ in range(200):
    average += 0.5 * (random.uniform(0.95, 1.05) - average)  # what A costs; B is known to cost 1.0
    better = "A" if average <= 1.0 else "B"
    flips, chosen = flips + (better != chosen), better
print(f"two models that cost the same, ±5 % noise, 200 looks: {flips} changes of mind")

# %% [markdown]
# ## 4 · Part 1: metrics
#
# Several threads record, a dashboard reads. What happened more than a window ago no longer counts for the rates, but stays
# in the total. All numbers of one `Rates` must belong to the same moment.

# %% nbgrader={"grade": false, "grade_id": "metrics", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module metrics
"""What is going on, in numbers that many threads add to and anybody may read."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Rates:
    """All numbers of one moment.

    ``done`` tasks since the beginning; over the window, ``throughput`` in tasks per second and ``seconds`` per task on
    average (0.0 if none ended in it).
    """

    done: int
    throughput: float
    seconds: float


class Metrics:
    """Counts tasks over the last ``window`` seconds. Every method may be called from any thread."""

    def __init__(self, window: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.window = window
        self._clock = clock  # seconds; the checks pass one of their own
        # TODO: what must be remembered, and what guards it.
        ### BEGIN SOLUTION
        self._lock = threading.Lock()
        self._recent: deque[tuple[float, int, float]] = deque()
        self._done = 0
        ### END SOLUTION

    def record(self, tasks: int, seconds: float) -> None:
        """So many tasks have just ended; together they took ``seconds``."""
        # TODO: after this, done and the rates include them, and no thread can see one without the other.
        ### BEGIN SOLUTION
        with self._lock:
            self._done += tasks
            self._recent.append((self._clock(), tasks, seconds))
            self._forget_old()
        ### END SOLUTION

    def rates(self) -> Rates:
        """All numbers, taken at one moment."""
        # TODO: after this, only what ended within the last window seconds counts for throughput and seconds.
        ### BEGIN SOLUTION
        with self._lock:
            self._forget_old()
            tasks = sum(count for _, count, _ in self._recent)
            seconds = sum(each for _, _, each in self._recent)
            return Rates(self._done, tasks / self.window, seconds / tasks if tasks else 0.0)

    def _forget_old(self) -> None:
        """Drop what ended before the window. The caller holds the lock."""
        while self._recent and self._recent[0][0] <= self._clock() - self.window:
            self._recent.popleft()
        ### END SOLUTION


# %% [markdown]
# Try it by hand, in one thread: four tasks in half a second, then silence.

# %%
try:
    now = [0.0]
    numbers = Metrics(window=1.0, clock=lambda: now[0])
    numbers.record(4, 0.5)
    print(numbers.rates())
    now[0] = 2.0
    print(numbers.rates())
except NotImplementedError:
    print("Nothing to try yet: fill in Metrics first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# Two threads run `self._done += tasks`. How many steps is that, and what may happen between them?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`threading.Lock`](https://docs.python.org/3/library/threading.html#lock-objects) in a `with` statement;
# [`collections.deque`](https://docs.python.org/3/library/collections.html#collections.deque) forgets from the left.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `record`: under the lock, add to the total and remember (time, tasks, seconds).
# `rates`: under the same lock, drop what is older than the window, then sum what is left.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": false, "grade_id": "drives", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%drives
"""How the checks call your code. Nothing is judged here: each function calls your modules and returns what happened."""

import subprocess
import sys
import threading
import time
from pathlib import Path

from weft.worlds import phases
from weft.worlds.notes import read_notes


def count(steps, window=1.0):
    """`Metrics(window)` with a clock that stands still unless told"""
    from metrics import Metrics

    now = [50.0]
    metrics = Metrics(window, clock=lambda: now[0])
    for step, *arguments in steps:
        if step == "wait":
            now[0] += arguments[0]
        else:
            getattr(metrics, step)(*arguments)
    return vars(metrics.rates())


def both(*works):
    """Run each in a thread of its own, and wait for them."""
    threads = [threading.Thread(target=work, name=name) for name, work in zip("ab", works, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def record_from_two_threads():
    """`record` of one `Metrics` from two threads, and `rates` afterwards"""
    from metrics import Metrics

    metrics = Metrics(clock=lambda: 0.0)
    both(lambda: metrics.record(1, 0.5), lambda: metrics.record(2, 1.0))
    now = metrics.rates()
    told = f"Three tasks ended. rates() says {now.done} done and {now.throughput:g} per second."
    assert (now.done, now.throughput) == (3, 3.0), told


def look_while_it_changes():
    """`rates` in one thread while another one records"""
    from metrics import Metrics

    metrics = Metrics(window=1.0, clock=lambda: 0.0)
    seen = []
    both(lambda: metrics.record(5, 1.0), lambda: seen.append(metrics.rates()))
    now = seen[0]
    assert now.done == now.throughput, f"One look says {now.done} done, but {now.throughput:g} per second since then."


def play(steps, first_slice=1.0, models=("serial", "threads", "processes"), settings=None):
    """`choose` and `learn` of one `Policy`, slice by slice"""
    from policy import Policy

    policy, chosen, last, tried = Policy(models, **(settings or {})), [], {}, {}
    for kind, costs in steps:
        model = policy.choose(kind)
        # A model that comes into force again is cold: its first slice takes longer.
        known = tried.setdefault(kind, set())
        cold = first_slice if len(known) == len(models) and last[kind] != model else 1.0
        policy.learn(kind, model, costs[model] * cold)
        last[kind] = model
        known.add(model)
        chosen.append(model)
    return chosen


def through(names, batches=4, tasks=32, workers=4, seconds=phases.SECONDS, **options):
    """`Switcher(workers).run(function, items)`, batch after batch, phase after phase"""
    from switcher import Switcher

    log, wrong, used = "log", 0, []
    threads = threading.active_count()
    with Switcher(workers, **options) as switcher:
        started = time.perf_counter()
        for phase in phases.plan(names, batches, tasks, seconds):
            for _ in range(phase.batches):
                Path(log).unlink(missing_ok=True)
                wrong += switcher.run(phase.function, phase.items(log)) != list(range(phase.tasks))
                used.append(list(phases.models_used(read_notes(log), phases.here())))
        took = time.perf_counter() - started
        said = switcher.statistics()
    return {
        "wrong": wrong,
        "used": used,
        "seconds": took,
        "done": said.done,
        "switches": said.switches,
        "threads left": threading.active_count() - threads,
        "children left": children(),
    }


def children():
    """How many processes this one has started and not ended."""
    import psutil

    return len(psutil.Process().children(recursive=True))


def once(name, tasks, workers=4, seconds=0.02, twice=False, **options):
    """`Switcher(workers).run(function, items)`, once"""
    from switcher import Switcher

    function = getattr(phases, name)
    items = [("log", number, seconds) for number in range(tasks)]
    with Switcher(workers, **options) as switcher:
        try:
            results, error = switcher.run(function, items), None
        except Exception as problem:
            results, error = None, f"{type(problem).__name__}: {problem}"
        trace = read_notes("log")
        again = switcher.run(phases.waiting, items) if twice else None
    return {
        "results": results,
        "error": error,
        "again": again,
        "done": dict(trace.subjects("leave")),
        "used": phases.models_used(trace, phases.here()),
        "at once": phases.at_once(trace),
        "at most": trace.peak("enter", "leave"),
    }


def by_hand(name, tasks, order):
    """`run` in one thread; `prefer(model)` from another, again and again"""
    from switcher import Switcher

    items, results = [("log", number, 0.01) for number in range(tasks)], []

    def used():
        return phases.models_used(read_notes("log"), f"{phases.here().partition(' ')[0]} {runner.ident}")

    with Switcher(4) as switcher:
        runner = threading.Thread(target=lambda: results.extend(switcher.run(getattr(phases, name), items)))
        runner.start()
        for model in order:
            switcher.prefer(model)
            before = len(used())
            while runner.is_alive() and model not in used()[before:]:
                time.sleep(0.01)
        runner.join()
    trace = read_notes("log")
    return {
        "results": results,
        "entered": dict(trace.subjects("enter")),
        "left": dict(trace.subjects("leave")),
        "last": used()[-1],
    }


def switch_under_way():
    """`run` in one thread, `prefer("threads")` and `prefer(None)` in another"""
    from switcher import Switcher

    done = []
    with Switcher(2, models=("serial", "threads")) as switcher:

        def task(number):
            done.append(number)
            return number

        def change():
            for _ in range(2):
                switcher.prefer("threads")
                switcher.prefer(None)

        results = []
        both(lambda: results.extend(switcher.run(task, range(6))), change)
    assert results == list(range(6)), f"run(task, range(6)) gave {results} when the model was changed meanwhile."
    assert sorted(done) == list(range(6)), f"The tasks that were done: {sorted(done)}."


def two_runs_at_once():
    """`run` of one `Switcher` from two threads, and `statistics` afterwards"""
    from switcher import Switcher

    results = {}
    with Switcher(2, models=("serial", "threads")) as switcher:
        both(
            lambda: results.update(a=switcher.run(str, range(3), kind="a")),
            lambda: results.update(b=switcher.run(str, range(3), kind="b")),
        )
        said = switcher.statistics().done
    assert results == {name: ["0", "1", "2"] for name in "ab"}, f"Two runs gave {results}."
    assert said == 6, f"Six tasks are done. statistics() says {said}."


def close_under_way():
    """`run` in one thread, `close` in another"""
    from switcher import Switcher

    switcher, outcome = Switcher(2, models=("threads",)), []

    def run():
        try:
            outcome.append(switcher.run(str, range(4)))
        except RuntimeError as refused:
            assert "clos" in str(refused), f"run ended in RuntimeError: {refused}"
            outcome.append("refused")

    both(run, switcher.close)
    assert outcome in (["refused"], [["0", "1", "2", "3"]]), f"run gave {outcome} when close came meanwhile."


def beside_a_neighbour(seconds):
    """`run` of waiting tasks, while another program keeps a processor busy"""
    busy = f"import time; end = time.monotonic() + {seconds}\nwhile time.monotonic() < end: pass"
    neighbours = [subprocess.Popen([sys.executable, "-c", busy]) for _ in range(2)]
    try:
        return through(["waiting"], batches=8, tasks=16, seconds=0.025, models=("threads", "serial"))
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.wait()


def refuse(**options):
    """`Switcher(...)` with something wrong in it, or used after `close`"""
    from switcher import Switcher

    late = options.pop("late", False)
    try:
        switcher = Switcher(**options)
        switcher.close()
        if late:
            switcher.run(str, [1])
        return "nothing was refused"
    except (ValueError, RuntimeError) as problem:
        return f"{type(problem).__name__}: {problem}"


def unpicklable(tasks):
    """`run(function, items)` with a function that cannot travel to another process"""
    from switcher import Switcher

    with Switcher(2) as switcher:
        return switcher.run(lambda number: -number, range(tasks), kind="cannot travel")


# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-metrics", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires


@points(4)
def test_rates_add_up(answer):
    """Rates are those of the last window, and the total is that of all time."""
    facts = answer.drive(count, [("record", 4, 0.5), ("wait", 0.4), ("record", 2, 1.0)])
    assert facts == {"done": 6, "throughput": 6.0, "seconds": 0.25}


### BEGIN HIDDEN TESTS
@points(4)
@requires("test_rates_add_up")
def test_what_is_old_is_forgotten(answer):
    """What ended before the window no longer counts for the rates; when nothing did, they are zero."""
    steps = [("record", 4, 0.5), ("wait", 1.5), ("record", 6, 1.5), ("wait", 1.5)]
    facts = answer.drive(count, steps, window=2.0)
    assert facts == {"done": 10, "throughput": 3.0, "seconds": 0.25}
    assert answer.drive(count, [*steps, ("wait", 9)], window=2.0) == {"done": 10, "throughput": 0.0, "seconds": 0.0}


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-metrics", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
from weft.judge import points


@points(3)
def test_no_record_is_lost(answer):
    """Two threads record, in any order of their steps, and nothing is lost."""
    answer.explore(record_from_two_threads, schedules=100)


### BEGIN HIDDEN TESTS
@points(3)
def test_rates_are_one_moment(answer):
    """Rates that are taken while another thread records still belong together."""
    answer.explore(look_while_it_changes, schedules=100)


### END HIDDEN TESTS

# %% [markdown]
# ## 5 · Part 2: the policy
#
# The policy decides, and does nothing else: no thread, no clock, no pool. That makes it exact to test. It knows what a task
# of each *kind of work* has cost in each model, in seconds per task, and answers one question: in which model should the
# next slice of this kind run?
#
# Costs per task already contain everything that matters: waiting, the lock, what it takes to send a task to another process,
# and the neighbour that shares your machine. The load of the processor contains none of it.

# %% [markdown]
# Four rules make a good policy.
#
# 1. A model that was never tried on this kind is tried, once, in the order given.
# 2. Afterwards the cheapest is *in force*, and history mixes: the average moves `memory` of the way to each new cost.
# 3. *Hysteresis*: another model comes into force only if the present one costs at least `gain` times as much, and at least
#    `dwell` slices after the last change.
# 4. If the model in force surprises (more than twice, or less than half of what history says) in `dwell` slices on end,
#    the work has changed: what is known of the other models is forgotten, and they are tried again. One surprise alone is
#    noise, and teaches nothing.

# %% nbgrader={"grade": false, "grade_id": "policy", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module policy
"""Which model for which kind of work: history, a gain threshold, a dwell time."""

from collections.abc import Sequence
from dataclasses import dataclass, field

SURPRISE = 2.0  # so many times what was expected, or one part in so many


@dataclass
class Known:
    """What is known of one kind of work: seconds per task by model, the model in force, and since how many slices."""

    costs: dict[str, float] = field(default_factory=dict)
    in_force: str = ""
    since: int = 0
    surprises: int = 0


class Policy:
    """Decides, and does nothing else. The caller sees to it that one thread uses it at a time."""

    def __init__(self, models: Sequence[str], *, gain: float = 1.25, dwell: int = 3, memory: float = 0.5) -> None:
        self.models = tuple(models)
        self.gain, self.dwell, self.memory = gain, dwell, memory
        self.kinds: dict[str, Known] = {}

    def choose(self, kind: str) -> str:
        """The model in which the next slice of this kind should run."""
        # TODO: an untried model if there is one, in the order of self.models; else the one in force.
        ### BEGIN SOLUTION
        known = self.kinds.get(kind, Known())
        untried = [model for model in self.models if model not in known.costs]
        return untried[0] if untried else known.in_force
        ### END SOLUTION

    def learn(self, kind: str, model: str, cost: float) -> None:
        """A slice of this kind ran in ``model`` and cost so many seconds per task."""
        # TODO: after this, history contains it, unless it is a lone surprise; and the right model is in force.
        ### BEGIN SOLUTION
        known = self.kinds.setdefault(kind, Known())
        before = known.costs.get(model)
        known.since += model == known.in_force
        if before is None:
            known.costs[model] = cost
        elif before / SURPRISE <= cost <= before * SURPRISE:
            known.surprises = 0
            known.costs[model] = before + self.memory * (cost - before)
        else:
            known.surprises += 1
            if known.surprises >= self.dwell:
                known.costs, known.surprises = {model: cost}, 0
        self._decide(known)

    def _decide(self, known: Known) -> None:
        """Put the cheapest model into force, if all are known and the gain is worth a change."""
        if len(known.costs) < len(self.models):
            return
        best = min(self.models, key=known.costs.__getitem__)
        if not known.in_force:
            known.in_force, known.since = best, 0
        worth_it = known.costs[known.in_force] >= self.gain * known.costs[best]
        if best != known.in_force and worth_it and known.since >= self.dwell:
            known.in_force, known.since = best, 0
        ### END SOLUTION

    def margin(self, kind: str) -> float:
        """How many times as much the cheapest other model costs as the one in force; 1.0 while nothing is in force."""
        known = self.kinds.get(kind, Known())
        others = [cost for model, cost in known.costs.items() if model != known.in_force]
        if not others or known.in_force not in known.costs:
            return 1.0
        return min(others) / max(known.costs[known.in_force], 1e-9)


# %% [markdown]
# Try it: work that suits processes, then, under the same name, work that suits threads.

# %%
try:
    policy = Policy(("serial", "threads", "processes"))
    night = [{"serial": 4.0, "threads": 4.2, "processes": 1.0}] * 6 + [{"serial": 4.0, "threads": 1.0, "processes": 3.0}] * 9
    for costs in night:
        model = policy.choose("nightly")
        policy.learn("nightly", model, costs[model])
        print(model, end=" ")
except NotImplementedError:
    print("Nothing to try yet: fill in Policy first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# Two models cost the same, and each measurement jumps by 5 %. What has to be true before you leave the one that you are in?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# A small record for each kind, in a dictionary:
# [`dict.setdefault`](https://docs.python.org/3/library/stdtypes.html#dict.setdefault) makes it at the first meeting.
# [`min(…, key=…)`](https://docs.python.org/3/library/functions.html#min) finds the cheapest.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `choose`: first model that has no cost yet → else the one in force.
# `learn`: new → note it; near what was expected → average; else count the surprise, and after `dwell` of them forget the
# others. Then decide: all known? cheapest; worth `gain`? in force for `dwell` slices? → change.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-policy", "locked": true, "points": 16, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires

IO = {"serial": 4.0, "threads": 1.0, "processes": 1.4}
CPU = {"serial": 4.0, "threads": 4.1, "processes": 1.0}


@points(4)
def test_each_is_tried_once(answer):
    """A new kind of work is tried in each model once, and then runs in the cheapest."""
    chosen = answer.drive(play, [("io", IO)] * 6)
    assert chosen == ["serial", "threads", "processes", "threads", "threads", "threads"]


@points(3)
@requires("test_each_is_tried_once")
def test_kinds_are_told_apart(answer):
    """What is learned of one kind of work says nothing of another; the second meeting needs no trying."""
    chosen = answer.drive(play, [("io", IO)] * 4 + [("cpu", CPU)] * 4 + [("io", IO)] * 2 + [("cpu", CPU)] * 2)
    assert chosen[3] == "threads" and chosen[7] == "processes", "Each kind has a cheapest model of its own."
    assert chosen[8:] == ["threads", "threads", "processes", "processes"], "Both kinds were known by then."


### BEGIN HIDDEN TESTS
@points(5)
@requires("test_each_is_tried_once")
def test_work_that_changed_is_tried_again(answer):
    """When work changes its nature under the same name, the models are tried again and the new cheapest is found."""
    other = {"serial": 4.0, "threads": 9.0, "processes": 1.0}
    chosen = answer.drive(play, [("job", IO)] * 8 + [("job", other)] * 12, settings={"dwell": 2})
    assert chosen[7] == "threads", "Before the change."
    assert chosen[-1] == "processes", "Threads took nine times as long as before, in slice after slice."
    assert "serial" in chosen[8:], "What was known of the other models was known of other work."


@points(4)
@requires("test_each_is_tried_once")
def test_one_surprise_is_noise(answer):
    """One slice that takes five times as long is noise: nothing is forgotten, and nothing learned from it."""
    slow = {model: 5 * cost for model, cost in IO.items()}
    calm = [("io", IO)] * 6
    chosen = answer.drive(play, [*calm, ("io", slow), *calm, ("io", slow), *calm])
    assert set(chosen[3:]) == {"threads"}, "Two lone hiccups, and the model was left or the others tried again."


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-hysteresis", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
import itertools
import random

from weft.judge import points, requires


def noisy(seed, slices, **costs):
    """Slices in which every cost jumps by up to 5 % either way."""
    jump = random.Random(seed)
    return [("job", {model: cost * jump.uniform(0.95, 1.05) for model, cost in costs.items()}) for _ in range(slices)]


def changes(chosen):
    """How often a slice ran in another model than the one before."""
    return sum(before != after for before, after in itertools.pairwise(chosen))


@points(4)
def test_noise_does_not_flip_it(answer):
    """Two models that cost the same, with 5 % of noise: after trying, no change of mind in 60 slices."""
    chosen = answer.drive(play, noisy(1, 63, serial=4.0, threads=1.0, processes=1.0))
    assert len(set(chosen[:3])) == 3, "Each model is tried first."
    assert changes(chosen[3:]) == 0


### BEGIN HIDDEN TESTS
@points(2)
@requires("test_noise_does_not_flip_it")
def test_a_small_gain_is_not_worth_it(answer):
    """A creeping change is followed when it is worth the gain threshold, and not before."""
    # Threads grow dearer by 3 % a slice, too slowly to surprise; processes stay at 1.4.
    creeping = [("job", {"serial": 9.0, "threads": 1.03**step, "processes": 1.4}) for step in range(40)]
    chosen = answer.drive(play, creeping)
    assert chosen[15] == "threads", "After 15 slices threads cost 1.6, processes 1.4: less than the gain of 1.25."
    assert chosen[-1] == "processes", "At last threads cost 3.2, and processes still 1.4."


@points(2)
@requires("test_noise_does_not_flip_it")
def test_a_new_model_is_given_time(answer):
    """A model that has just come into force is given its dwell time, also if its first slice is a slow one."""
    costs = {"serial": 9.0, "threads": 1.0, "processes": 1.0}
    dearer = {"serial": 9.0, "threads": 1.4, "processes": 1.0}
    steps = [("job", costs)] * 6 + [("job", dearer)] * 30
    chosen = answer.drive(play, steps, first_slice=1.95, settings={"memory": 0.9})
    assert set(chosen[3:6]) == {"threads"}, "Nothing had changed but that its first slice was a slow one."
    assert changes(chosen[3:]) == 1, "Threads grew dearer once. One change of mind is right."


### END HIDDEN TESTS

# %% [markdown]
# ## 6 · Part 3: the switcher
#
# The switcher cuts a batch into *slices*. Before each slice it asks the policy; while the slice runs it leaves it alone; after
# it, it reports what a task has cost. A change of model is nothing but another answer for the next slice, so work under way
# is finished where it is, and nothing has to be stopped, moved or done again.
#
# The first slices of a new kind are *canaries*: one task serially, a handful in each pool. They are real tasks of the real
# batch, and their results are kept.

# %% [markdown]
# Three facts decide what is possible at all. A coroutine function runs on an event loop and nowhere else. A function
# that cannot be pickled does not travel to another process. And processes that are *forked* copy whatever locks other
# threads hold at that moment: start the processes before the threads.

# %% nbgrader={"grade": false, "grade_id": "switcher", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module switcher
"""Runs batches of tasks in whichever model the policy says, slice by slice."""

import asyncio
import inspect
import math
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from metrics import Metrics
from policy import Policy

MODELS = ("serial", "threads", "processes")
SLICE = 0.2  # seconds that a slice should take, once its kind of work is known

Outcome = tuple[bool, Any]  # whether the task returned, and what it returned or raised


@dataclass(frozen=True)
class Slice:
    """One slice that has ended: when (``time.monotonic``), in which model, its tasks and seconds, and the margin then."""

    time: float
    kind: str
    model: str
    tasks: int
    seconds: float
    margin: float


@dataclass(frozen=True)
class Statistics:
    """How it stands. ``switches`` counts how often the model of the work changed, canaries left out."""

    kind: str
    model: str
    done: int
    throughput: float
    switches: int
    margin: float


class WorkerDied(Exception):
    """A process of the pool died with tasks that it had; the pool was replaced."""


def settle(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Outcome]:
    """Call the function on each item, and keep what it raises as well as what it returns."""
    outcomes: list[Outcome] = []
    for item in items:
        try:
            outcomes.append((True, function(item)))
        except Exception as error:
            outcomes.append((False, error))
    return outcomes


async def settle_async(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Outcome]:
    """The same for a coroutine function, all items at the same time."""
    found = await asyncio.gather(*map(function, items), return_exceptions=True)
    return [(not isinstance(each, BaseException), each) for each in found]


class Switcher:
    """Runs tasks, in threads or processes with ``workers`` of each. Every method may be called from any thread.

    ``models`` are those that it may use, in the order in which new work tries them. Raises ValueError for fewer workers
    than 1, and for a model that there is not.
    """

    def __init__(self, workers: int = 4, *, models: Sequence[str] = MODELS, policy: Policy | None = None) -> None:
        self.workers = workers
        self.models = tuple(models)
        self.policy = policy or Policy(self.models)
        self.metrics = Metrics()
        self.slices: list[Slice] = []
        # TODO: refuse what cannot work; then the pools, and whatever the other methods need.
        ### BEGIN SOLUTION
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        if not self.models or (unknown := set(self.models) - set(MODELS)):
            raise ValueError(f"models must be some of {', '.join(MODELS)}, not {unknown if self.models else 'none'}")
        self._state = threading.Condition()
        self._runs = 0
        self._closed = False
        self._preferred: str | None = None
        self._working: tuple[str, str] = ("", "")
        self._switches = 0
        self._processes = self._start_processes() if "processes" in self.models else None
        self._threads = ThreadPoolExecutor(workers, "switcher")
        ### END SOLUTION

    def run(self, function: Callable[[Any], Any], items: Iterable[Any], kind: str = "") -> list[Any]:
        """Call ``function`` on every item and return the results in the items' order.

        ``kind`` names the kind of work; the function's own name unless said. Every task is done; then the first error,
        in the items' order, is raised. Raises WorkerDied if a process died, RuntimeError after ``close``.
        """
        # TODO: after this, every task was done exactly once, whatever the model was and however often it changed.
        ### BEGIN SOLUTION
        todo, name, outcomes = list(items), kind or function.__qualname__, list[Outcome]()
        with self._state:
            if self._closed:
                raise RuntimeError("the switcher is closed")
            self._runs += 1
        try:
            while len(outcomes) < len(todo):
                model, size = self._next_slice(function, name, todo)
                outcomes += self._do_slice(model, name, function, todo[len(outcomes) :][:size])
        finally:
            with self._state:
                self._runs -= 1
                self._state.notify_all()
        for good, value in outcomes:
            if not good:
                raise value
        return [value for _, value in outcomes]
        ### END SOLUTION

    def prefer(self, model: str | None) -> None:
        """Run new slices in this model, whatever the policy says; None leaves it to the policy again."""
        # TODO: after this, the next slice runs there; the one under way is finished where it is.
        ### BEGIN SOLUTION
        if model is not None and model not in self.models:
            raise ValueError(f"there is no model {model} here: {', '.join(self.models)}")
        with self._state:
            self._preferred = model
        ### END SOLUTION

    def statistics(self) -> Statistics:
        """How it stands, at this moment."""
        # TODO: what the metrics say, and the kind, model, switches and margin of the work under way.
        ### BEGIN SOLUTION
        with self._state:
            kind, model = self._working
            rates = self.metrics.rates()
            return Statistics(kind, model, rates.done, rates.throughput, self._switches, self.policy.margin(kind))
        ### END SOLUTION

    def close(self) -> None:
        """Wait for runs that are under way, refuse new ones, and end all threads and processes."""
        # TODO: after this, nothing that the switcher started is left.
        ### BEGIN SOLUTION
        with self._state:
            self._closed = True
            while self._runs:
                self._state.wait()
        for pool in (self._threads, self._processes):
            if pool is not None:
                pool.shutdown()

    def _start_processes(self) -> ProcessPoolExecutor:
        """A pool whose processes are there at once, before any thread: a fork copies the locks that threads hold."""
        pool = ProcessPoolExecutor(self.workers)
        for started in [pool.submit(os.getpid) for _ in range(self.workers)]:
            started.result()
        return pool

    def _next_slice(self, function: Callable[[Any], Any], kind: str, todo: Sequence[Any]) -> tuple[str, int]:
        """The model of the next slice, and how many tasks it should have."""
        if inspect.iscoroutinefunction(function):
            return "asyncio", len(todo)
        with self._state:
            model = self._preferred or self.policy.choose(kind)
            if model == "processes" and not travels(function, todo[0]):
                self.policy.learn(kind, model, math.inf)
                model = self.policy.choose(kind)
            known = self.policy.kinds.get(kind)
            cost = known.costs.get(model) if known else None
        if cost is None:
            return model, 1 if model == "serial" else self.workers
        return model, max(self.workers, int(SLICE / max(cost, 1e-7)))

    def _do_slice(self, model: str, kind: str, function: Callable[[Any], Any], part: Sequence[Any]) -> list[Outcome]:
        started = time.perf_counter()
        outcomes = self._settled(model, function, part)
        seconds = time.perf_counter() - started
        with self._state:
            known = self.policy.kinds.get(kind)
            canary = known is None or not known.in_force
            if not canary and self._working[1] not in ("", model):
                self._switches += 1
            if not canary or not self._working[1]:
                self._working = kind, model
            if model != "asyncio":
                self.policy.learn(kind, model, seconds / len(part))
            self.metrics.record(len(part), seconds)
            margin = self.policy.margin(kind)
            self.slices.append(Slice(time.monotonic(), kind, model, len(part), seconds, margin))
        return outcomes

    def _settled(self, model: str, function: Callable[[Any], Any], part: Sequence[Any]) -> list[Outcome]:
        if model == "serial":
            return settle(function, part)
        if model == "asyncio":  # in a thread of its own: the caller's may have a loop already, as a notebook's has
            return self._threads.submit(asyncio.run, settle_async(function, part)).result()
        pool = self._threads if model == "threads" else self._processes
        assert pool is not None
        try:
            return self._spread(pool, function, part)
        except BrokenExecutor as error:
            with self._state:
                if self._processes is pool:
                    self._processes = self._start_processes()
            raise WorkerDied(f"a process died while it had some of {len(part)} tasks; the pool was replaced") from error

    def _spread(self, pool: Executor, function: Callable[[Any], Any], part: Sequence[Any]) -> list[Outcome]:
        """Hand the tasks out in about eight pieces for each worker, and put the outcomes back in order."""
        size = max(1, len(part) // (8 * self.workers))
        pieces = [part[start : start + size] for start in range(0, len(part), size)]
        return [each for future in [pool.submit(settle, function, piece) for piece in pieces] for each in future.result()]
        ### END SOLUTION

    def __enter__(self) -> "Switcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def travels(function: Callable[[Any], Any], item: Any) -> bool:
    """Whether both can be pickled, and so be sent to another process."""
    try:
        pickle.dumps((function, item))
    except Exception:
        return False
    return True


# %% [markdown]
# Try it: three phases, and what ran where.

# %%
from collections import Counter

from weft.worlds import phases
from weft.worlds.notes import read_notes

try:
    with Switcher(4) as switcher:
        for phase in phases.plan(["waiting", "holding", "waiting"], batches=2):
            for _ in range(phase.batches):
                Path(log).unlink(missing_ok=True)
                switcher.run(phase.function, phase.items(log))
                print(f"{phase.kind:9}", dict(Counter(phases.models_used(read_notes(log), phases.here()))))
except NotImplementedError:
    print("Nothing to try yet: fill in Switcher first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# A batch of 32 tasks has begun, and the policy changes its mind. Which tasks may still move, and at which moment do you ask?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`Executor.submit`](https://docs.python.org/3/library/concurrent.futures.html#concurrent.futures.Executor.submit) with
# a function that does a few tasks and keeps their exceptions; futures in a list keep the order.
# [`threading.Condition`](https://docs.python.org/3/library/threading.html#condition-objects) lets `close` wait until no run
# is under way.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `run`: while tasks are left → ask for model and size → do the slice, timed → learn, record.
# New model for this kind: one task, or `workers` of them. Known: about `SLICE` seconds' worth, but at least `workers`.
# `close`: refuse new runs, wait until none is under way, shut the pools down.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-switcher", "locked": true, "points": 16, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires

FULL = list(range(24))


@points(4)
def test_results_in_order(answer):
    """Results come in the items' order, whatever the model: for waiting, computing, tiny and asynchronous tasks."""
    for name in ("waiting", "holding", "tiny", "awaiting"):
        facts = answer.drive(once, name, 24, seconds=0.004)
        assert facts["error"] is None, facts["error"]
        assert facts["results"] == FULL, f"The tasks were `{name}` ones, numbered 0 to 23."


@points(4)
@requires("test_results_in_order")
def test_each_task_is_done_once(answer):
    """Each task is done exactly once, also those with which the models were tried."""
    facts = answer.drive(once, "waiting", 24, seconds=0.004)
    assert len(set(facts["used"])) == 3, f"A new kind of work is tried in three models; it ran in {set(facts['used'])}."
    assert facts["done"] == {str(number): 1 for number in FULL}


### BEGIN HIDDEN TESTS
@points(5)
@requires("test_each_task_is_done_once")
def test_nothing_is_lost_at_a_switch(answer):
    """When the model is changed by hand in the middle of a batch, each task is finished, once, where it began."""
    facts = answer.drive(by_hand, "waiting", 300, ["serial", "processes", "threads", "serial", "processes"])
    assert facts["results"] == list(range(300))
    once_each = {str(number): 1 for number in range(300)}
    assert (facts["entered"], facts["left"]) == (once_each, once_each)
    assert facts["last"] == "processes", "What you prefer should hold from the next slice on."


@points(3)
@requires("test_results_in_order")
def test_statistics(answer):
    """Statistics count every task, and small batches work: no item, one item, fewer than there are workers."""
    assert answer.drive(through, ["waiting"], batches=2, tasks=10)["done"] == 20
    for tasks in (0, 1, 3):
        assert answer.drive(once, "waiting", tasks, seconds=0.001)["results"] == list(range(tasks))


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-models", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
from weft.judge import points, requires


def main_model(used):
    """The model in which most tasks of a batch ran."""
    return max(set(used), key=used.count)


@points(3)
def test_threads_are_threads(answer):
    """Waiting tasks run in four threads at once, and never in five."""
    facts = answer.drive(once, "waiting", 24, models=["threads"])
    assert set(facts["used"]) == {"threads"}
    assert facts["at most"] == 4


@points(3)
def test_processes_are_processes(answer):
    """Tasks that hold the lock overlap, in processes of their own."""
    facts = answer.drive(once, "holding", 24, models=["processes"])
    assert set(facts["used"]) == {"processes"}
    assert facts["at once"]["processes"] >= 3, "So many processes were inside tasks at the same moment."


### BEGIN HIDDEN TESTS
@points(2)
@requires("test_threads_are_threads", "test_processes_are_processes")
def test_the_second_meeting_needs_no_trying(answer):
    """The second time a kind of work comes, all of it runs where it ran best the first time."""
    used = answer.drive(through, ["waiting", "holding", "waiting", "holding"], batches=3, tasks=24)["used"]
    assert len(set(used[0])) > 1 and len(set(used[3])) > 1, "The first batch of a new kind tries several models."
    assert main_model(used[5]) == "processes", "The last batch of computing tasks ran in the wrong model."
    for batch in (6, 9):
        assert len(set(used[batch])) == 1, f"A kind that was known ran in {sorted(set(used[batch]))}."
        assert main_model(used[batch]) == main_model(used[batch - 4]), "It was forgotten what suited it."


@points(2)
@requires("test_threads_are_threads", "test_processes_are_processes")
def test_pools_do_not_grow(answer):
    """However often the work changes, no thread and no process is left, and switches are few."""
    facts = answer.drive(through, ["waiting", "holding"] * 4, batches=1, tasks=16)
    assert facts["wrong"] == 0
    assert (facts["threads left"], facts["children left"]) == (0, 0), "Counted after `with Switcher(...)` has ended."
    assert facts["switches"] <= 9, "The work changed seven times; two more are allowed."


### END HIDDEN TESTS

# %% [markdown]
# A switch is a race by nature: one thread runs a batch, another one changes the model or closes the switcher. The next checks
# take the threads through many schedules, and draw the first one that goes wrong.

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-switch", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
from weft.judge import points, requires


@points(2)
def test_a_switch_under_way(answer):
    """Another thread changes the model and leaves it to the policy again, at any moment: every task is done once."""
    answer.explore(switch_under_way, schedules=60)


### BEGIN HIDDEN TESTS
@points(1)
@requires("test_a_switch_under_way")
def test_two_runs(answer):
    """Two threads may use one switcher at the same time, and every task is counted."""
    answer.explore(two_runs_at_once, schedules=40)


@points(2)
@requires("test_a_switch_under_way")
def test_close_waits(answer):
    """A run that has begun is finished before the switcher closes; one that has not is refused."""
    answer.explore(close_under_way, schedules=40)


@points(1)
@requires("test_a_switch_under_way")
def test_a_neighbour(answer):
    """Another program that keeps the processors busy does not drive waiting tasks out of their threads."""
    used = answer.drive(beside_a_neighbour, 8.0, deadline=15.0)["used"]
    assert [main_model(batch) for batch in used[1:]] == ["threads"] * 7


def main_model(used):
    """The model in which most tasks of a batch ran."""
    return max(set(used), key=used.count)


### END HIDDEN TESTS

# %% [markdown]
# ## 7 · See it run
#
# This module is given. It puts your switcher behind a command, so that `weft run D2 --help` works in a terminal, and
# `weft export D2` writes it all as plain files.

# %% nbgrader={"grade": false, "grade_id": "demo", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module demo
"""The switcher as a command, on phases of work that it does not know beforehand."""

import argparse
import logging
import tempfile
from pathlib import Path

from switcher import Slice, Switcher

from weft.notebook.dashboard import View
from weft.trace import Event, Trace
from weft.worlds.phases import Phase, plan

NIGHT = ["waiting", "holding", "tiny", "waiting", "holding", "mixed"]


def view(switcher: Switcher, total: int) -> View:
    """What the dashboards show: figures, and the tasks done in each model."""
    now = switcher.statistics()
    stats = {
        "work": now.kind or "–",
        "model": now.model or "–",
        "throughput": f"{now.throughput:,.0f} tasks/s",
        "margin": f"{min(now.margin, 99):.1f} ×",
        "switches": str(now.switches),
        "done": f"{now.done:,} of {total:,}",
    }
    done: dict[str, int] = {}
    for each in list(switcher.slices):
        done[each.model] = done.get(each.model, 0) + each.tasks
    return View(stats, {model: (tasks / total, f"{tasks:,} tasks") for model, tasks in done.items()})


def trace_of(slices: list[Slice]) -> Trace:
    """Slices as events, for the chart."""
    events: list[Event] = []
    for each in slices:
        events.append(Event(each.time - each.seconds, "enter", each.kind, each.model))
        events.append(Event(each.time, "leave", each.kind, each.model, each.tasks))
        events.append(Event(each.time, "margin", each.kind, each.model, each.margin))
    return Trace(events)


def work(switcher: Switcher, night: list[Phase], log: str) -> None:
    """All phases, batch after batch."""
    for phase in night:
        for _ in range(phase.batches):
            switcher.run(phase.function, phase.items(log), kind=phase.kind)


def main(argv: list[str] | None = None) -> int:
    """Run once; returns 0."""
    parser = argparse.ArgumentParser(prog="weft run D2", description="Run phases of work, and find the model for each.")
    parser.add_argument("--phases", nargs="+", default=NIGHT, metavar="KIND", help="waiting, holding, mixed or tiny")
    parser.add_argument("--batches", type=int, default=12, help="batches in each phase (default: 12)")
    parser.add_argument("--tasks", type=int, default=32, help="tasks in each batch (default: 32)")
    parser.add_argument("--workers", type=int, default=4, help="threads, and processes (default: 4)")
    parser.add_argument("--debug", action="store_true", help="log every slice")
    options = parser.parse_args(argv)
    if bad := set(options.phases) - {"waiting", "holding", "mixed", "tiny"}:
        parser.error(f"there is no kind of work {min(bad)}: waiting, holding, mixed, tiny")
    if options.debug:
        logging.basicConfig(level=logging.DEBUG, format="%(relativeCreated)7.0f ms %(message)s")
    night = plan(options.phases, options.batches, options.tasks)
    total = sum(phase.batches * phase.tasks for phase in night)
    with tempfile.TemporaryDirectory(prefix="phases-") as folder, Switcher(options.workers) as switcher:
        run(switcher, night, str(Path(folder) / "log"), total, plain=options.debug)
        for each in switcher.slices if options.debug else []:
            logging.debug("%-8s in %-9s %5d tasks in %.3f s", each.kind, each.model, each.tasks, each.seconds)
        now = switcher.statistics()
        print(f"{now.done:,} tasks, {now.switches} switches; the last model was {now.model}")
    return 0


def run(switcher: Switcher, night: list[Phase], log: str, total: int, plain: bool) -> None:
    """Run with a live view, or without one where log lines need the screen."""
    if plain:
        work(switcher, night, log)
        return
    from weft.notebook.terminal import run_in_terminal

    run_in_terminal(lambda: work(switcher, night, log), lambda: view(switcher, total), {})


# %% [markdown]
# Here it runs behind a dashboard. Take the choice away from the policy with the buttons, and watch the throughput; then give
# it back.

# %%
import demo
from IPython.display import display

from weft.notebook import dashboard

try:
    switcher = Switcher(4)
    night = plan(demo.NIGHT, batches=12)
    total = sum(phase.batches * phase.tasks for phase in night)
    buttons = {model: (lambda model=model: switcher.prefer(model)) for model in ("serial", "threads", "processes")}
    live = dashboard.run(
        lambda: demo.work(switcher, night, log),
        lambda: demo.view(switcher, total),
        {**buttons, "Leave it to the policy": lambda: switcher.prefer(None)},
    )
    display(live)
except NotImplementedError:
    print("Nothing to see yet: the three parts come first.")

# %% [markdown]
# When it is done, look back on one time axis: which work came, in which model it ran, and how fast. Narrow bands at the
# beginning of a new kind are the canaries. The margin says how many times as much the next best model would cost.

# %%
from weft.charts import switching

try:
    live.wait()
    display(switching(demo.trace_of(switcher.slices)))
    switcher.close()
except NameError:
    print("Nothing to draw yet.")

# %% [markdown]
# ## 8 · Explore
#
# How large must a task be before it pays to send it to another process? Move the slider. Each run has 64 computing tasks of
# that length; the cell keeps every run that you made.

# %%
import ipywidgets

from weft.charts import choices

runs: dict[float, dict[str, float]] = {}


def measure(milliseconds: float) -> dict[str, float]:
    """Milliseconds per task that the policy learned for each model."""
    with Switcher(4) as switcher:
        items = [(log, number, milliseconds / 1000) for number in range(64)]
        switcher.run(phases.holding, items)
        return {model: 1000 * cost for model, cost in switcher.policy.kinds["holding"].costs.items()}


def explore(milliseconds: float = 5.0) -> None:
    """Measure once, and draw all runs so far."""
    try:
        runs[milliseconds] = measure(milliseconds)
    except NotImplementedError:
        print("Nothing to explore yet: the three parts come first.")
        return
    display(choices(runs))


slider = ipywidgets.FloatLogSlider(5.0, min=-2, max=1.5, step=0.25, description="ms per task", continuous_update=False)
ipywidgets.interact(explore, milliseconds=slider);

# %% [markdown]
# At the left of the chart the lines cross: below some length, sending a task costs more than doing it. Where they cross
# depends on your machine and on how much travels with the task, which is why your policy measures instead of knowing.

# %% [markdown]
# ## 9 · Graded checks: performance, quality, errors
#
# Performance is judged by a ratio: your time for a night of phases, beside that of an *oracle* that knows the best model for
# each phase beforehand, in the same run. What you lose is what finding out has cost.

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "performance-oracle", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# %%checks performance
import functools
import tempfile

from weft.judge import points, requires
from weft.judge.yardsticks import paired_ratio
from weft.worlds.phases import plan
from weft.worlds.phases_oracle import oracle_seconds

NIGHT = ["waiting", "holding", "tiny", "waiting", "holding", "mixed"]


def your_seconds(answer):
    """Your wall time for the night, with all results right."""
    facts = answer.drive(through, NIGHT, batches=4, tasks=24, seconds=0.01)
    assert facts["wrong"] == 0, "Some batches came back with wrong results."
    return facts["seconds"]


@functools.cache
def ratio(answer):
    """Measured once for both checks: your time over the oracle's."""
    with tempfile.TemporaryDirectory() as folder:
        return paired_ratio(lambda: your_seconds(answer), lambda: oracle_seconds(plan(NIGHT, 4, 24, 0.01), f"{folder}/log"))


@points(5)
def test_oracle_partial(answer):
    """A night of six phases takes at most 1.9 times as long as with the best model known beforehand."""
    assert ratio(answer) <= 1.9


### BEGIN HIDDEN TESTS
@points(6)
def test_oracle_full(answer):
    """A night of six phases takes at most 1.3 times as long as with the best model known beforehand."""
    assert ratio(answer) <= 1.3


@points(4)
@requires("test_oracle_partial")
def test_few_tasks_for_trying(answer):
    """Trying costs few tasks: of the first batch of a new kind, most run where they run best."""
    used = answer.drive(through, ["holding"], batches=1, tasks=48, seconds=0.015)["used"][0]
    assert used.count("processes") >= 36, "Of 48 computing tasks that nobody knew, so many ran in processes."


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "quality-code", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks quality
from weft.judge import points, requires

PARTS = ("metrics", "policy", "switcher")


@points(0)
def test_it_works(answer):
    """A small batch works. Code that does not run cannot be reviewed."""
    assert answer.drive(once, "waiting", 6, seconds=0.001)["results"] == list(range(6))


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

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "errors-tasks", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# %%checks errors
from weft.judge import points, requires


@points(1)
def test_an_exception_reaches_its_caller(answer):
    """A task that raises costs itself only: all others are done, then the first error reaches the caller."""
    facts = answer.drive(once, "failing", 24, seconds=0.002)
    assert facts["error"] == "ValueError: number 3 cannot be done"
    assert facts["done"] == {str(number): 1 for number in range(24)}


@points(1)
def test_bad_input(answer):
    """No workers, a model that there is not, and a switcher that is closed are refused in a sentence."""
    assert "ValueError" in answer.drive(refuse, workers=0)
    assert "ValueError" in answer.drive(refuse, models=["threads", "telepathy"])
    assert "RuntimeError" in answer.drive(refuse, models=["threads"], late=True)


### BEGIN HIDDEN TESTS
@points(1)
@requires("test_an_exception_reaches_its_caller")
def test_what_cannot_travel(answer):
    """A function that cannot be sent to another process runs where it can."""
    assert answer.drive(unpicklable, 20) == [-number for number in range(20)]


@points(2)
@requires("test_an_exception_reaches_its_caller")
def test_a_worker_that_dies(answer):
    """A process that dies with its task ends that run with an error, and the next run works."""
    facts = answer.drive(once, "dying", 8, seconds=0.002, models=["processes"], twice=True)
    assert facts["results"] is None and facts["error"], "run returned, though a task had taken its process with it."
    assert facts["again"] == list(range(8)), "After a process had died, the switcher did not work any more."


### END HIDDEN TESTS

# %% [markdown]
# ## 10 · Afterwards
#
# **Pitfalls.**
# A controller that reads the load of the whole machine reacts to its neighbours.
# One that has no hysteresis spends its time on changing; one whose hysteresis is too wide never changes.
# Trying costs: a canary that does the work and throws the result away does it twice.
# A pool that is shut down while somebody still hands work to it turns a switch into an exception.
#
# **What professionals use.** Mostly they decide beforehand:
# [joblib](https://joblib.readthedocs.io/en/stable/parallel.html) has backends that one names, with batches whose size
# adapts by itself; Dask lets you choose a scheduler in one line. Systems that decide while they run are databases (query
# optimisers), the JVM's and .NET's thread pools (hill climbing on throughput), and TCP.
#
# **Where one machine ends.** The policy knows costs and nothing of where work runs: "a cluster" is one more model, whose cost
# contains the network. Ray, Dask and Spark are such models. What changes is the price of trying, which is why their
# schedulers work from statistics of earlier jobs.
#
# **Read on.** [`concurrent.futures`](https://docs.python.org/3/library/concurrent.futures.html) ·
# [`asyncio`](https://docs.python.org/3/library/asyncio.html)
#
# **A question to think about.** Your policy never tries again a model that was slow at the first meeting, unless the one in
# force surprises it. Suppose the slow one has become fast meanwhile. How often would you look, and who pays for it?
