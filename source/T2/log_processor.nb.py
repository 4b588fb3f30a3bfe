# ---
# jupyter:
#   weft:
#     concept: threading
#     difficulty: medium
#     focus: conditions, bounded queues, rate limits, shutdown
#     id: T2
#     minutes: 35-50
#     order: 2
#     title: Producer-consumer log processor
# ---

# %% [markdown]
# # T2 · Producer-consumer log processor
#
# | concept | difficulty | time | focus |
# |---|---|---|---|
# | threading | medium | 35–50 minutes | conditions, bounded queues, rate limits, shutdown |
#
# You write the middle of a log pipeline: three threads read, two threads store, and between them stands a queue that
# lets the urgent pass, never grows beyond its bound, and can be shut without losing count.
#
# Afterwards you can
#
# - make threads wait for each other with a *condition*, and say why the wait stands in a loop,
# - keep memory bounded by *back-pressure* and by a rate limit, and say which of the two protects whom,
# - end a pipeline of threads in both ways: drained, and at once,
# - say what a message costs when it changes hands between threads.

# %%
# %load_ext weft

# %% [markdown]
# ## 1 · The problem
#
# A log source runs on your machine, in a process of its own. It has three streams, which send in bursts, and a sink,
# which stores one record at a time and takes 4 ms for each. A line is JSON; some are not, as always. This module is
# given.

# %% nbgrader={"grade": false, "grade_id": "records", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module records
"""A line of the log, and the record in it."""

import json
from dataclasses import dataclass

LEVELS = ("CRITICAL", "HIGH", "NORMAL", "LOW")  # the most urgent first
PLACES = {name: place for place, name in enumerate(LEVELS)}


class BadRecord(ValueError):
    """A line is no record; the message says why."""


@dataclass(frozen=True)
class Record:
    """One record. ``level`` is a place in LEVELS: 0 is the most urgent."""

    id: str
    level: int
    text: str


def parse(line: str) -> Record:
    """The record in a line of JSON. Raises BadRecord, and nothing else, if there is none."""
    try:
        found = json.loads(line)
        return Record(found["id"], PLACES[found["level"]], found.get("text", ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadRecord(f"{line[:60]!r}: {error!r}") from error


# %% [markdown]
# The script that does it today has a queue of the standard library in the middle: first in, first out, as long as it
# likes.

# %%
import queue
import threading
import time

from weft.notebook import use_world
from weft.worlds.log_client import LogSink, streams

source = use_world("log_source")


def rush(seed: int = 1) -> None:
    """Three streams of 150 records each, in bursts of 50; the sink takes 4 ms for each."""
    source.records(150, seed=seed)
    source.bursts(50, 0.05)
    source.slow_sink(0.004)


def naive() -> None:
    line: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
    sink = LogSink(source.address)

    def read(stream) -> None:
        for text in stream:
            line.put(parse(text))

    def store() -> None:
        while (record := line.get()) is not None:
            sink(record)

    readers = [threading.Thread(target=read, args=(stream,)) for stream in streams(source.address)]
    stores = [threading.Thread(target=store) for _ in range(2)]
    for thread in readers + stores:
        thread.start()
    for thread in readers:
        thread.join()
    for _ in stores:
        line.put(None)
    for thread in stores:
        thread.join()
    sink.close()


rush()
naive()
print(f"{len(source.stored)} records stored in {source.trace.span():.2f} s")

# %% [markdown]
# All records arrived. Now look at how long each of them waited. The source wrote down when a record left it and when
# it came to the sink.

# %%
from weft.charts import queue_latency

queue_latency(source.trace)

# %% [markdown]
# CRITICAL waits as long as LOW. The alarm stands in the line behind the chatter that it explains; this is called
# *head-of-line blocking*. And the line itself:

# %%
from weft.charts import queue_depth

queue_depth(source.trace)

# %% [markdown]
# It grows for as long as the streams are faster than the sink, and nobody tells the streams. In production the chart
# ends where the memory does. What you build looks like this.
#
# ```mermaid
# flowchart LR
#     s["3 streams"] -- "lines" --> producers["3 producers"]
#     limiter["RateLimiter"] -- "your turn" --> producers
#     producers -- "put(record, level), blocks while full" --> queue["PriorityQueue, bounded"]
#     queue -- "get_many(batch), blocks while empty" --> consumers["2 consumers"]
#     consumers -- "sink(record)" --> sink["sink"]
#     you["you: start, drain, stop"] --> processor["LogProcessor"]
#     processor -- "close()" --> queue
# ```

# %% [markdown]
# ## 2 · What to build
#
# | must have | part |
# |---|---|
# | a thread-safe priority queue: urgent first, then oldest first, never more than the bound | 1 · `priority_queue` |
# | a rate limit that all producers share, so that memory stays bounded | 2 · `rate_limiter` |
# | 3 producer threads, 2 consumer threads; graceful shutdown with cleanup | 3 · `processor` |
#
# | criterion | points | what is judged |
# |---|---|---|
# | correctness | 40 | what leaves the queue and when; what reaches the sink; the numbers that you report |
# | concurrency | 30 | every order of steps of your threads; what the source sees; what is left after stop |
# | performance | 15 | processor time per message beside that of a plain queue, in the same run |
# | quality | 10 | what a reviewer would send back |
# | errors | 5 | one bad line, stream or sink costs only itself |
#
# Each answer cell begins with `%%module NAME`: it is written to `NAME.py` and imported, so later cells can import it.
# A check cell runs your modules in a process of their own. Nothing in it can hang your notebook.

# %% [markdown]
# ## 3 · Warm-up
#
# A *condition* is a lock with a waiting room. `wait` gives the lock back, sleeps until somebody calls `notify`, and
# takes the lock again before it returns. Between the call and the return others may hold the lock. Here two threads
# wait for one letter, and both are woken.

# %%
letters: list[str] = []
box = threading.Condition()


def fetch(name: str) -> None:
    with box:
        box.wait()
        print(name, "wakes and finds", letters.pop() if letters else "nothing")


waiting = [threading.Thread(target=fetch, args=(name,)) for name in ("Ada", "Ben")]
for thread in waiting:
    thread.start()
time.sleep(0.05)
with box:
    letters.append("a letter")
    box.notify_all()
for thread in waiting:
    thread.join()

# %% [markdown]
# To be woken is a hint that it may be worth looking, no promise. So a wait stands in a loop that looks again, as in
# `while not letters: box.wait()`. With `if` the second thread would go on as if there were something.
#
# A heap of tuples looks like a priority queue. It compares the second place where the first is equal.

# %%
import heapq

heap: list[tuple[int, dict[str, str]]] = []
heapq.heappush(heap, (3, {"text": "disk at 71 %"}))
try:
    heapq.heappush(heap, (3, {"text": "disk at 72 %"}))
except TypeError as error:
    print("TypeError:", error)

# %% [markdown]
# Two records of one level, and the queue breaks; with strings it would not break, but sort your messages by alphabet.
# There are two ways out: a number that counts up between level and item, or a line of its own for each level.
#
# Waiting for a moment is different from waiting for a thread. `time.sleep` cannot be ended early. An event can:

# %%
cancelled = threading.Event()
threading.Timer(0.1, cancelled.set).start()
started = time.monotonic()
woken = cancelled.wait(timeout=30)
print(f"wait returned {woken} after {time.monotonic() - started:.1f} s of 30")

# %% [markdown]
# ## 4 · Part 1: the queue
#
# The queue has a bound, and `put` waits while it is full. So a slow sink slows the consumers, a full queue slows the
# producers, and a stream that is not read slows whoever writes it. This is *back-pressure*: the end of the line is
# felt at its beginning, and nobody has to hold what does not fit.
#
# Every message costs a round trip through a lock. Who has fifty messages can pay once: `put_many` and `get_many` are
# the real work here, and `put` and `get` are given as their shortest cases.
#
# A closed queue takes nothing more. What it holds can still be taken out; then everybody who asks, and everybody who
# already waits, gets `Closed`.

# %% nbgrader={"grade": false, "grade_id": "priority_queue", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module priority_queue
"""A bounded queue with levels: the most urgent leaves first, and within a level the oldest."""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Closed(Exception):
    """The queue is closed: nothing more goes in, or nothing is left to come out."""


class PriorityQueue(Generic[Item]):
    """Holds at most ``bound`` items on so many ``levels``; 0 is the most urgent.

    Every method may be called from any thread. Items are never compared. Raises ValueError for less than one of either.
    """

    def __init__(self, bound: int, levels: int = 4) -> None:
        if bound < 1 or levels < 1:
            raise ValueError(f"bound and levels must be at least 1, not {bound} and {levels}")
        self.bound = bound
        self.levels = levels
        # TODO: what is held, who guards it, and what the waiting threads wait for.
        ### BEGIN SOLUTION
        self._lines: list[deque[Item]] = [deque() for _ in range(levels)]
        self._size = 0
        self._closed = False
        self._lock = threading.Lock()
        self._not_empty = threading.Condition(self._lock)
        self._not_full = threading.Condition(self._lock)
        ### END SOLUTION

    def put(self, item: Item, priority: int) -> None:
        """Add one item; block while the queue is full. Raises as :meth:`put_many`."""
        self.put_many((item,), priority)

    def get(self) -> Item:
        """Remove the oldest item of the most urgent level; block while there is none. Raises Closed."""
        return self.get_many(1)[0]

    def put_many(self, items: Sequence[Item], priority: int) -> None:
        """Add items of one level, in order. While the queue is full, block with what does not fit yet.

        Raises ValueError for a level that there is not, and Closed if the queue is closed or is closed meanwhile;
        what was added before stays in.
        """
        if not 0 <= priority < self.levels:
            raise ValueError(f"priority must be from 0 to {self.levels - 1}, not {priority}")
        # TODO: after this, all items are in, there were never more than bound, and nobody sleeps who could take one.
        ### BEGIN SOLUTION
        added = 0
        with self._lock:
            while added < len(items):
                while self._size >= self.bound and not self._closed:
                    self._not_full.wait()
                if self._closed:
                    raise Closed
                fitting = items[added : added + self.bound - self._size]
                self._lines[priority].extend(fitting)
                self._size += len(fitting)
                added += len(fitting)
                self._not_empty.notify(len(fitting))
        ### END SOLUTION

    def get_many(self, most: int) -> list[Item]:
        """Remove ``most`` items, or as many as there are, in the order of ``get``. Blocks only while there is none.

        Raises Closed if the queue is closed and empty.
        """
        # TODO: after this, the items are out, and nobody sleeps for whom there is room now.
        ### BEGIN SOLUTION
        with self._lock:
            while not self._size:
                if self._closed:
                    raise Closed
                self._not_empty.wait()
            taken: list[Item] = []
            for line in self._lines:
                while line and len(taken) < most:
                    taken.append(line.popleft())
            self._size -= len(taken)
            self._not_full.notify(len(taken))
            return taken
        ### END SOLUTION

    def close(self) -> None:
        """Take nothing more in. What is held can still be taken out. Closing again changes nothing."""
        # TODO: after this, no thread waits that has nothing to wait for.
        ### BEGIN SOLUTION
        with self._lock:
            self._closed = True
            self._not_empty.notify_all()
            self._not_full.notify_all()
        ### END SOLUTION

    def depths(self) -> list[int]:
        """How many items each level holds, at one moment."""
        ### BEGIN SOLUTION
        with self._lock:
            return [len(line) for line in self._lines]
        ### END SOLUTION


# %% [markdown]
# Try it in one thread: three bursts go in, and come out in another order.

# %%
try:
    line: PriorityQueue[str] = PriorityQueue(bound=10)
    line.put_many(["low 1", "low 2"], priority=3)
    line.put("normal 1", priority=2)
    line.put_many(["critical 1", "critical 2"], priority=0)
    print(line.depths(), line.get(), line.get_many(3), line.depths())
except NotImplementedError:
    print("Nothing to try yet: fill in PriorityQueue first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# There are two reasons to wait: nothing to take, and no room. If both kinds of sleepers share one waiting room, whom
# does a single `notify` wake?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# Two [`threading.Condition`](https://docs.python.org/3/library/threading.html#condition-objects) objects can share one
# lock. A [`collections.deque`](https://docs.python.org/3/library/collections.html#collections.deque) for each level
# keeps the order of arrival without any counting.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `put_many`: with the lock, while items are left: wait in a loop while full and open → closed? raise → add as many as
# fit → wake as many takers. `get_many`: wait in a loop while empty; closed? raise → take from the first level that has
# any, then the next → wake as many putters. `close`: set it, wake all of both.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": false, "grade_id": "drives", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%drives
"""How the checks call your code. Nothing is judged here: each function calls your modules and returns what happened."""

import contextlib
import resource
import threading
import time
from dataclasses import asdict


def run_threads(works):
    """Run each function in a thread of its own, and wait for all."""
    threads = [threading.Thread(target=work, name=name) for name, work in works.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def put_then_get(groups, bound=10_000, count=None):
    """`put(item, priority)` for each item, then `get()` as often"""
    from priority_queue import PriorityQueue

    line, items = PriorityQueue(bound), [(name, level) for names, level in groups for name in names]
    for name, level in items:
        line.put(name, level)
    return {"depths": line.depths(), "out": [line.get() for _ in range(count or len(items))]}


def put_what_cannot_be_compared(count):
    """`put(item, 2)` with dictionaries, and with objects that refuse every comparison"""
    from priority_queue import PriorityQueue

    class Proud:
        def __init__(self, number):
            self.number = number

        def refuse(self, other):
            raise TypeError("an item was compared with another")

        __lt__ = __gt__ = __le__ = __ge__ = __eq__ = __ne__ = refuse
        __hash__ = None

    line = PriorityQueue(2 * count)
    for number in range(count):
        line.put({"number": number}, 2)
        line.put(Proud(number), 2)
    taken = [line.get() for _ in range(2 * count)]
    return [item["number"] if isinstance(item, dict) else item.number for item in taken]


def put_many_then_get_many(groups, most):
    """`put_many(items, priority)`, then `get_many(most)` until all are out"""
    from priority_queue import PriorityQueue

    line, count, taken = PriorityQueue(1_000), sum(len(items) for items, _ in groups), []
    for items, level in groups:
        line.put_many(items, level)
    while sum(map(len, taken)) < count:
        taken.append(line.get_many(most))
    return taken


def close_with_items(groups):
    """`close()` on a queue that holds items, then `put`, and `get` until it raises"""
    from priority_queue import Closed, PriorityQueue

    line, out = PriorityQueue(100), []
    for items, level in groups:
        line.put_many(items, level)
    line.close()
    line.close()
    try:
        line.put("late", 0)
        late = "went in"
    except Closed:
        late = "Closed"
    try:
        for _ in range(100):
            out.append(line.get())
    except Closed:
        return {"late": late, "out": out, "end": "Closed"}
    return {"late": late, "out": out, "end": "no end"}


def two_put_and_two_get():
    """`put` in two threads and `get` in two others, on a queue with a bound of 1"""
    from priority_queue import PriorityQueue

    line, out, depths = PriorityQueue(1, 2), [], []

    def put(names):
        for name in names:
            line.put(name, 1)
            depths.append(sum(line.depths()))

    def get():
        for _ in range(2):
            out.append(line.get())

    run_threads({"put 1": lambda: put("ab"), "put 2": lambda: put("cd"), "get 1": get, "get 2": get})
    assert max(depths) <= 1, f"The bound is 1, and depths() has found {max(depths)} items."
    assert sorted(out) == ["a", "b", "c", "d"], f"a, b, c and d went in, and {', '.join(map(str, out))} came out."


def many_until_closed():
    """`put_many` in two threads, `get_many` in two others until `Closed`, and `close` when all is in"""
    from priority_queue import Closed, PriorityQueue

    line, out = PriorityQueue(2, 2), []

    def get():
        with contextlib.suppress(Closed):
            while True:
                out.extend(line.get_many(2))

    takers = [threading.Thread(target=get, name=f"get {number}") for number in (1, 2)]
    for taker in takers:
        taker.start()
    run_threads({"put 1": lambda: line.put_many(["a", "b", "c"], 0), "put 2": lambda: line.put_many(["d"], 1)})
    line.close()
    for taker in takers:
        taker.join()
    assert sorted(out) == ["a", "b", "c", "d"], f"a to d went in before close(), and {', '.join(map(str, out))} came out."


def close_while_they_put():
    """`close()` while two threads are in `put`, on a queue that is full"""
    from priority_queue import Closed, PriorityQueue

    line, went, out = PriorityQueue(1, 2), ["first"], []
    line.put("first", 0)

    def put(name):
        with contextlib.suppress(Closed):
            line.put(name, 0)
            went.append(name)

    run_threads({"put a": lambda: put("a"), "put b": lambda: put("b"), "close": line.close})
    with contextlib.suppress(Closed):
        while True:
            out.append(line.get())
    told = f"{', '.join(went)} went in without an error, and {', '.join(out) or 'nothing'} came out."
    assert sorted(out) == sorted(went), told


def take_turns(rate, burst, seconds, work=0.01, threads=3):
    """`acquire(cancelled)` in three threads that each work 10 ms between two turns, on a simulated clock"""
    from rate_limiter import RateLimiter

    limiter, never, turns = RateLimiter(rate, burst), threading.Event(), []
    started = time.monotonic()

    def turn():
        while limiter.acquire(never) and time.monotonic() < started + seconds:
            turns.append(time.monotonic() - started)
            time.sleep(work)

    run_threads({f"thread {number}": turn for number in range(threads)})
    return len(turns)


def rush_after_quiet(rate, burst, quiet, count):
    """`acquire(cancelled)` so many times, twice, with a quiet time before the second; moments in seconds"""
    from rate_limiter import RateLimiter

    limiter, never, moments = RateLimiter(rate, burst), threading.Event(), []
    for wait in (0.0, quiet):
        time.sleep(wait)
        started = time.monotonic()
        for _ in range(count):
            assert limiter.acquire(never), "acquire returned False, and nobody cancelled it."
            moments.append(round(time.monotonic() - started, 6))
    return [moments[:count], moments[count:]]


def cancel_a_turn():
    """`acquire(cancelled)` with a turn that is due in 10 s, and `cancelled.set()` after 1 s, on a simulated clock"""
    from rate_limiter import RateLimiter

    limiter, cancelled, came_back = RateLimiter(0.1), threading.Event(), []
    limiter.acquire(cancelled)
    started = time.monotonic()
    waiter = threading.Thread(target=lambda: came_back.append(limiter.acquire(cancelled)))
    waiter.start()
    time.sleep(1.0)
    cancelled.set()
    waiter.join()
    return {"came back": came_back, "after": round(time.monotonic() - started, 6)}


def ask_while_another_waits():
    """`delay()` in one thread while another waits 4 s for its turn, on a simulated clock"""
    from rate_limiter import RateLimiter

    limiter, never = RateLimiter(0.25), threading.Event()
    limiter.acquire(never)
    waiter = threading.Thread(target=limiter.acquire, args=(never,))
    waiter.start()
    time.sleep(1.0)
    asked = time.monotonic()
    told = limiter.delay()
    facts = {"told": round(told, 6), "took": round(time.monotonic() - asked, 6)}
    waiter.join()
    return facts


def two_turns_at_once():
    """`acquire(cancelled)` in two threads, one turn a second"""
    from rate_limiter import RateLimiter

    limiter, never, moments = RateLimiter(1.0), threading.Event(), []

    def turn():
        limiter.acquire(never)
        moments.append(time.monotonic())

    run_threads({"thread 1": turn, "thread 2": turn})
    apart = max(moments) - min(moments)
    assert apart > 0.999, f"One turn a second, and two threads had theirs {apart:g} s apart."


def numbers(processor):
    """The statistics of a processor, as JSON holds them."""
    return {**asdict(processor.statistics()), "under_way": processor.statistics().under_way}


def process(address, **options):
    """`LogProcessor(sources, sink).run()`"""
    from processor import LogProcessor

    from weft.worlds.log_client import LogSink, streams

    threads, sink = threading.active_count(), LogSink(address)
    processor = LogProcessor(streams(address), sink, **options)
    processor.run()
    sink.close()
    return {"threads left": threading.active_count() - threads, **numbers(processor)}


def stop_after(address, lines, **options):
    """`start()`, and `stop()` when `statistics()` says that so many lines were read"""
    from processor import LogProcessor

    from weft.worlds.log_client import LogSink, streams

    threads, sink = threading.active_count(), LogSink(address)
    processor = LogProcessor(streams(address), sink, **options)
    processor.start()
    while processor.statistics().read < lines:
        time.sleep(0.01)
    time.sleep(0.05)
    called = time.monotonic()
    processor.stop()
    facts = {"called": called, "threads left": threading.active_count() - threads, **numbers(processor)}
    sink.close()
    return facts


def process_lists(lines, seconds, **options):
    """`LogProcessor(sources, sink).run()`, with lists as sources and a sink that takes its time, on a simulated clock"""
    from processor import LogProcessor

    stored = []

    def sink(record):
        stored.append(record.id)
        time.sleep(seconds)

    processor = LogProcessor(lines, sink, **options)
    processor.run()
    return {"stored": stored, **numbers(processor)}


def count_while_they_work(lines):
    """`run()` with two sources and two consumers, and `statistics()` meanwhile"""
    from processor import LogProcessor

    stored = []
    processor = LogProcessor(lines, lambda record: stored.append(record.id), bound=2)
    runner = threading.Thread(target=processor.run, name="run")
    runner.start()
    now = processor.statistics()
    runner.join()
    end = processor.statistics()
    told = f"At one moment statistics() says {now.read} read, and {now.processed} processed."
    assert 0 <= now.under_way <= now.read <= 4, told
    told = f"Four records went through. statistics() says {end.read} read, {end.processed} processed."
    assert (end.read, end.processed, end.under_way) == (4, 4, 0), told
    assert len(stored) == len(set(stored)) == 4, f"The sink was given {', '.join(stored)}."


def stop_while_they_work(lines):
    """`start()` and `stop()`, with two sources, two consumers and a queue with a bound of 1"""
    from processor import LogProcessor

    before, stored = threading.active_count(), []
    processor = LogProcessor(lines, lambda record: stored.append(record.id), bound=1)
    processor.start()
    processor.stop()
    left, end = threading.active_count() - before, processor.statistics()
    assert left == 0, f"stop() has returned, and {left} threads are still there."
    told = f"stop() has returned: {end.read} read, {end.processed} processed, {end.dropped} dropped."
    assert end.under_way == 0, told
    assert end.processed == len(stored), f"{told} The sink was given {len(stored)}."


def wait_idly(seconds):
    """`get()` in two threads on an empty queue, for a while; how often the process woke up meanwhile"""
    from priority_queue import Closed, PriorityQueue

    line = PriorityQueue(100)

    def get():
        with contextlib.suppress(Closed):
            line.get()

    waiters = [threading.Thread(target=get) for _ in range(2)]
    for waiter in waiters:
        waiter.start()
    time.sleep(0.05)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
    time.sleep(seconds)
    woken = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before
    waiting = sum(waiter.is_alive() for waiter in waiters)
    line.close()
    for waiter in waiters:
        waiter.join()
    return {"woken": woken, "waiting": waiting}


def move(line, count, batch, producers=3, consumers=2):
    """So many messages from three threads to two, one by one or in batches; returns how many came out."""
    out = []

    def put():
        messages = tuple(range(batch))
        for number in range(count // producers // batch):
            if batch > 1:
                line.put_many(messages, number & 3)
            else:
                line.put(number, number & 3)

    def get():
        left = count // consumers
        while left:
            if batch > 1:
                left -= len(line.get_many(min(batch, left)))
            else:
                line.get()
                left -= 1
        out.append(count // consumers)

    works = {f"put {number}": put for number in range(producers)} | {f"get {number}": get for number in range(consumers)}
    run_threads(works)
    return sum(out)


def move_through(count, bound=100, batch=1):
    """`put` and `get` (or `put_many` and `get_many`) of a `PriorityQueue`, from three threads to two"""
    from priority_queue import PriorityQueue

    return move(PriorityQueue(bound), count, batch)


def move_through_yardstick(count, bound=100):
    """The same through a lock and two conditions, one by one"""
    from weft.worlds.log_yardstick import ConditionQueue

    return move(ConditionQueue(bound), count, 1)


def make(part, **options):
    """What the constructor raises, if it does"""
    from priority_queue import PriorityQueue
    from processor import LogProcessor
    from rate_limiter import RateLimiter

    makers = {
        "queue": PriorityQueue,
        "limiter": RateLimiter,
        "processor": lambda **kwargs: LogProcessor([], print, **kwargs),
        "put": lambda priority: PriorityQueue(5).put("item", priority),
    }
    try:
        makers[part](**options)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def with_a_broken_source(good, before):
    """`run()` with a source that raises ConnectionError after a few lines"""
    from processor import LogProcessor

    def breaks():
        yield from before
        raise ConnectionError("the stream has hung up")

    stored, threads = [], threading.active_count()
    processor = LogProcessor([breaks(), good], lambda record: stored.append(record.id))
    processor.run()
    return {"stored": stored, "threads left": threading.active_count() - threads, **numbers(processor)}


def with_a_broken_sink(lines, errors):
    """`run()` with a sink that raises one thing after another"""
    from processor import LogProcessor

    raised = {"ValueError": ValueError, "OSError": OSError, "KeyError": KeyError}
    stored, left = [], list(errors)

    def sink(record):
        if left:
            raise raised[left.pop()](record.id)
        stored.append(record.id)

    processor = LogProcessor([lines], sink)
    processor.run()
    return {"stored": len(stored), **numbers(processor)}


def stop_out_of_season(lines):
    """`stop()` before `start()`, and `stop()` twice after `run()`"""
    from processor import LogProcessor

    stored, threads = [], threading.active_count()
    early = LogProcessor([lines], lambda record: stored.append(record.id))
    early.stop()
    early.start()
    early.stop()
    read_early = early.statistics().read
    late = LogProcessor([lines], lambda record: stored.append(record.id))
    late.run()
    late.stop()
    late.stop()
    return {"read early": read_early, "stored": len(stored), "threads left": threading.active_count() - threads}


# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-queue", "locked": true, "points": 14, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires


@points(4)
def test_urgent_first(answer):
    """A CRITICAL behind five thousand LOW leaves first; levels leave in their order."""
    low = [f"low {number}" for number in range(5_000)]
    facts = answer.drive(put_then_get, [[low, 3], [["alarm"], 0]], count=2)
    assert facts["out"] == ["alarm", "low 0"], "5,000 LOW went in, then alarm, which is CRITICAL."
    assert facts["depths"] == [1, 0, 0, 5_000]
    facts = answer.drive(put_then_get, [[["c"], 2], [["d"], 3], [["a"], 0], [["b"], 1]])
    assert facts["out"] == ["a", "b", "c", "d"], "c is NORMAL, d LOW, a CRITICAL, b HIGH; they went in in that order."


@points(3)
@requires("test_urgent_first")
def test_oldest_first_within_a_level(answer):
    """Within a level, who came first leaves first."""
    names = [f"{number * 7919 % 100:02}" for number in range(100)]
    facts = answer.drive(put_then_get, [[names, 3], [names[::-1], 1]])
    assert facts["out"] == names[::-1] + names


@points(2)
@requires("test_urgent_first")
def test_batches(answer):
    """get_many takes the most urgent first, as many as there are up to the number asked for, and does not wait for more."""
    taken = answer.drive(put_many_then_get_many, [[["d", "e"], 3], [["b", "c"], 2], [["a"], 0]], most=2)
    assert taken == [["a", "b"], ["c", "d"], ["e"]], "LOW: d, e. NORMAL: b, c. CRITICAL: a. Two at a time."


### BEGIN HIDDEN TESTS
@points(2)
@requires("test_urgent_first")
def test_items_are_never_compared(answer):
    """Items of one level may be anything: they are not compared, and keep their order."""
    assert answer.drive(put_what_cannot_be_compared, 20) == [number for number in range(20) for _ in range(2)]


@points(3)
@requires("test_urgent_first")
def test_a_closed_queue_gives_out_what_it_holds(answer):
    """A closed queue refuses what is new, gives out what it holds in the usual order, and then says Closed."""
    facts = answer.drive(close_with_items, [[["c", "d"], 3], [["a", "b"], 1]])
    told = "HIGH: a, b. LOW: c, d. Then close(), a put that comes too late, and get() until it raises Closed."
    assert facts == {"late": "Closed", "out": ["a", "b", "c", "d"], "end": "Closed"}, told


### END HIDDEN TESTS

# %% [markdown]
# One thread at a time, it works. The next checks run two threads that put and two that get under hundreds of
# *schedules*: orders in which they take turns, chosen so that they hurt. An `if` where a `while` belongs, or a
# `notify` that wakes the wrong sleeper, is found here in a few of them, and drawn: step through it with the slider.

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-queue", "locked": true, "points": 13, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
from weft.judge import points, requires


@points(5)
def test_nothing_is_lost_or_doubled(answer):
    """Two threads put and two get through a queue of one place: in any order of their steps each item comes out once."""
    answer.explore(two_put_and_two_get, schedules=100)


@points(5)
def test_everybody_wakes_up(answer):
    """Batches that do not fit at once go in piece by piece, and close sends everybody home."""
    answer.explore(many_until_closed, schedules=100)


### BEGIN HIDDEN TESTS
@points(3)
def test_close_while_somebody_puts(answer):
    """A queue that is closed while threads wait to put lets them go, and keeps what did go in."""
    answer.explore(close_while_they_put, schedules=100)


### END HIDDEN TESTS

# %% [markdown]
# ## 5 · Part 2: the rate limiter
#
# Back-pressure protects you. A rate limit protects what stands behind you, and your bill: at most so many records per
# second, for all producers together, and after a quiet time a *burst* of a few at once.
#
# The classic picture is a bucket of tokens that fills at a steady rate. There is a shorter one: remember only the
# moment at which the next turn is *due*. Whoever asks takes that moment, and moves it on by one interval. A limiter
# that was idle may have a due moment in the past, but not further back than the burst allows.
#
# Taking a moment needs the lock. Waiting for it does not, and must not: a dashboard that calls `delay` would hang for
# as long as somebody sleeps.

# %% nbgrader={"grade": false, "grade_id": "rate_limiter", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module rate_limiter
"""So many turns per second, for all threads together."""

import threading
import time


class RateLimiter:
    """At most ``rate`` turns per second, and up to ``burst`` at once after a quiet time.

    ``rate`` may be ``math.inf`` for no limit. Every method may be called from any thread. Raises ValueError for a rate
    that is not above 0 and for a burst below 1.
    """

    def __init__(self, rate: float, burst: int = 1) -> None:
        if not rate > 0 or burst < 1:
            raise ValueError(f"rate must be above 0 and burst at least 1, not {rate} and {burst}")
        self.rate = rate
        self.burst = burst
        # TODO: what must be remembered, and what guards it. time.monotonic() is the clock to use.
        ### BEGIN SOLUTION
        self._interval = 1 / rate
        self._due = time.monotonic() - (burst - 1) * self._interval
        self._lock = threading.Lock()
        ### END SOLUTION

    def acquire(self, cancelled: threading.Event) -> bool:
        """Wait for a turn and return True; or return False as soon as ``cancelled`` is set while waiting."""
        # TODO: after this, no other thread has the same turn, and nobody was kept from the lock by a sleeper.
        ### BEGIN SOLUTION
        with self._lock:
            now = time.monotonic()
            turn = max(self._due, now - (self.burst - 1) * self._interval)
            self._due = turn + self._interval
        return turn <= now or not cancelled.wait(turn - now)
        ### END SOLUTION

    def delay(self) -> float:
        """Seconds that somebody who asked for a turn now would have to wait. Takes no turn, and does not wait."""
        ### BEGIN SOLUTION
        with self._lock:
            return max(0.0, self._due - time.monotonic())
        ### END SOLUTION


# %% [markdown]
# Try it: 20 turns per second, a burst of 5, fifteen turns.

# %%
try:
    limiter = RateLimiter(rate=20, burst=5)
    started = time.monotonic()
    for _ in range(15):
        limiter.acquire(threading.Event())
        print(f"{time.monotonic() - started:.2f}", end=" ")
except NotImplementedError:
    print("Nothing to try yet: fill in RateLimiter first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# If each thread sleeps `1 / rate` after its work, how many turns do three threads take in a second? And if each
# sleeps three times as long?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`time.monotonic`](https://docs.python.org/3/library/time.html#time.monotonic) never jumps.
# [`Event.wait(timeout)`](https://docs.python.org/3/library/threading.html#threading.Event.wait) is a sleep that can be
# ended, and returns whether it was.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `acquire`: with the lock: now; turn = due, but not before now − (burst − 1) intervals; due = turn + one interval.
# Then, without the lock, wait for what is left until turn, if anything is.
# `delay`: with the lock: how far due is ahead of now, or 0.
#
# </details>

# %% [markdown]
# The checks of the limiter run on a *virtual clock*: nobody really sleeps, ten seconds take a moment, and every figure
# is exact.

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-limiter", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires


def turns_in(answer, rate, burst, seconds):
    """How many turns three threads had, and how many they should have had."""
    return answer.virtually(take_turns, rate, burst, seconds).result, rate * seconds + burst


@points(3)
def test_rate_within_a_fifth(answer):
    """Three threads together keep the rate within 20 %, whatever their work takes."""
    turns, wanted = turns_in(answer, rate=50, burst=1, seconds=4)
    told = f"50 turns per second for 4 s: three threads had {turns}."
    assert 0.8 * wanted <= turns <= 1.2 * wanted, told


@points(2)
@requires("test_rate_within_a_fifth")
def test_a_burst_and_no_more(answer):
    """A burst passes at once, and a long quiet time saves up no more than that."""
    run = answer.virtually(rush_after_quiet, rate=10, burst=3, quiet=60, count=5)
    told = "10 per second, a burst of 3: seconds at which five turns in a row were had, at first and after 60 quiet seconds."
    assert run.result == [[0, 0, 0, 0.1, 0.2]] * 2, told


### BEGIN HIDDEN TESTS
@points(3)
@requires("test_rate_within_a_fifth")
def test_rate_within_a_twentieth(answer):
    """The rate is kept within 5 %, for other rates and bursts too."""
    for rate, burst, seconds in ((35, 1, 5), (75, 10, 4), (140, 5, 2)):
        turns, wanted = turns_in(answer, rate, burst, seconds)
        told = f"{rate} turns per second and a burst of {burst}, for {seconds} s: three threads had {turns}."
        assert 0.95 * wanted <= turns <= 1.05 * wanted, told


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-limiter", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
from weft.judge import points, requires


@points(2)
def test_asking_does_not_wait(answer):
    """delay answers at once, also while another thread waits for its turn."""
    run = answer.virtually(ask_while_another_waits)
    assert run.result["took"] == 0, f"delay came back after {run.result['took']:g} s."
    told = f"A turn every 4 s; one was taken at 0 s, another is waited for. After 1 s delay said {run.result['told']:g} s."
    assert 3.0 <= run.result["told"] <= 7.0, told  # with or without the one who waits already


@points(2)
def test_a_turn_can_be_cancelled(answer):
    """Who waits for a turn leaves, with False, at the moment of the cancelling."""
    run = answer.virtually(cancel_a_turn)
    told = "A turn every 10 s; one was taken at 0 s, another is waited for and cancelled at 1 s."
    assert run.result == {"came back": [False], "after": 1.0}, told


### BEGIN HIDDEN TESTS
@points(2)
def test_no_turn_is_had_twice(answer):
    """Two threads that ask at the same moment have two turns, in any order of their steps."""
    answer.explore(two_turns_at_once, schedules=100)


### END HIDDEN TESTS

# %% [markdown]
# ## 6 · Part 3: the processor
#
# Now five threads. Each producer reads one source: parse the line, wait for a turn, put the record. Each consumer
# takes what is most urgent and hands it to the sink.
#
# There are two ways to end. `drain` waits until the sources are at their end and everything is stored: the producers
# end by themselves, then nothing new can come, so the queue is closed, and the consumers end when it is empty. `stop`
# cannot wait for that. A producer may be waiting for a turn or for room in a full queue: both waits must end. What was
# read and not stored is counted as dropped.
#
# A pipeline that loses records without saying so is worse than one that stops. At the end
# `read = processed + bad + failed + dropped`, always.

# %% nbgrader={"grade": false, "grade_id": "processor", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module processor
"""Producers, a queue, consumers, and the two ways to end them."""

import contextlib
import math
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from priority_queue import Closed, PriorityQueue
from rate_limiter import RateLimiter
from records import LEVELS, BadRecord, Record, parse

KEPT = 100  # reasons to remember; memory stays bounded here, too


@dataclass(frozen=True)
class Statistics:
    """How many lines were read, and what became of them, at one moment. ``problems`` are the latest KEPT reasons."""

    read: int
    processed: int  # the sink has taken it
    bad: int  # the line was no record
    failed: int  # the sink has refused it
    dropped: int  # given up by stop
    depths: list[int]  # waiting in the queue, by level
    problems: list[str]

    @property
    def under_way(self) -> int:
        """Lines that were read and whose end is not known yet."""
        return self.read - self.processed - self.bad - self.failed - self.dropped


class LogProcessor:
    """Reads ``sources``, each in a thread of its own, and calls ``sink`` with each record, in ``consumers`` threads.

    ``bound`` is how many records may wait; a consumer takes up to ``batch`` of them at a time. ``rate`` (per second) and
    ``burst`` limit the records of all sources together. Raises ValueError for any of them that cannot work.
    """

    def __init__(
        self,
        sources: Iterable[Iterable[str]],
        sink: Callable[[Record], object],
        *,
        consumers: int = 2,
        bound: int = 1000,
        batch: int = 1,
        rate: float = math.inf,
        burst: int = 10,
    ) -> None:
        if consumers < 1 or batch < 1:
            raise ValueError(f"consumers and batch must be at least 1, not {consumers} and {batch}")
        self.sources = list(sources)
        self.sink = sink
        self.batch = batch
        self.queue: PriorityQueue[Record] = PriorityQueue(bound, len(LEVELS))
        self.limiter = RateLimiter(rate, burst)
        # TODO: the counts and what guards them, a way to say stop, and the threads.
        ### BEGIN SOLUTION
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._problems: deque[str] = deque(maxlen=KEPT)
        self._producers = [
            threading.Thread(target=self._produce, args=(source,), name=f"producer {number}")
            for number, source in enumerate(self.sources)
        ]
        self._consumers = [
            threading.Thread(target=self._consume, name=f"consumer {number}") for number in range(consumers)
        ]
        ### END SOLUTION

    def run(self) -> Statistics:
        """Start, and wait until everything is processed. Stops if it is interrupted."""
        self.start()
        try:
            return self.drain()
        except BaseException:
            self.stop()
            raise

    def start(self) -> None:
        """Start all threads, and return. Does nothing after :meth:`stop`."""
        ### BEGIN SOLUTION
        if not self._stopping.is_set():
            for thread in (*self._producers, *self._consumers):
                thread.start()
        ### END SOLUTION

    def drain(self) -> Statistics:
        """Wait until all sources are at their end and everything is processed. No thread is left then."""
        # TODO: after this, everything that was read has its end, and every thread that you started has ended.
        ### BEGIN SOLUTION
        for producer in self._producers:
            producer.join()
        self.queue.close()
        for consumer in self._consumers:
            consumer.join()
        return self.statistics()
        ### END SOLUTION

    def stop(self) -> Statistics:
        """Read no more, and drop what the sink has not been given. No thread is left when this returns.

        Waits for a source or a sink that is being called just then. May be called at any time, also again.
        """
        # TODO: after this, the same holds as after drain, and soon.
        ### BEGIN SOLUTION
        self._stopping.set()
        self.queue.close()
        for thread in (*self._producers, *self._consumers):
            if thread.ident is not None:
                thread.join()
        return self.statistics()
        ### END SOLUTION

    def statistics(self) -> Statistics:
        """How it stands. The counts are of one moment."""
        ### BEGIN SOLUTION
        with self._lock:
            counts, problems = self._counts.copy(), list(self._problems)
        ends = {name: counts[name] for name in ("read", "processed", "bad", "failed", "dropped")}
        return Statistics(**ends, depths=self.queue.depths(), problems=problems)

    def _count(self, name: str, problem: object = None) -> None:
        with self._lock:
            self._counts[name] += 1
            if problem is not None:
                self._problems.append(f"{name}: {problem}")

    def _produce(self, source: Iterable[str]) -> None:
        try:
            for line in source:
                self._count("read")
                self._accept(line)
                if self._stopping.is_set():
                    break
        except Exception as error:  # whatever a source raises ends this source only
            with self._lock:
                self._problems.append(f"source: {error!r}")

    def _accept(self, line: str) -> None:
        try:
            record = parse(line)
            if not self.limiter.acquire(self._stopping):
                raise Closed
            self.queue.put(record, record.level)
        except BadRecord as error:
            self._count("bad", error)
        except Closed:
            self._count("dropped")

    def _consume(self) -> None:
        with contextlib.suppress(Closed):
            while True:
                for record in self.queue.get_many(self.batch):
                    self._store(record)

    def _store(self, record: Record) -> None:
        if self._stopping.is_set():
            self._count("dropped")
            return
        try:
            self.sink(record)
        except Exception as error:  # whatever a sink raises costs this record only
            self._count("failed", error)
        else:
            self._count("processed")
        ### END SOLUTION


# %% [markdown]
# Try it: the rush of the beginning, with a bound of 50.

# %%
from IPython.display import display

rush()
sink = LogSink(source.address)
try:
    print(LogProcessor(streams(source.address), sink, bound=50).run())
    display(queue_depth(source.trace, bound=50), queue_latency(source.trace))
except NotImplementedError:
    print("Nothing to try yet: fill in LogProcessor first.")
sink.close()

# %% [markdown]
# The same sink, the same rush. Compare with the two charts of the beginning: the depth stays at the bound, and few
# more in the hands of your threads; CRITICAL passes. LOW pays for it.

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# `stop` is called while the queue is full and all three producers wait in `put`. Who wakes them, and what has to
# become of the record that each of them holds?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# One [`threading.Event`](https://docs.python.org/3/library/threading.html#event-objects) says *stopping*, and is what
# `acquire` can be cancelled with. `queue.close()` ends all other waits.
# [`Thread.join`](https://docs.python.org/3/library/threading.html#threading.Thread.join) waits for a thread's end.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# Producer: for each line: count, parse, turn, put; bad line, no turn or `Closed` → count it there; stopping? leave.
# Consumer: until `Closed`: take a batch; for each record: stopping? dropped : sink, then processed or failed.
# `drain`: join producers → close → join consumers. `stop`: set stopping → close → join all.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-processor", "locked": true, "points": 18, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
import json

from weft.judge import points, requires


def lines_of(levels, name):
    """A source as a list: one good line for each level."""
    return [json.dumps({"id": f"{name}-{number}", "level": level}) for number, level in enumerate(levels)]


def ends(facts):
    """What became of the lines that were read."""
    return {name: facts[name] for name in ("read", "processed", "bad", "failed", "dropped")}


@points(5)
def test_everything_is_stored_once(answer, log_source):
    """Every record of three streams is stored exactly once, and counted."""
    log_source.records(50)
    log_source.bursts(20, 0.02)
    facts = answer.drive(process, log_source.address)
    assert len(log_source.stored) == 150, f"150 records were sent, and {len(log_source.stored)} stored."
    assert len(set(log_source.stored)) == 150, "A record was stored twice, and another one not at all."
    assert ends(facts) == {"read": 150, "processed": 150, "bad": 0, "failed": 0, "dropped": 0}


@points(4)
@requires("test_everything_is_stored_once")
def test_a_bad_record_costs_itself(answer, log_source):
    """A line that is no record, and a record that the sink refuses, cost themselves only, and are counted."""
    log_source.records(40, poison=5, refused=6)
    facts = answer.drive(process, log_source.address)
    assert len(log_source.stored) == 99, "15 of 120 lines are no records, 6 are refused; 99 can be stored."
    assert ends(facts) == {"read": 120, "processed": 99, "bad": 15, "failed": 6, "dropped": 0}


@points(3)
@requires("test_everything_is_stored_once")
def test_the_sink_gets_the_urgent_first(answer):
    """While the sink is slow, it is given the most urgent record that waits."""
    kinds = [["LOW", "NORMAL", "HIGH", "CRITICAL"] * 4, ["LOW"] * 6 + ["CRITICAL"]]
    sources = [lines_of(levels, name) for name, levels in zip("ab", kinds, strict=True)]
    facts = answer.virtually(process_lists, sources, 1.0, consumers=1).result
    level = {f"{name}-{number}": each for name, levels in zip("ab", kinds, strict=True) for number, each in enumerate(levels)}
    given = [level[name] for name in facts["stored"][1:]]
    wanted = [each for kind in ("CRITICAL", "HIGH", "NORMAL", "LOW") for each in given if each == kind]
    assert len(facts["stored"]) == 23, "23 lines went in, all of them good."
    assert given == wanted, "Everything waits in the queue while the sink works on the first record for 1 s."


### BEGIN HIDDEN TESTS
@points(3)
@requires("test_everything_is_stored_once")
def test_the_rate_is_kept(answer, log_source):
    """The rate holds for all sources together: the source is never read faster, and not slower than it must."""
    log_source.records(40)
    facts = answer.drive(process, log_source.address, rate=200, burst=5)
    assert facts["processed"] == 120, "120 lines were sent, all of them good."
    sent = [event.time for event in log_source.trace.of("emit")]
    # Each producer may hold one line more than it had turns for.
    early = sum(time - sent[0] < 0.99 * (number - 3 - 5) / 200 for number, time in enumerate(sent))
    assert early == 0, f"200 per second with a burst of 5: {early} of 120 lines were read too early."
    sources = [lines_of(["LOW"] * 20, name) for name in "abc"]
    took = answer.virtually(process_lists, sources, 0.01, rate=10, burst=5).elapsed
    assert 0.95 * 5.5 <= took <= 1.05 * 5.5, f"60 records, 10 per second, a burst of 5: it took {took:.2f} s."


@points(3)
@requires("test_everything_is_stored_once")
def test_numbers_add_up_after_stop(answer, log_source):
    """After stop, what was read is what was stored, bad, failed and dropped, also in the sink's books."""
    log_source.records(300, poison=20, refused=200)
    log_source.slow_sink(0.01)
    facts = answer.drive(stop_after, log_source.address, 50, bound=30)
    trace = log_source.trace
    assert facts["read"] == trace.count("emit"), "read is not the number of lines that the source sent."
    assert facts["under_way"] == 0, f"{facts['under_way']} lines have no end: {ends(facts)}"
    refused = sum(event.value != 200 for event in trace.of("depart"))
    told = {"processed": facts["processed"], "failed": facts["failed"]}
    assert told == {"processed": len(log_source.stored), "failed": refused}, "The sink counted otherwise."
    assert facts["dropped"] > 0, "Records waited when stop was called; none is counted as dropped."


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-processor", "locked": true, "points": 11, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
import json

from weft.judge import points, requires
from weft.worlds.log_source import held


def two_sources(count):
    """Two lists of so many good lines."""
    return [[json.dumps({"id": f"{name}{number}", "level": "LOW"}) for number in range(count)] for name in "ab"]


@points(2)
def test_three_read_and_two_store(answer, log_source):
    """Three threads read, two store at the same time, and none is left at the end."""
    log_source.records(20)
    log_source.slow_sink(0.005)
    facts = answer.drive(process, log_source.address)
    assert len(log_source.stored) == 60, f"60 records were sent, and {len(log_source.stored)} stored."
    trace = log_source.trace
    readers = {event.actor for event in trace.of("connect") if event.actor.startswith("stream")}
    told = {"streams read": len(readers), "at the sink at once": trace.peak(), "threads left": facts["threads left"]}
    assert told == {"streams read": 3, "at the sink at once": 2, "threads left": 0}


@points(3)
@requires("test_three_read_and_two_store")
def test_memory_is_bounded(answer, log_source):
    """While the sink stalls, no more is held than the bound, and one record for each thread."""
    log_source.records(60)
    log_source.stall(after=10, seconds=0.4)
    answer.drive(process, log_source.address, bound=20)
    most = held(log_source.trace)
    assert most <= 20 + 3 + 2, f"The bound was 20, for five threads; {most} records were sent and not yet at the sink."


### BEGIN HIDDEN TESTS
@points(2)
@requires("test_three_read_and_two_store")
def test_stop_with_a_full_queue(answer, log_source):
    """Stop returns soon although all producers wait in front of a full queue, and no thread is left."""
    log_source.records(200)
    log_source.slow_sink(0.02)
    facts = answer.drive(stop_after, log_source.address, 12, bound=5, deadline=6.0)
    assert facts["threads left"] == 0, f"{facts['threads left']} threads were left when stop returned."
    later = [event for event in log_source.trace.of("arrive") if event.time > facts["called"]]
    assert len(later) <= 4, f"After stop was called, {len(later)} records more were given to the sink."
    later = [event for event in log_source.trace.of("emit") if event.time > facts["called"]]
    assert len(later) <= 3, f"After stop was called, {len(later)} lines more were read."


@points(2)
@requires("test_three_read_and_two_store")
def test_no_count_is_lost(answer):
    """Counts are right in any order of the threads' steps, also in the middle."""
    answer.explore(count_while_they_work, two_sources(2), schedules=80)


@points(2)
@requires("test_three_read_and_two_store")
def test_stop_at_any_moment(answer):
    """Stop may come at any step of the five threads: none is left, and every line has its end."""
    answer.explore(stop_while_they_work, two_sources(2), schedules=80)


### END HIDDEN TESTS

# %% [markdown]
# ## 7 · See it run
#
# This module is given. It puts your processor behind a command, so that `weft run T2 --help` works in a terminal, and
# `weft export T2` writes it all as plain files.

# %% nbgrader={"grade": false, "grade_id": "demo", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module demo
"""The log processor as a command, against a log source that it starts itself."""

import argparse
import logging
import math

from processor import LogProcessor, Statistics
from records import LEVELS, Record

from weft.notebook.dashboard import View
from weft.trace import Trace
from weft.worlds.log_client import LogSink, streams
from weft.worlds.log_source import LogSource, held, open_world


def view(now: Statistics, bound: int, total: int) -> View:
    """What the dashboards show of one moment."""
    stats = {
        "read": f"{now.read} of {total}",
        "processed": str(now.processed),
        "bad": str(now.bad),
        "failed": str(now.failed),
        "dropped": str(now.dropped),
        "waiting": f"{sum(now.depths)} of {bound}",
    }
    bars = {name: (depth / bound, f"{depth} waiting") for name, depth in zip(LEVELS, now.depths, strict=True)}
    return View(stats, bars)


def prepare(source: LogSource, records: int, latency: float) -> None:
    """Three streams of so many records, with bursts, some poison, a few that are refused, and a sink that stalls once."""
    source.records(records, poison=records // 50, refused=records // 50, seed=7)
    source.bursts(100, 0.3)
    source.slow_sink(latency)
    source.stall(after=records, seconds=1.0)


def main(argv: list[str] | None = None) -> int:
    """Run once; returns 0 if every good record was stored."""
    parser = argparse.ArgumentParser(prog="weft run T2", description="Process logs that come in bursts.")
    parser.add_argument("--records", type=int, default=500, help="records in each of three streams (default: 500)")
    parser.add_argument("--consumers", type=int, default=2, help="threads that store (default: 2)")
    parser.add_argument("--bound", type=int, default=100, help="records that may wait (default: 100)")
    parser.add_argument("--batch", type=int, default=1, help="records that a consumer takes at a time (default: 1)")
    parser.add_argument("--rate", type=float, default=math.inf, help="records per second (default: no limit)")
    parser.add_argument("--latency", type=float, default=0.004, help="seconds that the sink takes (default: 0.004)")
    parser.add_argument("--debug", action="store_true", help="log every step, and sum up the source's trace")
    options = parser.parse_args(argv)
    if options.debug:
        logging.basicConfig(level=logging.DEBUG, format="%(relativeCreated)7.0f ms %(threadName)-12s %(message)s")
    with open_world() as source:
        prepare(source, options.records, options.latency)
        sink = Logged(LogSink(source.address))
        try:
            processor = LogProcessor(
                streams(source.address),
                sink,
                consumers=options.consumers,
                bound=options.bound,
                batch=options.batch,
                rate=options.rate,
            )
        except ValueError as error:
            parser.error(str(error))
        end = run(processor, options.bound, source.lines, plain=options.debug)
        sink.close()
        for problem in end.problems[-5:]:
            print(problem)
        print(f"{end.read} read: {end.processed} processed, {end.bad} bad, {end.failed} failed, {end.dropped} dropped")
        if options.debug:
            sum_up(source.trace)
        return 0 if set(source.stored) == source.good else 1


class Logged:
    """A sink that says what it is given, if anybody listens."""

    def __init__(self, sink: LogSink) -> None:
        self.sink, self.close = sink, sink.close

    def __call__(self, record: Record) -> None:
        logging.debug("%-8s %s", LEVELS[record.level], record.id)
        self.sink(record)


def sum_up(trace: Trace) -> None:
    """What the source saw."""
    print(f"source: {trace.count('emit')} lines sent, at most {held(trace)} records held, {trace.peak()} at the sink at once")


def run(processor: LogProcessor, bound: int, total: int, plain: bool) -> Statistics:
    """Run with a live view, or without one where log lines need the screen."""
    if plain:
        return processor.run()
    from weft.notebook.terminal import run_in_terminal

    return run_in_terminal(processor.run, lambda: view(processor.statistics(), bound, total), {"Stop": processor.stop})


# %% [markdown]
# Here it runs behind a dashboard: one bar for each level of the queue. After five hundred records the sink falls
# silent for a second; watch who fills the queue then, and who is let through first afterwards. Stop ends it in the middle, and the
# numbers still add up.

# %%
import demo

from weft.notebook import dashboard

demo.prepare(source, records=500, latency=0.004)
try:
    processor = LogProcessor(streams(source.address), LogSink(source.address), bound=100)
    live = dashboard.run(
        processor.run, lambda: demo.view(processor.statistics(), 100, source.lines), {"Stop": processor.stop}
    )
    display(live)
except NotImplementedError:
    print("Nothing to see yet: the three parts come first.")

# %% [markdown]
# When it is done, look at what the source saw. The dashed line is your bound.

# %%
if source.trace.count("emit"):
    display(queue_depth(source.trace, bound=100), queue_latency(source.trace))

# %% [markdown]
# ## 8 · Explore
#
# A consumer that takes fifty records at a time pays for the lock once. Nobody can overtake what it has in its hands.
# Move the sliders; each run is the rush of the beginning, and the cell keeps the median wait of CRITICAL for every run
# that you made.

# %%
import statistics

import ipywidgets

from weft.charts.queue_latency import waits

medians: dict[tuple[int, int], float] = {}


def explore(batch: int = 1, bound: int = 50) -> None:
    """Run once, draw it, and list all runs so far."""
    rush()
    sink = LogSink(source.address)
    try:
        LogProcessor(streams(source.address), sink, bound=bound, batch=batch).run()
    except NotImplementedError:
        print("Nothing to explore yet: the three parts come first.")
        return
    finally:
        sink.close()
    medians[batch, bound] = statistics.median(waits(source.trace)[0])
    display(queue_latency(source.trace))
    for (each, of), seconds in sorted(medians.items()):
        print(f"batch {each:3}, bound {of:3}: CRITICAL waits {seconds * 1000:4.0f} ms")


ipywidgets.interact(
    explore,
    batch=ipywidgets.IntSlider(1, 1, 50, description="batch", continuous_update=False),
    bound=ipywidgets.IntSlider(50, 5, 400, description="bound", continuous_update=False),
);


# %% [markdown]
# With a batch of 1, does a larger bound make CRITICAL wait longer? And LOW? With a batch of 50 and a bound of 50, how
# much is left of the priority? Say what you expect before you move the slider.
#
# What the batch buys is below: processor time per message, for a queue that does nothing but hand over.

# %%
def cost(batch: int, messages: int = 30_000) -> float:
    """Microseconds of processor time for each message from one thread to another."""
    line: PriorityQueue[int] = PriorityQueue(1000)
    burst = list(range(batch))

    def fill() -> None:
        for _ in range(messages // batch):
            line.put_many(burst, 1)
        line.close()

    filler, started = threading.Thread(target=fill, daemon=True), time.process_time()
    filler.start()
    try:
        while True:
            line.get_many(batch)
    except Closed:
        filler.join()
    return (time.process_time() - started) / messages * 1e6


try:
    for batch in (1, 5, 50):
        print(f"batch {batch:3}: {cost(batch):5.2f} µs per message")
except NotImplementedError:
    print("Nothing to measure yet: the queue comes first.")

# %% [markdown]
# ## 9 · Graded checks: performance, quality, errors
#
# Performance is judged by a ratio: processor time for some ten thousand messages through your queue, beside that of a
# plain queue with one lock and two conditions, in turn, in the same run. A slow machine slows both. Waiting must cost
# nothing: how often your waiting threads wake up is counted, not timed.

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "performance-messages", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# %%checks performance
import functools
import json

from weft.judge import points, requires
from weft.judge.yardsticks import paired_ratio

MESSAGES = 36_000


def cpu_of(answer, function, **options):
    """Processor time in seconds that the answer's process used to hand over the messages."""
    moved = answer.drive(function, MESSAGES, **options)
    assert moved == MESSAGES, f"{MESSAGES} messages went in, and {moved} came out."
    return answer.usage.cpu_seconds


@functools.cache
def ratio(answer, batch=1):
    """Measured once for all checks: your processor time over the yardstick's."""
    return paired_ratio(
        lambda: cpu_of(answer, move_through, batch=batch),
        lambda: cpu_of(answer, move_through_yardstick),
    )


@points(4)
def test_cpu_per_message_partial(answer):
    """A message costs at most five times the processor time that a plain queue takes."""
    found = ratio(answer)
    assert found <= 5.0, f"One by one, your queue takes {found:.1f} times the processor time of a plain one."


@points(3)
@requires("test_cpu_per_message_partial")
def test_waiting_costs_nothing(answer):
    """Two threads that wait at an empty queue sleep until there is something; they do not look again and again."""
    facts = answer.drive(wait_idly, 0.5)
    assert facts["waiting"] == 2, "get returned, or raised, although there was nothing to get."
    assert facts["woken"] <= 30, f"In half a second the process woke up {facts['woken']} times to look."


### BEGIN HIDDEN TESTS
@points(4)
def test_cpu_per_message_full(answer):
    """A message costs at most 2.5 times the processor time that a plain queue takes."""
    found = ratio(answer)
    assert found <= 2.5, f"One by one, your queue takes {found:.1f} times the processor time of a plain one."


@points(2)
@requires("test_cpu_per_message_partial")
def test_batches_save_time(answer):
    """Fifty messages at a time cost, each, at most 0.65 times what one by one costs a plain queue."""
    found = ratio(answer, batch=50)
    assert found <= 0.65, f"Fifty at a time, each message takes {found:.2f} times what one by one costs a plain queue."


@points(2)
@requires("test_cpu_per_message_partial")
def test_consumers_work_side_by_side(answer):
    """Two consumers halve the time: twenty records of one second each, on a simulated clock."""
    lines = [json.dumps({"id": str(number), "level": "LOW"}) for number in range(20)]
    run = answer.virtually(process_lists, [lines], 1.0)
    assert run.result["processed"] == 20, "20 records went in."
    assert run.elapsed <= 11, f"Twenty records of 1 s for two consumers took {run.elapsed:g} s."


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "quality-code", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks quality
import json

from weft.judge import points, requires

PARTS = ("priority_queue", "rate_limiter", "processor")


@points(0)
def test_it_works(answer):
    """A small log is processed. Code that does not run cannot be reviewed."""
    lines = [json.dumps({"id": str(number), "level": "HIGH"}) for number in range(3)]
    assert answer.drive(process_lists, [lines], 0.0)["processed"] == 3


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
    """No error is swallowed unseen: no bare except, no broad except that only passes."""
    assert code.findings("E722", "S110", "S112", only=PARTS) == []


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "errors-input", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# %%checks errors
import json

from weft.judge import points, requires


def good_lines(count, name):
    """So many good lines."""
    return [json.dumps({"id": f"{name}-{number}", "level": "NORMAL"}) for number in range(count)]


@points(1)
def test_a_broken_source_costs_itself(answer):
    """A source that breaks off costs the rest of itself only, and is reported."""
    facts = answer.drive(with_a_broken_source, good_lines(20, "good"), good_lines(3, "broken"))
    assert len(facts["stored"]) == 23, f"23 lines were read before the break or elsewhere; {len(facts['stored'])} are stored."
    assert any("hung up" in problem for problem in facts["problems"]), "problems does not say what the source raised."
    assert facts["threads left"] == 0


@points(1)
@requires("test_a_broken_source_costs_itself")
def test_nonsense_is_refused(answer):
    """What cannot work is refused at once, with a ValueError: no consumers, no bound, no batch, no rate, no such level."""
    wrong = [
        ("processor", {"consumers": 0}),
        ("processor", {"batch": 0}),
        ("processor", {"bound": 0}),
        ("processor", {"rate": 0}),
        ("limiter", {"rate": 10, "burst": 0}),
        ("queue", {"bound": -1}),
        ("put", {"priority": 4}),
        ("put", {"priority": -1}),
    ]
    for part, options in wrong:
        came_back = answer.drive(make, part, **options)
        assert came_back.startswith("ValueError"), f"{part} with {options}: {came_back}"


### BEGIN HIDDEN TESTS
@points(2)
@requires("test_a_broken_source_costs_itself")
def test_a_sink_may_raise_anything(answer):
    """Whatever a sink raises costs one record, and the reason is kept."""
    facts = answer.drive(with_a_broken_sink, good_lines(12, "a"), ["ValueError", "OSError", "KeyError"] * 2)
    told = {name: facts[name] for name in ("stored", "processed", "failed")}
    assert told == {"stored": 6, "processed": 6, "failed": 6}, "Twelve records; the sink raises for six of them."
    assert len(facts["problems"]) == 6, "problems has a reason for each record that failed."


@points(1)
@requires("test_a_broken_source_costs_itself")
def test_stop_out_of_season_is_harmless(answer):
    """stop before start means that nothing starts; stop after the end, or twice, changes nothing."""
    facts = answer.drive(stop_out_of_season, good_lines(5, "a"))
    told = "One processor of 5 lines was stopped before its start, another one after its end, twice."
    assert facts == {"read early": 0, "stored": 5, "threads left": 0}, told


### END HIDDEN TESTS

# %% [markdown]
# ## 10 · Afterwards
#
# **Pitfalls.**
# One `None` for two consumers ends one of them.
# A `None` that is put with the highest priority ends both, before the records that wait.
# A queue without a bound turns a slow sink into a full memory, an hour later.
# A strict priority can starve: as long as something urgent comes, LOW never leaves. Real systems let a record age into
# a higher level, or give each level a share.
#
# **What professionals use.**
# [`queue.PriorityQueue`](https://docs.python.org/3/library/queue.html#queue.PriorityQueue) with a sequence number for
# small loads; since Python 3.13 its
# [`shutdown`](https://docs.python.org/3/library/queue.html#queue.Queue.shutdown) does what your `close` does. For
# logging itself, [`QueueHandler` and `QueueListener`](https://docs.python.org/3/library/logging.handlers.html#queuehandler).
# For a pipeline as a service: Vector, Fluent Bit or Logstash, which add buffers on disk, so that a restart loses nothing.
#
# **Where one machine ends.** Your queue dies with its process. Kafka keeps the queue on disks of several machines and
# lets each consumer say how far it got; RabbitMQ has priorities and hands a record out again when its consumer dies.
# Both give you *at least once*: the sink must bear to see a record twice. Yours gives *at most once*.
#
# **Read on.** [`threading.Condition`](https://docs.python.org/3/library/threading.html#condition-objects) ·
# [`queue`](https://docs.python.org/3/library/queue.html)
#
# **A question to think about.** Your producers stop reading while the queue is full, and the programs that write the
# log then block on their own log calls. Who should wait: the logger, or the program? What would you drop first?
