# %% [markdown]
# # Lesson · Who runs the loop?
#
# | concept | time | you need |
# |---|---|---|
# | asyncio, event loops, notebooks | 15 minutes | nothing but this notebook |
#
# asyncio has one rule that tutorials skip, because in a script you never meet it: a thread runs one event loop at a
# time. In a notebook you meet it in the first minute. You see whose loop your cells run in, stop it on purpose, find the
# line that stopped it, and make `asyncio.run` work in a cell. Nothing here is graded.

# %%
# %load_ext weft

# %% [markdown]
# ## The loop that is there already
#
# In a script, `asyncio.run(main())` starts a loop, runs `main` in it, and closes it. In a notebook the kernel is itself an
# asyncio program: it waits for your cells. So there is a loop, and it is running while your cell runs.

# %%
import asyncio

loop = asyncio.get_running_loop()
print(f"{type(loop).__module__}.{type(loop).__name__}, running: {loop.is_running()}")

# %% [markdown]
# That is why a notebook takes `await` at the top of a cell, where a script has a syntax error: IPython wraps the cell in a
# coroutine and lets the kernel's loop run it.

# %%
import time


async def brew(cup: str, seconds: float) -> str:
    await asyncio.sleep(seconds)
    return f"{cup} is ready"


started = time.perf_counter()
print(await asyncio.gather(brew("tea", 0.3), brew("coffee", 0.2)))
print(f"{time.perf_counter() - started:.1f} s for 0.3 s and 0.2 s of waiting")

# %% [markdown]
# Now the line that every tutorial has. Say what will happen, then run it.

# %%
coroutine = brew("cocoa", 0.1)
try:
    asyncio.run(coroutine)
except RuntimeError as error:
    print(error)
    coroutine.close()  # nobody will await it: without this line Python warns of that

# %% [markdown]
# The thread is busy with the kernel's loop, and a second one cannot run inside it. You have three ways out.
#
# | way | good for |
# |---|---|
# | `await main()` at the top of a cell | notebooks; always the first choice |
# | `await asyncio.to_thread(asyncio.run, main())` | code that insists on a loop of its own: it gets one in another thread |
# | `nest_asyncio` | cells copied from a tutorial; see the end of this lesson |

# %%
print(await asyncio.to_thread(asyncio.run, brew("cocoa", 0.1)))

# %% [markdown]
# ## How a blocking call shows
#
# A loop takes one step at a time: it runs a task up to the next `await` that has to wait, then the next task. A step that
# computes or waits for long holds up everybody. Nothing fails. Things are late.
#
# Lateness can be measured. A *heartbeat* is a task that sleeps a little and notes by how much it overslept.

# %%
# %%module report
"""A report that is written while a heart beats beside it."""

import asyncio
import time


async def heartbeat(beats: list[float], every: float = 0.05) -> None:
    """Note the time of each beat, in seconds, until it is cancelled."""
    while True:
        beats.append(time.perf_counter())
        await asyncio.sleep(every)


async def write_report() -> None:
    """Three chapters, with a look at the archive before the second."""
    await asyncio.sleep(0.2)
    look_into_the_archive()
    await asyncio.sleep(0.2)


def look_into_the_archive() -> None:
    time.sleep(0.5)


async def both() -> list[float]:
    """Write the report while the heart beats; the times of the beats."""
    beats: list[float] = []
    heart = asyncio.create_task(heartbeat(beats))
    await write_report()
    heart.cancel()
    return beats


# %%
from itertools import pairwise

beats = await both()
late = max(later - earlier for earlier, later in pairwise(beats))
print("beats:", " ".join(f"{beat - beats[0]:.2f}" for beat in beats))
print(f"longest pause {late:.2f} s, where 0.05 s were asked for")

# %% [markdown]
# There is the hole. The heart did nothing wrong: `look_into_the_archive` waited with `time.sleep`, so it kept the thread.
# It is no coroutine, it has no `await`, and nothing at the place where it is called shows that it waits. Had it been
# `requests.get`, a database driver or `Path.read_bytes` on a slow disk, you would see the same hole.
#
# In a notebook the loop is the kernel's, so its widgets, its progress bars and the button that interrupts it stood still
# too.

# %%
from weft.charts.theme import PALETTE, figure, headline

picture, (axes,) = figure(8.0, 1.8)
axes.eventplot([beat - beats[0] for beat in beats], colors=PALETTE["blue"], linewidths=3)
axes.set_yticks([], [])
axes.set_ylabel("beats")
axes.set_xlabel("time / s")
headline(axes, f"The heart stands still for {late:.2f} s")
picture

# %% [markdown]
# A hole says that something blocks. Two tools say what.
#
# asyncio's own debug mode logs every step that took longer than `slow_callback_duration`, with the task that it belongs
# to. It is in the standard library, and works in production.

# %%
import logging

logging.basicConfig(format="%(message)s", force=True)
_ = await asyncio.to_thread(lambda: asyncio.run(both(), debug=True))

# %% [markdown]
# It names the task and the line at which that task waits *now*, which is after the step that was slow. The course's own
# instrument watches the calls themselves, and names the line that blocked. The checks of the asyncio challenges use it.

# %%
from weft.probes.async_hygiene import watched

found = await asyncio.to_thread(watched, both)
for finding in found.findings:
    print(finding)

# %% [markdown]
# ## Mend it
#
# | what blocks | what to do |
# |---|---|
# | a wait, and asyncio has one of its own | `await asyncio.sleep(…)`, an async client such as aiohttp |
# | a wait inside a library that knows no asyncio | `await asyncio.to_thread(function)`: a thread waits, the loop goes on |
# | computing | a process: `loop.run_in_executor(ProcessPoolExecutor(), function)` |
#
# A thread is enough for the archive. Only the call changes.

# %%
import report


async def write_report() -> None:
    await asyncio.sleep(0.2)
    await asyncio.to_thread(report.look_into_the_archive)
    await asyncio.sleep(0.2)


report.write_report = write_report
beats = await report.both()
print(f"longest pause {max(later - earlier for earlier, later in pairwise(beats)):.2f} s")

# %% [markdown]
# ## Tasks outlive their cell
#
# A script's loop is closed at its end, and `asyncio.run` cancels what is left. The kernel's loop stays. A task that you
# start in a cell and do not await runs on while you read, and its error is told to nobody.

# %%
ticks = 0


async def tick() -> None:
    global ticks
    while True:
        ticks += 1
        await asyncio.sleep(0.01)


ticking = asyncio.create_task(tick())
print("this cell ends at once; ticks:", ticks)

# %%
await asyncio.sleep(0.2)
print("a cell later; ticks so far:", ticks > 5)

# %% [markdown]
# Keep what `create_task` returns: the loop itself holds tasks only weakly, and one that nobody refers to may vanish in
# the middle. End it by cancelling, and by awaiting the end.

# %%
ticking.cancel()
await asyncio.gather(ticking, return_exceptions=True)
print("cancelled:", ticking.cancelled())

# %% [markdown]
# ## `asyncio.run` in a cell
#
# `nest_asyncio` patches asyncio so that a loop can be run again from inside itself. After that, a cell from a tutorial
# works as it stands.

# %%
import nest_asyncio

nest_asyncio.apply()
print(asyncio.run(brew("cocoa", 0.1)))

# %% [markdown]
# It has a price, and you can see it. A function without `await` is one step of the loop: nobody else can run in the middle
# of it. Programs rely on that. With a nested loop it is no longer true.

# %%
stock = 1


def sell(customer: str) -> str:
    """No await anywhere: one step."""
    global stock
    if stock < 1:
        return f"{customer}: sold out"
    asyncio.run(brew("the card reader", 0.05))  # waits by running everybody else
    stock -= 1
    return f"{customer}: sold"


async def buy(customer: str) -> str:
    return sell(customer)


print(await asyncio.gather(buy("ann"), buy("bob")), "stock:", stock)

# %% [markdown]
# One left in stock, two sold. Both asked before either had paid, although `sell` looks as if that could not be.
#
# So: `nest_asyncio` in a notebook, to try something out. Never in a program, and never in a library. Its author has
# archived it; `await` at the top of a cell needs no patch.
#
# **Read on.** [asyncio: developing](https://docs.python.org/3/library/asyncio-dev.html) ·
# [`asyncio.to_thread`](https://docs.python.org/3/library/asyncio-task.html#running-in-threads) ·
# [IPython: autoawait](https://ipython.readthedocs.io/en/stable/interactive/autoawait.html)
#
# **A question to think about.** A library offers `fetch()` and `fetch_async()`. The first is `asyncio.run(fetch_async())`.
# Who can call it, and who finds out too late that they cannot?
