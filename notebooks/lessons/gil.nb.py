# %% [markdown]
# # Lesson · What the GIL does
#
# | concept | time | you need |
# |---|---|---|
# | the global interpreter lock, threads, processes | 15 minutes | nothing but this notebook |
#
# A Python process has one *global interpreter lock*. A thread must hold it to run Python, so one thread runs and the
# others wait. You watch them take turns, find the work for which this does not matter, and measure what it
# costs the rest. Nothing here is graded.

# %%
# %load_ext weft

# %% [markdown]
# ## Three threads, one lock
#
# Three threads count. After each small step a thread writes down the time; where its times have a gap of more than a
# millisecond, it was not running. Each bar is a stretch without a gap.

# %%
from IPython.display import display

from weft.charts import gil_timeline
from weft.probes import gil_ticks

ticks = gil_ticks.watch(threads=3, steps=10_000)
print(f"Python {ticks.version}, GIL {'on' if ticks.gil else 'off'}, {ticks.together:.0%} of the time two threads at once")
gil_timeline(ticks.lanes, title="Who was running")

# %% [markdown]
# They take turns, however many cores there are. Gaps in all lanes at once are other programs' turns. How long is a turn? A thread that
# wants the lock asks for it after the *switch interval*; until then the owner keeps it.

# %%
import sys

print(f"switch interval: {1000 * sys.getswitchinterval():g} ms")
slices = [1000 * (end - start) for lane in ticks.lanes.values() for start, end in lane]
print("stretches in ms:", ", ".join(f"{each:.1f}" for each in slices[:20]))

# %% [markdown]
# ## Explore: threads and size of the work
#
# Two sliders: how many threads, and how many steps each of them does. Watch the time in all. Twice as many threads do twice as much
# work, in twice the time: the lock is a queue of one.

# %%
import ipywidgets


def explore(threads: int = 3, steps: int = 8_000) -> None:
    """Run once more, and draw it."""
    found = gil_ticks.watch(threads, steps)
    per_step = 1e6 * found.seconds / (threads * steps)
    display(gil_timeline(found.lanes, title=f"{threads} threads, {1000 * found.seconds:.0f} ms, {per_step:.1f} µs a step"))


ipywidgets.interact(
    explore,
    threads=ipywidgets.IntSlider(3, 1, 8, description="threads", continuous_update=False),
    steps=ipywidgets.IntSlider(8_000, 1_000, 30_000, 1_000, description="steps", continuous_update=False),
);

# %% [markdown]
# Take one thread: no gaps, or few. Take eight threads with few steps: some are done before the others have begun.
#
# ## Waiting lets go
#
# Whatever waits for a disk, a socket or a clock lets go of the lock first, and takes it again afterwards. So do some functions
# written in C that calculate for long, `hashlib` and much of numpy. Others do not. Two pieces of work that look alike, each
# 30 ms long:

# %%
import time
from concurrent.futures import ThreadPoolExecutor

from weft.charts.gil_timeline import by_thread
from weft.notebook import use_world

workshop = use_world("planted")


def in_threads(piece, calls: int, threads: int) -> float:
    """Seconds for so many calls by so many threads."""
    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(calls):
            pool.submit(piece)
    return time.perf_counter() - started


for kind in ("releasing", "holding"):
    workshop.reset()
    seconds = in_threads(workshop.piece(kind, seconds=0.03), calls=6, threads=3)
    display(gil_timeline(by_thread(workshop.trace), title=f"{kind}: six calls in three threads, {1000 * seconds:.0f} ms"))

# %% [markdown]
# The processor was idle in both. *Idle* does not mean *free*: the second kind waits with the lock in its hand, as a C library
# does that nobody taught to let go. Where its bars overlap, a thread is in the call already and waits for the lock: count the
# milliseconds, not the bars.
#
# ## A heartbeat sees it
#
# You cannot ask a library whether it lets go. But a thread that wants to wake up every 5 ms has to get the lock to do
# so, and can note how late it was.

# %%
import functools
import threading


def heartbeat(work, period: float = 0.005) -> list[tuple[float, float]]:
    """When each beat was due and how late it came, in seconds, while ``work()`` runs."""
    beats, over, began = [], threading.Event(), time.perf_counter()

    def heart() -> None:
        while not over.is_set():
            due = time.perf_counter() + period
            time.sleep(period)
            beats.append((due - began, time.perf_counter() - due))

    thread = threading.Thread(target=heart)
    thread.start()
    work()
    over.set()
    thread.join()
    return beats


for kind in ("releasing", "holding"):
    piece = workshop.piece(kind, seconds=0.03)
    beats = heartbeat(functools.partial(in_threads, piece, calls=4, threads=1))
    worst = 1000 * max(late for _, late in beats)
    display(gil_timeline({}, beats, title=f"{kind}: beats up to {worst:.0f} ms late"))

# %% [markdown]
# Beats that come as late as a whole piece of work is long: the lock was held all through it. A busy machine makes beats late as
# well, by a few milliseconds, so look at the size.
#
# ## Processes have a lock each
#
# The same holding work, in three processes.

# %%
from concurrent.futures import ProcessPoolExecutor

held = workshop.piece("holding", seconds=0.03)
with ProcessPoolExecutor(3) as pool:
    list(pool.map(abs, range(6)))  # the processes start here, not in the measured time
    started = time.perf_counter()
    for future in [pool.submit(held) for _ in range(6)]:
        future.result()
    processes = time.perf_counter() - started
print(f"three threads: {1000 * in_threads(held, 6, 3):.0f} ms, three processes: {1000 * processes:.0f} ms")

# %% [markdown]
# ## Without a GIL
#
# *Free-threaded* builds of Python (from 3.13 on) have no such lock. If one is found, in the environment variable
# `WEFT_NOGIL_PYTHON` or as `python3.14t` or `python3.13t`, this cell draws the first picture again with it.

# %%
from weft.probes import free_threading

other = free_threading.find()
if other is None:
    print(f"No free-threaded Python was found ({free_threading.NONE}), so there is no picture.")
else:
    there = gil_ticks.Ticks.from_json(free_threading.run_module(other.path, "weft.probes.gil_ticks", "3", "10000"))
    display(gil_timeline(there.lanes, title=f"Python {there.version}: {there.together:.0%} of the time two threads at once"))

# %% [markdown]
# ## What it does not do
#
# The GIL keeps the interpreter's own data in order, not yours: between two steps of your program another thread may still come in.
# The [lesson on races](races.ipynb) shows how. And a lock that is mostly free costs next to nothing: a program that waits for
# networks is well served by threads.
#
# **Read on.** [Thread state and the global interpreter lock](https://docs.python.org/3/c-api/init.html#thread-state-and-the-global-interpreter-lock) ·
# [`sys.setswitchinterval`](https://docs.python.org/3/library/sys.html#sys.setswitchinterval) ·
# [Python without a GIL](https://docs.python.org/3/howto/free-threading-python.html)
#
# **A question to think about.** A shorter switch interval makes heartbeats more punctual. Who pays for it?
