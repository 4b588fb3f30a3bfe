# %% [markdown]
# # Weft: concurrency in Python
#
# You can program, and threads have bitten you before. In each *challenge* you build one program in which many things
# happen at once, and checks watch what it does: how many transfers the server saw at the same time, what was written
# during a pause, who held the lock.
#
# Your answers run on your own machine. Nothing is sent anywhere until you hand it in.

# %% [markdown]
# ## Before you begin
#
# You need Python 3.11 or later on Linux or macOS (on Windows: WSL2), and you should be at home with functions, classes and
# exceptions. You need not know threads, processes or asyncio: each challenge begins with a warm-up.
#
# Where something needs Linux, the notebook says so before you use it. `weft doctor` in a terminal tells what your machine
# has.

# %% [markdown]
# ## The challenges
#
# Click into the next cell and press Shift+Enter. Each challenge gets a card. **Start** makes a copy of your own in
# `notebooks/challenges/`; it never overwrites one that is there. **Open** shows it in a new tab.
#
# The cards follow you. A part gets ✓ when all its visible checks pass, ✗ when one does not, ↻ when you changed the answer
# since, and · while it is unchecked. What you hand in and what is graded is added. `weft progress` shows the same in a
# terminal.

# %%
from weft.notebook import start_page

start_page.show()

# %% [markdown]
# ## What to do first
#
# 1. Start T1 above and open it.
# 2. Run its cells from the top, one by one, with Shift+Enter. The first ones show a problem and measure it.
# 3. In each part, fill in the answer cell, run it, try it, then run the check cell below it.
# 4. When all is green, save the notebook and hand it in: `weft submit T1` in a terminal.
#
# The stated minutes are for the whole challenge. Parts stand alone: you can stop after any of them and come back. T, M and
# A (threads, processes, asyncio) are independent of each other; P and D (performance, deciding) use what you learn there.
#
# The lessons in `lessons/` are not graded. Read the one for a family before its first challenge, or when a check puzzles
# you.

# %% [markdown]
# ## Answer cells
#
# A cell that begins with `%%module progress` is an *answer cell*. Running it writes the cell to `progress.py`, imports
# that file afresh, and puts its public names into the notebook. So another process can import your functions as
# well, and an error points at a line of the cell.
#
# Run it again after every change. If it ends in an error, nothing of it can be imported until it runs again: an
# older version never stays behind.

# %%
# %load_ext weft

# %%
# %%module greeting
"""One function, to see what an answer cell does."""


def greet(name: str) -> str:
    """A greeting."""
    return f"Hello, {name}."


# %%
print(greet("thread"))
print(greet.__module__, "was imported from a file of its own")

# %% [markdown]
# ## Check cells
#
# A *check cell* runs your modules in a process of their own, with a deadline. A loop without an end costs one check, not
# your notebook. Each row says what was checked. If it failed, the row says what was called, what came back, what was
# wanted, and which of your lines to look at.
#
# Below each table stand the points that you can see. Some more checks are run at grading only; they try the same things
# harder. A row marked *broken* is our fault, and costs nothing.

# %%
# %%checks correctness
from weft.judge import points


def say(name):
    """`greet(name)`"""
    from greeting import greet

    return greet(name)


@points(1)
def test_the_name_is_in_it(answer):
    """A greeting says the name."""
    assert "Ada" in answer.drive(say, "Ada")


@points(1)
def test_it_ends_politely(answer):
    """A greeting ends with a full stop."""
    assert answer.drive(say, "Ada")[-1] == "."

# %% [markdown]
# Both rows are green. Take the full stop out of `greet`, run its cell, run the checks again, and read the second row.
#
# ## When you are stuck
#
# - Each part has three hints, folded: a question, the tool, the shape. Open one at a time.
# - A failed check names lines of yours. Start at the first.
# - *Kernel, Restart Kernel and Run All Cells* tells you whether the notebook still works from the top.
# - In a terminal, `weft doctor` says what is missing on your machine, and `weft check T1` shows the tables of a whole
#   challenge.

# %% [markdown]
# ## Tips
#
# - Before: read the table of what to build, and the question in the first hint of each part. Decide what is shared, and who
#   may change it, before you write a line.
# - During: make it right for one worker first, then for many. Run the check cell after each change, not at the end.
# - When a check shows a schedule, step through it with the slider until you can say which line ran between which two.

# %% [markdown]
# ## Pitfalls that the checks look for
#
# - A counter without a lock that has been right every time you ran it.
# - A wait without a timeout for something that may never come.
# - `except Exception: pass` in a worker: the bug becomes a missing result.
# - A blocking call in an event loop: one caller waits, and everybody else with it.
# - A function defined in a plain cell and sent to another process, which cannot import it.
# - Work that is faster in parallel only because it is no longer complete.

# %% [markdown]
# ## Resources
#
# [Concurrent execution](https://docs.python.org/3/library/concurrency.html) ·
# [asyncio](https://docs.python.org/3/library/asyncio.html) ·
# [Free threading](https://docs.python.org/3/howto/free-threading-python.html) · Allen Downey,
# [The Little Book of Semaphores](https://greenteapress.com/wp/semaphores/)

# %% [markdown]
# ## The certificate
#
# When every challenge is graded with at least 60 points, `weft certificate --name "Your Name"` makes a certificate, as SVG
# and PDF. It carries a code, and `weft certificate --verify FILE` tells a true one from a forged one, in the course that
# made it.
