# %% [markdown]
# # Lesson · Two laws that fit on a napkin
#
# | concept | time | you need |
# |---|---|---|
# | Amdahl's law, Little's law | 15 minutes | nothing but this notebook |
#
# Two questions come before any concurrent program: how much faster can it become, and how many workers does it need? Each has an
# answer of one line. You measure runs and lay the lines over them. Nothing here is graded.

# %%
# %load_ext weft

# %% [markdown]
# ## How much faster: Amdahl
#
# A job has a part that only one worker can do at a time (read the list, write the result, hold the lock) and a part that
# can be shared out. If the serial part is a share *s* of the work, then *n* workers make it faster by at most
#
# $$S(n) = \frac{1}{s + (1 - s) / n}$$
#
# With infinitely many workers, that is 1 / *s*.

# %%
def amdahl(serial: float, workers: int) -> float:
    """How many times as fast, at most; ``serial`` is a share from 0 to 1."""
    return 1 / (serial + (1 - serial) / workers)


for serial in (0.5, 0.1, 0.02):
    print(f"serial part {serial:4.0%}:", "  ".join(f"{n} workers {amdahl(serial, n):4.1f}×" for n in (2, 4, 16, 1000)))

# %% [markdown]
# Half of it serial, and a thousand workers are twice as fast as one.
#
# ## Measure it
#
# The next job takes 120 ms of waiting in all. A share of it happens under a lock, the rest in as many threads as you like. The waits are
# sleeps, so the number of cores plays no part.

# %%
import threading
import time
from concurrent.futures import ThreadPoolExecutor


def job(serial: float, workers: int, total: float = 0.12) -> float:
    """Seconds for a job of ``total`` seconds, a share ``serial`` of which cannot be shared out."""
    started = time.perf_counter()
    time.sleep(serial * total)
    with ThreadPoolExecutor(workers) as pool:
        for _ in range(workers):
            pool.submit(time.sleep, (1 - serial) * total / workers)
    return time.perf_counter() - started


for workers in (1, 2, 4, 8):
    alone, together = job(0.25, 1), job(0.25, workers)
    print(f"{workers} at work: {1000 * together:4.0f} ms, {alone / together:.1f}× (the law allows {amdahl(0.25, workers):.1f}×)")

# %% [markdown]
# ## Explore
#
# Move the share and the largest number of workers. Points are measured runs, the line is the law. The dotted line is the limit
# that no number of workers passes.

# %%
import ipywidgets
from IPython.display import display

from weft.charts.theme import INK, PALETTE, figure, headline, legend


def draw_amdahl(serial: float = 0.25, most: int = 12) -> None:
    """Measure a few runs, and draw the law beside them."""
    numbers = sorted({1, 2, 3, 4, most // 2, most} - {0})
    alone = job(serial, 1)
    gains = [alone / job(serial, number) for number in numbers]
    made, (axes,) = figure(7.0, 3.4)
    axes.plot(range(1, most + 1), [amdahl(serial, n) for n in range(1, most + 1)], color=PALETTE["orange"], label="Amdahl's law")
    axes.plot(numbers, gains, "o", color=PALETTE["blue"], label="measured")
    if serial:
        axes.axhline(1 / serial, color=INK, linestyle=":", label=f"limit {1 / serial:.1f}")
    axes.set_xlabel("workers")
    axes.set_ylabel("times as fast as one")
    axes.set_ylim(bottom=0)
    headline(axes, f"{serial:.0%} serial: {most} workers are {gains[-1]:.1f} times as fast as one")
    legend(axes, loc="lower right")
    display(made)


ipywidgets.interact(
    draw_amdahl,
    serial=ipywidgets.FloatSlider(0.25, min=0.0, max=1.0, step=0.05, description="serial", continuous_update=False),
    most=ipywidgets.IntSlider(12, 2, 32, description="workers", continuous_update=False),
);


# %% [markdown]
# Points lie below the line when workers cost something to start, or when the machine was busy. They do not lie above it: if one
# ever does by much, the share you believed in is wrong.
#
# You can also read the law backwards. Measure the gain with *n* workers, and it tells you the share.

# %%
def serial_share(gain: float, workers: int) -> float:
    """The share of serial work that explains such a gain (Karp and Flatt's estimate)."""
    return (1 / gain - 1 / workers) / (1 - 1 / workers)


for serial in (0.1, 0.4):
    gain = job(serial, 1) / job(serial, 8)
    print(f"planned {serial:.0%}: 8 workers are {gain:.1f} times as fast, which speaks for {serial_share(gain, 8):.0%}")


# %% [markdown]
# ## How many: Little
#
# A service gets λ requests per second, and each stays in it for *W* seconds on average. Then on average
#
# $$L = \lambda W$$
#
# requests are in it at once. It does not matter how they arrive, in which order they are served, or what they do. Turned round: *L*
# workers, each busy for *W* seconds per request, can serve at most *L* / *W* requests per second.

# %%
def rate_of(workers: int, seconds: float, requests: int = 40) -> float:
    """Requests per second that so many threads serve, if each request takes so long."""
    started = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        for _ in range(requests):
            pool.submit(time.sleep, seconds)
    return requests / (time.perf_counter() - started)


for workers in (1, 4, 10):
    print(f"{workers:2} at work, 20 ms a request: {rate_of(workers, 0.02):5.0f} requests/s, the law says {workers / 0.02:5.0f}")

# %% [markdown]
# ## Watch the number in the house
#
# Now requests *arrive*, at times that nobody planned, and somebody counts how many are inside. The law speaks of the average; look at
# the swings around it.

# %%
import random


def visitors(rate: float, seconds: float, requests: int = 120, seed: int = 1) -> tuple[list[tuple[float, int]], float, float]:
    """Let requests come at random, each staying ``seconds``.

    Returns (time, how many were inside), the average number inside, and the average stay, as they were measured.
    """
    chance, changes, stays, lock = random.Random(seed), [], [], threading.Lock()

    def visit() -> None:
        arrived = time.perf_counter()
        time.sleep(seconds)
        with lock:
            changes.append((arrived, 1))
            changes.append((time.perf_counter(), -1))
            stays.append(changes[-1][0] - arrived)

    with ThreadPoolExecutor(64) as pool:
        for _ in range(requests):
            pool.submit(visit)
            time.sleep(chance.expovariate(rate))
    inside, area, steps = 0, 0.0, []
    changes.sort()
    for (moment, step), (following, _) in zip(changes, [*changes[1:], changes[-1]], strict=True):
        inside += step
        area += inside * (following - moment)
        steps.append((moment - changes[0][0], inside))
    return steps, area / (changes[-1][0] - changes[0][0]), sum(stays) / len(stays)


steps, average, stay = visitors(rate=150, seconds=0.05)
span = steps[-1][0]
print(f"measured: {len(steps) / 2 / span:.0f} requests/s × {1000 * stay:.0f} ms each = {len(steps) / 2 / span * stay:.1f}")
print(f"counted:  {average:.1f} inside on average, {max(inside for _, inside in steps)} at most")


# %% [markdown]
# The two numbers agree, for the law is not an approximation: it is bookkeeping. The *most* that were inside is another matter; that is
# why a pool sized to the average has a queue.

# %%
def draw_little(rate: int = 150, milliseconds: int = 50) -> None:
    """Let requests come at that rate, and draw how many were inside."""
    steps, average, stay = visitors(rate, milliseconds / 1000, requests=min(150, rate))
    made, (axes,) = figure(7.0, 3.2)
    axes.step([at for at, _ in steps], [inside for _, inside in steps], where="post", color=PALETTE["blue"], label="inside")
    axes.axhline(average, color=PALETTE["orange"], label=f"counted average {average:.1f}")
    axes.axhline(rate * milliseconds / 1000, color=INK, linestyle="--", label=f"λW as planned {rate * milliseconds / 1000:.1f}")
    axes.set_xlabel("time / s")
    axes.set_ylabel("requests inside")
    axes.set_ylim(bottom=0)
    headline(axes, f"{rate} requests/s of {1000 * stay:.0f} ms: {average:.1f} inside on average")
    legend(axes, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    display(made)


ipywidgets.interact(
    draw_little,
    rate=ipywidgets.IntSlider(150, 20, 300, 10, description="requests/s", continuous_update=False),
    milliseconds=ipywidgets.IntSlider(50, 5, 150, 5, description="ms each", continuous_update=False),
);

# %% [markdown]
# Planned and counted differ a little: at the beginning and the end the house is emptier, and a request that waits for a thread stays
# longer than its sleep. Double the stay, and twice as many are inside, at the same rate.
#
# ## Both at once
#
# Little says how many workers a rate needs. Amdahl says when more of them stop helping. If your service needs more workers than
# Amdahl allows, no pool size will do: shorten the serial part, or the stay.
#
# **Read on.** [`concurrent.futures`](https://docs.python.org/3/library/concurrent.futures.html) ·
# [`queue`](https://docs.python.org/3/library/queue.html), where those wait who are not served yet
#
# **A question to think about.** Your requests have a time-out of one second, and those that pass it are sent again. What
# happens to λ when *W* comes near one second?
