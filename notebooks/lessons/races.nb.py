# %% [markdown]
# # Lesson · A race that you can hold in your hand
#
# | concept | time | you need |
# |---|---|---|
# | threads, locks, schedules | 15 minutes | nothing but this notebook |
#
# A counter has a bug that you will not see by running it. You make the bug happen on purpose, shrink it to one picture,
# step through it, mend it, and check that the mend holds. Nothing here is graded.

# %%
# %load_ext weft

# %% [markdown]
# ## The counter that is always right
#
# Four threads add to one counter, a hundred thousand times each.

# %%
# %%module counter
"""A counter that many threads use."""


class Counter:
    def __init__(self) -> None:
        self.count = 0

    def add(self) -> None:
        self.count += 1


# %%
import sys
import threading


def stress(threads: int, times: int) -> int:
    counter = Counter()

    def work() -> None:
        for _ in range(times):
            counter.add()

    crew = [threading.Thread(target=work) for _ in range(threads)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    return counter.count


gil = getattr(sys, "_is_gil_enabled", lambda: True)()
print(f"Python {sys.version.split()[0]}, {'with' if gil else 'without'} the GIL: {stress(4, 100_000):,} of 400,000")

# %% [markdown]
# With the GIL you almost certainly see 400,000, and you would see it again tomorrow. So is the counter right?
#
# `self.count += 1` is one line and three steps.

# %%
import dis

for step in dis.get_instructions(Counter.add):
    if step.opname in ("LOAD_ATTR", "BINARY_OP", "STORE_ATTR"):
        print(f"{step.opname:12} {step.argrepr}")

# %% [markdown]
# Read the number, add one, write the sum. The language promises nothing about what other threads do between the read
# and the write. Today's interpreter with a GIL changes threads only at certain points, and none of them lies between
# these three; so the bug hides. Interpreters without a GIL have no such points, and do lose counts.
#
# An order in which threads take turns is called a *schedule*. You cannot wait for the bad one. You can choose it.

# %% [markdown]
# ## Explore
#
# `weft.explore` runs a function under many schedules: your threads are real, but only one moves at a time, and the
# explorer decides which, before each access to shared data. The function says what must hold in the end.

# %%
import weft


def adds_from_two_threads() -> None:
    counter = Counter()
    ann = threading.Thread(target=counter.add, name="ann")
    bob = threading.Thread(target=counter.add, name="bob")
    ann.start()
    bob.start()
    ann.join()
    bob.join()
    assert counter.count == 2, f"two adds, and the count is {counter.count}"


found = weft.explore(adds_from_two_threads)
found

# %% [markdown]
# Move the slider, or press the arrow keys on it. Each column is a thread, each row a line of yours with the values that
# it read and wrote. The dashed rule is the switch that hurts: one thread has read, and not yet written, when the other
# does all three steps. Then the first writes a sum that is out of date.
#
# The explorer may have tried several schedules with many switches in them. It shows the smallest that it could shrink
# the failure to.
#
# A schedule is a small value. You can keep it, send it to a colleague, and run it again: it fails in the same way each
# time.

# %%
print(found.schedule)
weft.replay(adds_from_two_threads, found.schedule)

# %% [markdown]
# ## Mend it
#
# A *lock* has one owner at a time. Who comes second waits. All three steps must stand under it, and so must every other
# access to the same number: this is a *critical section*.

# %%
# %%module counter
"""A counter that many threads use."""

import threading


class Counter:
    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def add(self) -> None:
        with self._lock:
            self.count += 1


# %%
weft.explore(adds_from_two_threads)

# %% [markdown]
# It held. That is not a proof for every program that will ever use the counter; it says that of so many different
# orders none went wrong, and names what was not explored. Cut the lock out of the cell above, run both cells, and the
# picture is back.
#
# The old schedule holds now as well. Where it wanted to switch, the other thread has to wait for the lock.

# %%
weft.replay(adds_from_two_threads, found.schedule)

# %% [markdown]
# ## Two locks, and everybody waits
#
# Locks bring a mistake of their own. A transfer between two accounts needs both of them, so it takes both locks.

# %%
# %%module bank
"""Two accounts, and money that moves between them."""

import threading


class Account:
    def __init__(self, balance: int) -> None:
        self.balance = balance
        self.lock = threading.Lock()


def transfer(source: Account, target: Account, amount: int) -> None:
    with source.lock:
        with target.lock:
            source.balance -= amount
            target.balance += amount


# %%
def there_and_back() -> None:
    ours, theirs = Account(100), Account(100)
    there = threading.Thread(target=transfer, args=(ours, theirs, 30), name="there")
    back = threading.Thread(target=transfer, args=(theirs, ours, 30), name="back")
    there.start()
    back.start()
    there.join()
    back.join()
    assert ours.balance + theirs.balance == 200


stuck = weft.explore(there_and_back)
stuck

# %% [markdown]
# Each thread has one lock and waits for the other's. Follow the arrows below the table: they lead in a circle, and
# that is what a *deadlock* is. No time-out would tell you why; the circle does.
#
# Your turn. Change `transfer` so that both threads take the two locks in the same order, whichever way the money goes.
# Run its cell, then this one.

# %%
weft.explore(there_and_back)

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# What do two transfers in opposite directions have in common, that could decide which lock comes first?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`sorted`](https://docs.python.org/3/library/functions.html#sorted) with a `key` orders any two things. Any order will do,
# as long as all threads use the same.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `first, second = sorted((source, target), key=…)`, then `with first.lock:` and `with second.lock:`, and inside both the
# two lines as they were.
#
# </details>

# %% [markdown]
# ## What the explorer cannot see
#
# It switches between the steps of *your* modules. What is written in C, such as `list.append` or a dictionary's own
# methods, is one step to it. Other processes are outside. And it tries a few hundred schedules of a small scenario, not
# all schedules of a large one: two threads and three calls find most mistakes.
#
# Time stands still, too: a `sleep` takes no time but moves a clock of the explorer's own. Scenarios with time-outs run in
# milliseconds.
#
# **Read on.** [`threading`: lock objects](https://docs.python.org/3/library/threading.html#lock-objects) ·
# [Python without a GIL](https://docs.python.org/3/howto/free-threading-python.html)
#
# **A question to think about.** The lock makes `add` slower, also when there is only one thread. Who should pay for it:
# the counter, or the code that shares it?
