# ---
# jupyter:
#   weft:
#     concept: asyncio
#     difficulty: medium
#     focus: event loop, rate limits, circuit breakers, cancellation
#     id: A1
#     minutes: 45-60
#     order: 5
#     title: Async web scraper with rate limiting
# ---

# %% [markdown]
# # A1 · Async web scraper with rate limiting
#
# | concept | difficulty | time | focus |
# |---|---|---|---|
# | asyncio | medium | 45–60 minutes | event loop, rate limits, circuit breakers, cancellation |
#
# You write a scraper that fetches several sites at once and that their owners do not mind: it keeps to a rate, asks
# robots.txt first, and leaves a site alone that has fallen over.
#
# Afterwards you can
#
# - run hundreds of waiting things in one thread, and say what a *task* costs,
# - limit a rate exactly with a *token bucket*, however many tasks want a token at once,
# - stop hurting a site that is down with a *circuit breaker*, and notice when it is back,
# - cancel everything and leave nothing behind.

# %%
# %load_ext weft

# %% [markdown]
# ## 1 · The problem
#
# Three small sites run on your own machine, in a process of their own. Each page takes 100 ms, as a page from another
# continent would. Here is the obvious loop: fetch a page, look for links, fetch the next.

# %%
import re
import time
import urllib.request
from urllib.parse import urljoin

from weft.notebook import use_world
from weft.worlds.web_sites import Page, Plan, Site, tree

web = use_world("web_sites")
addresses = web.serve(Plan({name: Site(tree(8), latency=0.1) for name in ("red", "green", "blue")}))

started = time.perf_counter()
todo, seen = [address + "/" for address in addresses.values()], set()
while todo:
    url = todo.pop()
    if url not in seen:
        seen.add(url)
        with urllib.request.urlopen(url, timeout=5) as response:
            todo += [urljoin(url, link) for link in re.findall(r'href="([^"]+)"', response.read().decode())]
print(f"{len(seen)} pages, one by one: {time.perf_counter() - started:.2f} s")

# %% [markdown]
# Each bar is one request, as the sites saw it.

# %%
from weft.charts import swimlane

swimlane(web.trace, title="One page at a time, although three sites would answer at once")

# %% [markdown]
# The loop waits, and waiting needs no thread. An *event loop* holds any number of conversations in one thread: while
# one waits for its page, the others go on. A conversation is a *task*, and costs a few kilobytes.
#
# So speed is not the problem. The problem is that it is too easy: 360 tasks that all start at once are an attack. What
# you build has three brakes for each site, and the first two are yours to write from scratch.
#
# ```mermaid
# flowchart LR
#     starts["start pages"] --> scraper
#     scraper -- "allowed?" --> robots["Robots: asked once per site"]
#     scraper -- "may I try?" --> breaker["CircuitBreaker: one per site"]
#     breaker --> bucket["TokenBucket: one per site"]
#     bucket --> session["one aiohttp session"]
#     session -- "pages, errors, silence" --> scraper
#     scraper -- "new links" --> scraper
# ```

# %% [markdown]
# ## 2 · What to build
#
# | must have | part |
# |---|---|
# | a rate and a burst for each site, exact, for any number of tasks | 1 · `token_bucket` |
# | a breaker for each site: closed, open, half-open with a single probe | 2 · `circuit_breaker` |
# | robots.txt asked once for each site, and obeyed | 3 · `robots` |
# | several sites at once, redirects, retries, a report, and a live dashboard | 4 · `scraper` |
#
# | criterion | points | what is judged |
# |---|---|---|
# | correctness | 40 | the pages that come home, and those that must not be asked for |
# | concurrency | 30 | what the sites see: rates, connections, probes; what a cancelled run leaves |
# | performance | 15 | your time beside the shortest that the rates allow |
# | quality | 10 | what a reviewer would send back |
# | errors | 5 | one bad page costs one page |
#
# Most checks run on a *virtual clock*: when every task waits, the clock jumps to the next moment at which something
# happens. A minute of scraping takes milliseconds, and a rate can be judged to the microsecond. `time.monotonic()` and
# `asyncio.sleep` are right on both clocks.

# %% [markdown]
# ## 3 · Warm-up
#
# In a notebook a loop is running already, so `await` works at the top of a cell. In a program, `asyncio.run(main())`
# starts one.

# %%
import asyncio


async def nap(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


started = time.perf_counter()
naps = await asyncio.gather(*(nap(0.1) for _ in range(1000)))
print(f"{len(naps)} naps of 0.1 s, one thread: {time.perf_counter() - started:.2f} s")


# %% [markdown]
# A thousand naps, and hardly more than one of them in time. Before you run the next cell, say what it will print: the
# coroutine is the same but for one word.

# %%
async def blocking_nap(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


started = time.perf_counter()
naps = await asyncio.gather(*(blocking_nap(0.1) for _ in range(10)))
print(f"{len(naps)} blocking naps of 0.1 s: {time.perf_counter() - started:.2f} s")

# %% [markdown]
# `time.sleep` holds the only thread there is, and nobody else can go on. Tasks change places at an `await` that has to
# wait, and nowhere else. That makes most races impossible. Not all: what you have read before an `await` may be wrong
# after it.

# %%
tickets = 1


async def buy() -> None:
    global tickets
    if tickets > 0:
        await asyncio.sleep(0)  # asks the bank
        tickets -= 1


await asyncio.gather(buy(), buy())
print("tickets left:", tickets)


# %% [markdown]
# A *task group* starts tasks and waits for all of them. If one raises, it cancels the others; if it is cancelled
# itself, it cancels them too. Nothing is left running when the block is left.

# %%
async def boom() -> None:
    await asyncio.sleep(0.05)
    raise RuntimeError("one of them failed")


try:
    async with asyncio.TaskGroup() as group:
        slow = group.create_task(nap(60))
        group.create_task(boom())
except* RuntimeError as errors:
    print(errors.exceptions[0], "- and the nap of a minute was cancelled:", slow.cancelled())

# %% [markdown]
# ## 4 · Part 1: a token bucket
#
# A bucket holds at most `burst` tokens and gains `rate` of them each second. A request takes one token; if there is
# none it waits for it. So a site sees at most `burst + rate × t` requests in any `t` seconds.
#
# No timer fills the bucket. It is enough to remember how many tokens there were, and when: the rest is arithmetic, done
# whenever somebody asks.

# %% nbgrader={"grade": false, "grade_id": "token_bucket", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module token_bucket
"""A token bucket: so many requests per second, with a few in reserve."""

import asyncio
import time
from collections import deque


class TokenBucket:
    """Holds up to ``burst`` tokens and gains ``rate`` of them per second. One request costs one token."""

    def __init__(self, rate: float, burst: int) -> None:
        """Begin with a full bucket. ValueError if ``rate`` is not above 0 or ``burst`` is below 1."""
        # TODO: remember how many tokens there are, and since when.
        ### BEGIN SOLUTION
        if not rate > 0 or burst < 1:
            raise ValueError(f"A bucket needs a rate above 0 and a burst of at least 1, not {rate} and {burst}.")
        self.rate, self.burst = rate, burst
        self._tokens = float(burst)
        self._filled: float | None = None
        self._waiting: deque[asyncio.Event] = deque()
        ### END SOLUTION

    async def acquire(self) -> None:
        """Take a token as soon as there is one. Who asked first is served first; who is cancelled takes none."""
        # TODO: after this, one token is gone, and never more tokens are handed out than the rate allows.
        ### BEGIN SOLUTION
        turn = asyncio.Event()
        self._waiting.append(turn)
        try:
            if self._waiting[0] is not turn:
                await turn.wait()
            while (missing := 1 - self._fill()) > 1e-9:
                await asyncio.sleep(missing / self.rate)
            self._tokens -= 1
        finally:
            self._waiting.remove(turn)
            if self._waiting:
                self._waiting[0].set()

    def _fill(self) -> float:
        now = time.monotonic()
        if self._filled is not None:
            self._tokens = min(self.burst, self._tokens + (now - self._filled) * self.rate)
        self._filled = now
        return self._tokens

    ### END SOLUTION


# %% [markdown]
# Try it: eight tokens from a bucket with three, at ten per second.

# %%
try:
    bucket, began = TokenBucket(rate=10, burst=3), time.perf_counter()
    for _ in range(8):
        await bucket.acquire()
        print(f"{time.perf_counter() - began:.2f}", end=" ")
except (NotImplementedError, AttributeError):
    print("Nothing to try yet: fill in TokenBucket first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# Twenty tasks find the bucket empty at the same moment, and all of them sleep for as long as one token takes. What
# happens when they wake up?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# Let one task at a time wait for the next token, and the others for their turn. An
# [`asyncio.Lock`](https://docs.python.org/3/library/asyncio-sync.html#asyncio.Lock) serves those who wait in order.
# Whatever you hold when you are cancelled must be given back: `async with`, or `try … finally`.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `acquire`: wait for your turn → fill: tokens = min(burst, tokens + seconds since × rate) → less than one? sleep for
# what is missing, fill again → take one.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": false, "grade_id": "drives", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%drives
"""How the checks call your code. Nothing is judged here: each function calls your modules and returns what happened."""

import asyncio
import os
import sys


def now():
    return asyncio.get_running_loop().time()


async def take(rate, burst, naps):
    """`acquire()` again and again, by one task"""
    from token_bucket import TokenBucket

    bucket, began, times = TokenBucket(rate, burst), now(), []
    for seconds in naps:
        await asyncio.sleep(seconds)
        await bucket.acquire()
        times.append(round(now() - began, 6))
    return times


async def take_together(rate, burst, tasks, cancel=()):
    """`acquire()` by many tasks at the same moment"""
    from token_bucket import TokenBucket

    bucket, began, served = TokenBucket(rate, burst), now(), []

    async def one(number):
        await bucket.acquire()
        served.append([number, round(now() - began, 6)])

    running = [asyncio.create_task(one(number)) for number in range(tasks)]
    await asyncio.sleep(0.01)
    for number in cancel:
        running[number].cancel()
    await asyncio.wait(running, timeout=1000)
    times = [time for _, time in served]
    for first, early in enumerate(times):
        for last in range(first, len(times)):
            told = f"{last - first + 1} tokens were handed out in {times[last] - early:g} s."
            assert last - first + 1 <= burst + rate * (times[last] - early) + 1e-3, told
    return served


async def break_and_mend(threshold, cooldown, steps):
    """`CircuitBreaker(threshold, cooldown)`, step by step"""
    from circuit_breaker import CircuitBreaker

    breaker, seen = CircuitBreaker(threshold, cooldown), []
    for step in steps:
        if isinstance(step, str):
            answer = getattr(breaker, step)()
            seen.append(answer if step == "allow" else breaker.state)
        else:
            await asyncio.sleep(step)
            seen.append(breaker.state)
    return seen


async def ask(rules, urls, together=False):
    """`Robots("weft", fetch).allowed(url)` for each URL"""
    from robots import Robots

    fetched = []

    async def fetch(url):
        fetched.append(url)
        await asyncio.sleep(0.1)
        status, text = rules[url]
        if status == 0:
            raise OSError("nobody there")
        return status, text

    robots = Robots("weft", fetch)
    if together:
        answers = await asyncio.gather(*(robots.allowed(url) for url in urls))
    else:
        answers = [await robots.allowed(url) for url in urls]
    return {"allowed": answers, "fetched": fetched}


async def scrape(plan, starts, **options):
    """`Scraper(…).run(starts)` on the virtual clock"""
    from scraper import Scraper

    from weft.worlds.web_plan import Plan
    from weft.worlds.web_service import serve

    async with serve(Plan.from_json(plan)) as web:
        began = now()
        scraper = Scraper(**options)
        report = await in_time(scraper.run([web.address(link, "") for link in starts]))
        elapsed = now() - began
        facts = as_facts(report, web.addresses)
        stands = standing(scraper, web.addresses)
    events = [[event.time - began, event.kind, event.subject, event.actor, event.value] for event in web.trace]
    return {**facts, "elapsed": elapsed, "events": events, "statistics": stands}


async def in_time(running, seconds=120.0):
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await running
    except TimeoutError:
        assert not limit.expired(), f"run() had not ended after {seconds:g} s of virtual time."
        raise


def standing(scraper, addresses):
    stands = scraper.statistics()
    return {name: dict(stands[at]) for name, at in addresses.items() if at in stands}


async def scrape_and_look(plan, starts, every, **options):
    """`statistics()`, again and again while `run(starts)` is at work"""
    from scraper import Scraper

    from weft.worlds.web_plan import Plan
    from weft.worlds.web_service import serve

    async with serve(Plan.from_json(plan)) as web:
        scraper, looks = Scraper(**options), []
        running = asyncio.create_task(in_time(scraper.run([web.address(link, "") for link in starts])))
        while not running.done():
            await asyncio.sleep(every)
            looks.append(standing(scraper, web.addresses))
        await running
    return looks


def as_facts(report, addresses):
    def named(url):
        return next((name + ":" + url[len(at) :] for name, at in addresses.items() if url.startswith(at)), url)

    return {
        "pages": {named(url): [named(page.url), page.status, page.title] for url, page in report.pages.items()},
        "links": sum(len(page.links) for page in report.pages.values()),
        "forbidden": sorted(named(url) for url in report.forbidden),
        "failed": {named(url): str(reason) for url, reason in report.failed.items()},
    }


async def scrape_and_cancel(plan, starts, after, **options):
    """`run(starts)`, cancelled in the middle"""
    from scraper import Scraper

    from weft.worlds.web_plan import Plan
    from weft.worlds.web_service import serve

    async with serve(Plan.from_json(plan)) as web:
        running = asyncio.create_task(Scraper(**options).run([web.address(link, "") for link in starts]))
        await asyncio.sleep(after)
        cancelled, asked = now(), web.trace.count("arrive")
        running.cancel()
        how = await asyncio.gather(running, return_exceptions=True)
        took, left = now() - cancelled, answers_tasks()
        await asyncio.sleep(1.0)
        trace = web.trace
    return {
        "ended": type(how[0]).__name__,
        "took": took,
        "tasks": left,
        "open": trace.count("connect") - trace.count("disconnect"),
        "asked": asked,
        "asked later": trace.count("arrive") - asked,
    }


def answers_tasks():
    """The coroutines of all tasks that the answer's modules have started and that still run."""
    folder = os.path.dirname(sys.modules["scraper"].__file__)
    coroutines = [task.get_coro() for task in asyncio.all_tasks()]
    return sorted(one.__qualname__ for one in coroutines if one.cr_code.co_filename.startswith(folder))


def scrape_for_real(addresses, starts, **options):
    """`Scraper(…).run(starts)`, in real time, from sites in another process"""
    from scraper import Scraper

    report = asyncio.run(Scraper(**options).run(starts))
    return as_facts(report, addresses)


def scrape_watched(addresses, starts, **options):
    """`Scraper(…).run(starts)`, in real time, and what it does to the event loop"""
    from scraper import Scraper

    from weft.probes.async_hygiene import watched

    async def main():
        return as_facts(await Scraper(**options).run(starts), addresses)

    seen = watched(main)
    # How long a step of the loop computes depends on the machine, so that is no evidence here.
    findings = [str(finding) for finding in seen.findings if finding.kind != "cpu hog"]
    return {"pages": len((seen.result or {}).get("pages", ())), "findings": findings, "error": str(seen.error or "")}


def refuse(calls):
    """Constructors, and `run(starts)`, with nonsense"""
    from circuit_breaker import CircuitBreaker
    from scraper import Scraper
    from token_bucket import TokenBucket

    makers = {"TokenBucket": TokenBucket, "CircuitBreaker": CircuitBreaker, "Scraper": Scraper}
    answers = []
    for name, arguments, options in calls:
        try:
            if name == "run":
                asyncio.run(Scraper(**options).run(arguments))
            else:
                makers[name](*arguments, **options)
            answers.append("no error")
        except Exception as error:
            answers.append(type(error).__name__)
    return answers


# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-bucket", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires


@points(3)
def test_burst_then_rate(answer):
    """A full bucket gives its burst at once, then one token at a time, at the rate."""
    run = answer.virtually(take, 2.0, 3, [0.0] * 7)
    assert run.result == [0.0, 0.0, 0.0, 0.5, 1.0, 1.5, 2.0]


@points(3)
@requires("test_burst_then_rate")
def test_many_tasks(answer):
    """Twenty tasks at once are served in the order in which they asked, at the rate."""
    run = answer.virtually(take_together, 10.0, 5, 20)
    assert run.result == [[number, max(0.0, round((number - 4) / 10, 6))] for number in range(20)]


### BEGIN HIDDEN TESTS
@points(2)
@requires("test_burst_then_rate")
def test_idle(answer):
    """A bucket that was left alone for long holds its burst, and no token more; the parts of a token are kept."""
    assert answer.virtually(take, 2.0, 3, [0.0, 60.0, 0.0, 0.0, 0.0, 0.0]).result == [0, 60, 60, 60, 60.5, 61]
    assert answer.virtually(take, 2.0, 1, [0.0, 0.3, 0.3, 0.0]).result == [0, 0.5, 1, 1.5]


@points(2)
@requires("test_many_tasks")
def test_a_cancelled_task_takes_nothing(answer):
    """A task that is cancelled while it waits takes no token and stops nobody, whether it is the first in line or not."""
    served = answer.virtually(take_together, 1.0, 1, 6, cancel=[1, 3]).result
    assert [number for number, _ in served] == [0, 2, 4, 5], "The tasks that were served, in order."
    assert [time for _, time in served] == [0.0, 1.0, 2.0, 3.0], "The times at which they were served."


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-bucket", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
from weft.judge import points, requires


@points(3)
def test_never_above_the_rate(answer):
    """However the tasks take turns, no moment sees more tokens than the burst and the rate allow."""
    answer.shuffle(take_together, 10.0, 2, 8, orders=20)


### BEGIN HIDDEN TESTS
@points(3)
@requires("test_never_above_the_rate")
def test_nor_when_some_are_cancelled(answer):
    """That holds also when half of those who wait are cancelled, in any order."""
    answer.shuffle(take_together, 10.0, 2, 8, cancel=[2, 4, 6], orders=20)


### END HIDDEN TESTS

# %% [markdown]
# ## 5 · Part 2: a circuit breaker
#
# A site that is down does not get up sooner because you ask more often. A breaker counts failures in a row. At
# `threshold` it *opens*: nobody asks. After `cooldown` seconds it is *half-open*: one request, the probe, may go out, and
# everybody else goes on waiting. If the probe succeeds, the breaker closes; if it fails, it is open for another
# `cooldown`.
#
# ```mermaid
# stateDiagram-v2
#     [*] --> closed
#     closed --> open: threshold failures in a row
#     open --> half_open: after the cool-down
#     half_open --> closed: the probe succeeds
#     half_open --> open: the probe fails
# ```
#
# There is no `await` in this class: between two lines of it no other task can run. That is worth a lot, so it is best
# kept that way.

# %% nbgrader={"grade": false, "grade_id": "circuit_breaker", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module circuit_breaker
"""A circuit breaker: leaves a site alone that fails again and again, and looks after a while whether it is back."""

import time


class CircuitBreaker:
    """Opens after ``threshold`` failures in a row; ``cooldown`` seconds later one request at a time may probe.

    ``times_opened`` counts how often it has opened since it was closed last.
    """

    def __init__(self, threshold: int = 3, cooldown: float = 5.0) -> None:
        """Begin closed. ValueError if ``threshold`` is below 1 or ``cooldown`` is not above 0."""
        self.times_opened = 0
        # TODO: remember the failures in a row, when the breaker opened, and whether a probe is out.
        ### BEGIN SOLUTION
        if threshold < 1 or not cooldown > 0:
            raise ValueError(f"A breaker needs a threshold of at least 1 and a cool-down, not {threshold}, {cooldown}.")
        self.threshold, self.cooldown = threshold, cooldown
        self._failures = 0
        self._opened: float | None = None
        self._probing = False
        ### END SOLUTION

    @property
    def remaining(self) -> float:
        """Seconds until a probe may go out; 0.0 if the breaker is not open."""
        ### BEGIN SOLUTION
        if self._opened is None:
            return 0.0
        return max(0.0, self._opened + self.cooldown - time.monotonic())
        ### END SOLUTION

    @property
    def state(self) -> str:
        """``"closed"``, ``"open"`` or ``"half-open"``."""
        ### BEGIN SOLUTION
        if self._opened is None:
            return "closed"
        return "open" if self.remaining else "half-open"
        ### END SOLUTION

    def allow(self) -> bool:
        """Whether a request may go out now. Whoever gets True reports how it ended: one of the three below."""
        ### BEGIN SOLUTION
        if self.state == "closed":
            return True
        if self.state == "open" or self._probing:
            return False
        self._probing = True
        return True
        ### END SOLUTION

    def succeeded(self) -> None:
        """The site answered: all is forgotten."""
        ### BEGIN SOLUTION
        self._failures = self.times_opened = 0
        self._opened, self._probing = None, False
        ### END SOLUTION

    def failed(self) -> None:
        """The site did not answer, or said that it is broken."""
        ### BEGIN SOLUTION
        self._failures += 1
        if self._probing or (self._opened is None and self._failures >= self.threshold):
            self._opened = time.monotonic()
            self.times_opened += 1
        self._probing = False
        ### END SOLUTION

    def abandoned(self) -> None:
        """The request was given up before it ended, which says nothing about the site. Somebody else may probe."""
        ### BEGIN SOLUTION
        self._probing = False
        ### END SOLUTION


# %% [markdown]
# Try it: three failures, a look at once, and one after the cool-down.

# %%
try:
    breaker = CircuitBreaker(threshold=3, cooldown=0.2)
    for _ in range(3):
        breaker.failed()
    print(breaker.state, breaker.allow())
    await asyncio.sleep(0.25)
    print(breaker.state, breaker.allow(), breaker.allow())
except (NotImplementedError, AttributeError):
    print("Nothing to try yet: fill in CircuitBreaker first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# Forty tasks wait for the cool-down to end. It ends. How many of them get True?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# No timer is needed: remember when it opened, and compute the state whenever somebody asks.
# [`time.monotonic()`](https://docs.python.org/3/library/time.html#time.monotonic) never jumps, as the clock on the wall may.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# Three attributes: failures in a row, when it opened (or `None`), whether a probe is out. `allow` is the only place
# that sets the third, and `succeeded`, `failed` and `abandoned` all clear it.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-breaker", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires


@points(3)
def test_it_opens_and_probes(answer):
    """It opens at the threshold, lets one probe through after the cool-down, and closes when that succeeds."""
    steps = ["allow", "failed", "failed", "allow", "failed", "allow", 4.0, "allow", 1.0, "allow", "allow", "succeeded"]
    seen = answer.virtually(break_and_mend, 3, 5.0, [*steps, "allow"]).result
    wanted = [True, "closed", "closed", True, "open", False, "open", False, "half-open", True, False, "closed", True]
    assert seen == wanted


@points(2)
@requires("test_it_opens_and_probes")
def test_only_failures_in_a_row_count(answer):
    """A success in between begins the count anew."""
    seen = answer.virtually(break_and_mend, 2, 5.0, ["failed", "succeeded", "failed", "allow", "failed", "allow"]).result
    assert seen == ["closed", "closed", "closed", True, "open", False]


### BEGIN HIDDEN TESTS
@points(2)
@requires("test_it_opens_and_probes")
def test_a_probe_that_fails(answer):
    """A probe that fails opens it for another whole cool-down; the next probe may close it."""
    steps = ["failed", 5.0, "allow", "failed", 4.9, "allow", 0.2, "allow", "allow", "succeeded", "failed"]
    seen = answer.virtually(break_and_mend, 1, 5.0, steps).result
    assert seen == ["open", "half-open", True, "open", "open", False, "half-open", True, False, "closed", "open"]


@points(1)
@requires("test_it_opens_and_probes")
def test_a_probe_that_is_abandoned(answer):
    """A probe that was given up keeps nobody else from probing."""
    seen = answer.virtually(break_and_mend, 1, 5.0, ["failed", 5.0, "allow", "abandoned", "allow", "allow"]).result
    assert seen == ["open", "half-open", True, "half-open", True, False]


### END HIDDEN TESTS

# %% [markdown]
# ## 6 · Part 3: robots.txt
#
# A site says in `/robots.txt` what it does not want to have fetched. The standard library reads it:
# [`urllib.robotparser`](https://docs.python.org/3/library/urllib.robotparser.html). Its own `read()` blocks, so you fetch
# the text yourself and give it to `parse()`.
#
# [RFC 9309](https://www.rfc-editor.org/rfc/rfc9309#section-2.3.1) says what an answer means. A text: the rules. 4xx: there
# are no rules, everything is allowed. 5xx, or no answer: there may be rules, and until you can read them everything is
# forbidden.
#
# `pages` is given. It reads HTML, and says which site a page belongs to.

# %% nbgrader={"grade": false, "grade_id": "pages", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module pages
"""What a scraper brings home, and how a page is read."""

from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

PORTS = {"http": 80, "https": 443}


@dataclass
class Page:
    """One page. ``url`` is where it was found after all redirects, ``links`` are complete URLs without fragments."""

    url: str
    status: int
    title: str = ""
    links: list[str] = field(default_factory=list)


@dataclass
class Report:
    """What came of it: pages by the URL asked for, URLs that robots.txt forbids, and why others failed."""

    pages: dict[str, Page] = field(default_factory=dict)
    forbidden: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)


def site_of(url: str) -> str:
    """``"http://host:port"``: what one robots.txt, one bucket and one breaker stand for. ValueError for nonsense.

    A name and password before the host, and a port that goes without saying, make no other site of it.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:  # brackets that do not match, a port that is no number
        host = port = None
    if not host or port == 0 or parts.scheme not in PORTS:
        raise ValueError(f"Not the address of a web page: {url[:200]!r}")
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, PORTS[parts.scheme]) else "")


def read(url: str, status: int, kind: str, body: bytes) -> Page:
    """A page from its bytes; what is no HTML has neither title nor links."""
    page = Page(url, status)
    if "html" in kind:
        reader = _Reader()
        reader.feed(body.decode("utf-8", errors="replace"))
        page.title = reader.title
        page.links = [link for target in reader.targets if (link := complete(url, target))]
    return page


def complete(url: str, target: str) -> str:
    """Where a link on ``url`` leads, without its fragment; "" if it is no address of a web page."""
    try:
        link = urldefrag(urljoin(url, target.strip())).url
        site_of(link)
    except ValueError:
        return ""
    return link


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.title, self._in_title = "", False
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_title = tag == "title"
        if tag == "a":
            self.targets += [value for name, value in attrs if name == "href" and value]

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data


def seconds_of(retry_after: str, now: float) -> float:
    """A Retry-After header in seconds from ``now`` (Unix time): a number or a date. 0 if it is neither, an hour at most."""
    try:
        return min(max(0.0, float(retry_after)), 3600.0)
    except ValueError:
        pass
    try:
        return min(max(0.0, parsedate_to_datetime(retry_after).timestamp() - now), 3600.0)
    except (ValueError, OverflowError):
        return 0.0


# %% nbgrader={"grade": false, "grade_id": "robots", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module robots
"""What a site's robots.txt allows, asked once for each site."""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.robotparser import RobotFileParser

from pages import site_of

#: Fetches a URL: status and text. Raises OSError, of which TimeoutError is one, if nobody answers.
Fetch = Callable[[str], Awaitable[tuple[int, str]]]


class Robots:
    """Knows the rules of every site that it was asked about."""

    def __init__(self, agent: str, fetch: Fetch) -> None:
        self.agent, self._fetch = agent, fetch
        # TODO: a place for the rules of each site, and for those that are being fetched just now.
        ### BEGIN SOLUTION
        self._rules: dict[str, RobotFileParser] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        ### END SOLUTION

    async def allowed(self, url: str) -> bool:
        """Whether ``url`` may be fetched. ``SITE/robots.txt`` is fetched once, however many ask at the same time."""
        ### BEGIN SOLUTION
        site = site_of(url)
        async with self._asking.setdefault(site, asyncio.Lock()):
            if site not in self._rules:
                self._rules[site] = await self._ask(site)
        return self._rules[site].can_fetch(self.agent, url)

    async def _ask(self, site: str) -> RobotFileParser:
        try:
            status, text = await self._fetch(f"{site}/robots.txt")
        except OSError:
            status, text = 503, ""
        if status >= 400:
            text = "" if status < 500 else "User-agent: *\nDisallow: /"
        rules = RobotFileParser()
        rules.parse(text.splitlines())
        return rules

    ### END SOLUTION


# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# Two tasks ask about the same site at the same moment. Neither finds any rules. How often is robots.txt fetched?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# A lock for each site, or a task for each site that everybody awaits. What 4xx and 5xx mean can be said in rules: no lines
# at all, and `Disallow: /` for everybody. A `RobotFileParser` forbids everything until `parse()` was called.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `allowed`: which site? → under its lock: no rules yet? fetch and keep them → `can_fetch(agent, url)`.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-robots", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from weft.judge import points, requires

RULES = "User-agent: *\nDisallow: /private\n\nUser-agent: other\nDisallow: /\n"


@points(2)
def test_rules_are_obeyed(answer):
    """What robots.txt disallows is not allowed; the rest is. Each site has its own rules, fetched once."""
    rules = {"http://a:1/robots.txt": [200, RULES], "http://b:2/robots.txt": [200, ""]}
    urls = ["http://a:1/", "http://a:1/private/x", "http://b:2/private/x", "http://a:1/public"]
    facts = answer.virtually(ask, rules, urls).result
    assert facts["allowed"] == [True, False, True, True]
    assert facts["fetched"] == list(rules)


@points(2)
@requires("test_rules_are_obeyed")
def test_no_rules(answer):
    """Where there is no robots.txt (404), everything is allowed."""
    facts = answer.virtually(ask, {"http://a:1/robots.txt": [404, "Disallow: /"]}, ["http://a:1/private"]).result
    assert facts["allowed"] == [True]


### BEGIN HIDDEN TESTS
@points(2)
@requires("test_rules_are_obeyed")
def test_unreadable_rules(answer):
    """Where robots.txt cannot be read (5xx, no answer), everything is forbidden."""
    rules = {"http://a:1/robots.txt": [503, ""], "http://b:2/robots.txt": [0, ""]}
    assert answer.virtually(ask, rules, ["http://a:1/", "http://b:2/"]).result["allowed"] == [False, False]


@points(2)
@requires("test_rules_are_obeyed")
def test_asked_once(answer):
    """Ten tasks that ask at the same moment cost one request for each site, not ten."""
    rules = {"http://a:1/robots.txt": [200, RULES], "http://b:2/robots.txt": [200, RULES]}
    urls = [f"http://{site}/{number}" for number in range(10) for site in ("a:1", "b:2")]
    run = answer.virtually(ask, rules, urls, together=True)
    assert run.result == {"allowed": [True] * 20, "fetched": list(rules)}
    assert run.elapsed <= 0.15, "Two sites can be asked at the same time."


### END HIDDEN TESTS

# %% [markdown]
# ## 7 · Part 4: the scraper
#
# Now everything together. One session for all, and one `Site` for each site: bucket, breaker, places. A task for each
# page is fine; what limits the work is not the number of tasks but what they must take before they ask.
#
# `fetching` is given: one request, and what its answer means. It does not follow redirects: it says where one leads,
# and you ask robots.txt there too. A page behind a redirect is as forbidden as any other.
#
# | what comes back | what it means | `fetch` |
# |---|---|---|
# | 2xx | a page; follow its links, if they stay on the sites that you began with | returns a `Page` |
# | 3xx with `Location` | look there; at most 5 times | returns a URL |
# | 404 and other 4xx, a page that cannot be read | it cannot be had. The site is well | raises `Refused` |
# | 429 | the site is well, and wants you to wait before you try this page again | raises `TryAgain` |
# | 5xx, a lost connection, no answer in time | the site has failed; try again, after a pause that doubles | raises `OSError` |
#
# A page that was asked for `1 + retries` times is left, with its reason. When the breaker has opened `give_up` times in
# a row, the rest of the site is left as well.

# %% nbgrader={"grade": false, "grade_id": "fetching", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module fetching
"""One request: what comes home, and what it means when nothing does."""

import time
from collections.abc import Awaitable, Callable

import aiohttp
from pages import Page, complete, read, seconds_of, site_of

MOST_REDIRECTS = 5


class Refused(Exception):
    """This page cannot be had, and asking again would not help. The site is well."""


class TryAgain(Exception):
    """Not now; perhaps in ``after`` seconds. The site is well."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


def open_session(connections: int, timeout: float, agent: str) -> aiohttp.ClientSession:
    """A session with at most ``connections`` to each site, in which a request may take ``timeout`` seconds.

    It is opened inside a running loop, and closed by ``async with``.
    """
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, limit_per_host=connections),
        timeout=aiohttp.ClientTimeout(total=timeout),
        headers={"User-Agent": agent},
    )
    # If a connection is lost, aiohttp asks once more by itself: behind the bucket's back. It has no public switch.
    session._retry_connection = False
    return session


async def fetch(session: aiohttp.ClientSession, url: str, most_bytes: int) -> Page | str:
    """One request: the page, or the URL to which it is redirected.

    Raises Refused or TryAgain, and OSError if the site has failed: 5xx, a lost connection, no answer in time.
    """
    try:
        async with session.get(url, allow_redirects=False) as response:
            refuse_unless_well(response)
            if response.status < 300:
                return read(url, response.status, response.content_type, await body_of(response, most_bytes))
            return leads_to(url, response)
    except (aiohttp.ClientResponseError, aiohttp.InvalidURL) as error:
        raise Refused(f"No answer that could be read: {str(error)[:200]}") from error
    except aiohttp.ClientError as error:
        raise ConnectionError(str(error) or type(error).__name__) from error


def refuse_unless_well(response: aiohttp.ClientResponse) -> None:
    """Raise what a status of 400 and above means."""
    reason = f"HTTP {response.status}"
    if response.status >= 500:
        raise ConnectionError(reason)
    if response.status == 429:
        raise TryAgain(reason, seconds_of(response.headers.get("Retry-After", ""), time.time()))
    if response.status >= 400:
        raise Refused(reason)


def leads_to(url: str, response: aiohttp.ClientResponse) -> str:
    """The URL to which a redirect leads. Raises Refused if that is none."""
    location = response.headers.get("Location", "")
    target = complete(url, location)
    if not location or not target:
        raise Refused(f"HTTP {response.status}, and it leads nowhere: {location[:200]!r}")
    return target


async def body_of(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    """What the page holds. Raises Refused as soon as that is more than ``most_bytes``."""
    body = bytearray()
    async for piece in response.content.iter_chunked(1 << 16):
        body += piece
        if len(body) > most_bytes:
            raise Refused(f"It has more than {most_bytes} bytes.")
    return bytes(body)


async def fetch_rules(
    session: aiohttp.ClientSession, url: str, most_bytes: int, before: Callable[[], Awaitable[None]]
) -> tuple[int, str]:
    """The status and text of a site's robots.txt; ``before()`` is awaited before each request that this takes.

    Redirects are followed as long as they stay on the site. Raises OSError if the rules cannot be read.
    """
    site = site_of(url)
    try:
        for _ in range(1 + MOST_REDIRECTS):
            await before()
            async with session.get(url, allow_redirects=False) as response:
                if not 300 <= response.status < 400:
                    return response.status, (await body_of(response, most_bytes)).decode("utf-8", errors="replace")
                url = leads_to(url, response)
            if site_of(url) != site:
                raise Refused("The rules are on another site.")
        raise Refused("The rules lead round in circles.")
    except (aiohttp.ClientError, Refused) as error:
        raise ConnectionError(str(error)[:200] or type(error).__name__) from error


# %% nbgrader={"grade": false, "grade_id": "scraper", "locked": false, "schema_version": 3, "solution": true, "task": false}
# %%module scraper
"""Many pages of several sites at once, politely."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from circuit_breaker import CircuitBreaker
from fetching import MOST_REDIRECTS, Refused, TryAgain, fetch, fetch_rules, open_session
from pages import Page, Report, site_of
from robots import Robots
from token_bucket import TokenBucket


@dataclass
class Site:
    """What belongs to one site, and to no other."""

    bucket: TokenBucket
    breaker: CircuitBreaker
    places: asyncio.Semaphore
    fetched: int = 0
    failed: int = 0


class Scraper:
    """Fetches pages and follows their links, as long as these stay on the sites that it began with.

    For each site: a bucket of ``rate`` and ``burst``, at most ``connections`` requests at a time, and a breaker of
    ``threshold`` and ``cooldown``. A page is tried ``1 + retries`` times, with pauses of ``backoff`` seconds that double;
    a site is given up when its breaker has opened ``give_up`` times in a row. A request may take ``timeout`` seconds, a
    page may have ``most_bytes``, and at most ``most_pages`` are fetched in all.
    """

    def __init__(
        self,
        *,
        rate: float = 10.0,
        burst: int = 5,
        connections: int = 4,
        retries: int = 2,
        backoff: float = 0.1,
        timeout: float = 5.0,
        threshold: int = 3,
        cooldown: float = 5.0,
        give_up: int = 3,
        most_pages: int = 1000,
        most_bytes: int = 1_000_000,
        agent: str = "weft",
    ) -> None:
        """ValueError for options that make no sense."""
        if min(connections, most_pages, give_up) < 1 or retries < 0 or timeout <= 0:
            raise ValueError("connections, most_pages and give_up are at least 1, retries at least 0, timeout above 0.")
        self._new_site = lambda: Site(
            TokenBucket(rate, burst), CircuitBreaker(threshold, cooldown), asyncio.Semaphore(connections)
        )
        self._new_site()  # refuses nonsense now, not in the middle of a run
        self.connections, self.retries, self.backoff, self.timeout = connections, retries, backoff, timeout
        self.give_up, self.most_pages, self.most_bytes, self.agent = give_up, most_pages, most_bytes, agent
        self.sites: dict[str, Site] = {}
        self.report = Report()

    def statistics(self) -> dict[str, dict[str, object]]:
        """How each site stands, at any time: pages ``fetched`` and ``failed``, and the state of its ``breaker``."""
        # TODO: a dictionary by the site's address. The dashboard below calls this five times a second.
        ### BEGIN SOLUTION
        return {
            name: {"fetched": site.fetched, "failed": site.failed, "breaker": site.breaker.state}
            for name, site in self.sites.items()
        }
        ### END SOLUTION

    async def run(self, starts: Iterable[str]) -> Report:
        """Fetch everything that can be reached from ``starts``. ValueError if one of them is no address.

        When it is cancelled, it cancels all that it has started and closes its connections.
        """
        # TODO: after this, every page is in self.report: among the pages, the forbidden ones, or the failed ones.
        ### BEGIN SOLUTION
        starts = list(starts)
        self.sites = {site_of(url): self._new_site() for url in starts}
        self.report = Report()
        self._seen: set[str] = set()
        self._robots = Robots(self.agent, self._rules)
        async with open_session(self.connections, self.timeout, self.agent) as self._session:
            async with asyncio.TaskGroup() as self._group:
                self._found(starts)
        return self.report

    def _found(self, links: Iterable[str]) -> None:
        for url in links:
            if site_of(url) in self.sites and url not in self._seen and len(self._seen) < self.most_pages:
                self._seen.add(url)
                self._group.create_task(self._visit(url))

    async def _visit(self, url: str) -> None:
        site = self.sites[site_of(url)]
        try:
            page = await self._follow(url)
        except Refused as error:
            site.failed += 1
            self.report.failed[url] = str(error)
            return
        if page is None:
            self.report.forbidden.add(url)
            return
        site.fetched += 1
        self.report.pages[url] = page
        self._found(page.links)

    async def _follow(self, url: str) -> Page | None:
        for _ in range(1 + MOST_REDIRECTS):
            if site_of(url) not in self.sites:
                raise Refused(f"It leads away, to {url}")
            if not await self._robots.allowed(url):
                return None
            found = await self._insist(self.sites[site_of(url)], url)
            if isinstance(found, Page):
                return found
            url = found
        raise Refused("It leads round in circles.")

    async def _insist(self, site: Site, url: str) -> Page | str:
        attempt = 0
        while True:
            try:
                async with site.places:
                    await self._turn(site)
                    return await self._once(site, url)
            except TryAgain as error:
                if attempt == self.retries:
                    raise Refused(f"{error}, {1 + attempt} times") from error
                pause = max(error.after, self.backoff * 2**attempt)
            await asyncio.sleep(pause)
            attempt += 1

    async def _turn(self, site: Site) -> None:
        while site.breaker.times_opened < self.give_up:
            await site.bucket.acquire()
            if site.breaker.allow():
                return
            await asyncio.sleep(site.breaker.remaining or self.backoff)
        raise Refused("The site does not answer.")

    async def _once(self, site: Site, url: str) -> Page | str:
        try:
            found = await fetch(self._session, url, self.most_bytes)
        except OSError as error:
            site.breaker.failed()
            raise TryAgain(str(error) or type(error).__name__) from error
        except (TryAgain, Refused):
            site.breaker.succeeded()  # it answers, if not what we wished for
            raise
        except BaseException:
            site.breaker.abandoned()
            raise
        site.breaker.succeeded()
        return found

    async def _rules(self, url: str) -> tuple[int, str]:
        token = self.sites[site_of(url)].bucket.acquire
        return await fetch_rules(self._session, url, self.most_bytes, before=token)

    ### END SOLUTION


# %% [markdown]
# Try it on the three sites of the beginning.

# %%
try:
    started = time.perf_counter()
    report = await Scraper(rate=50, burst=10).run([address + "/" for address in addresses.values()])
    print(f"{len(report.pages)} pages in {time.perf_counter() - started:.2f} s")
except NotImplementedError:
    print("Nothing to try yet: fill in Scraper first.")

# %% [markdown]
# <details><summary>Hint 1 of 3: a question</summary>
#
# A task has its token and is about to ask. Meanwhile the third failure in a row has opened the breaker. Does your task
# notice?
#
# </details>
#
# <details><summary>Hint 2 of 3: the tool</summary>
#
# [`asyncio.TaskGroup`](https://docs.python.org/3/library/asyncio-task.html#task-groups): a task of the group may add tasks
# to it, and one that raises ends them all. [`asyncio.Semaphore`](https://docs.python.org/3/library/asyncio-sync.html#asyncio.Semaphore)
# with `async with`. `TimeoutError` is an `OSError`; `CancelledError` is not even an `Exception`.
#
# </details>
#
# <details><summary>Hint 3 of 3: the shape</summary>
#
# `run` opens session and group and starts the first visits → a visit follows redirects: robots, then insist → insist:
# for each attempt: place → token → breaker allows? → fetch, tell the breaker how it ended → sleep and try again.
#
# </details>

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "correctness-scraper", "locked": true, "points": 14, "schema_version": 3, "solution": false, "task": false}
# %%checks correctness
from itertools import pairwise

from weft.judge import points, requires
from weft.worlds.web_sites import Page, Plan, Site, tree

NAMES = ("red", "green", "blue")


@points(3)
def test_every_page_comes_home(answer):
    """Every page that can be reached on the sites comes home once, with its title; other sites are left alone."""
    pages = {"/": Page(["/1", "/2", "b:/1", "c:/"], "home"), "/1": Page(["/", "/2#part"], "one"), "/2": Page([], "two")}
    plan = Plan({"a": Site(pages), "b": Site(tree(3)), "c": Site(tree(3))})
    facts = answer.virtually(scrape, plan.to_json(), ["a:/", "b:/"]).result
    assert sorted(facts["pages"]) == ["a:/", "a:/1", "a:/2", "b:/", "b:/1", "b:/2"]
    assert facts["pages"]["a:/1"] == ["a:/1", 200, "one"]
    assert facts["failed"] == {} and facts["forbidden"] == []
    asked = [subject for _, kind, subject, *_ in facts["events"] if kind == "arrive"]
    assert len(asked) == len(set(asked)), "The sites were asked for some pages more than once."
    assert not any(subject.startswith("c:") for subject in asked), "Nobody began with site c."


@points(2)
@requires("test_every_page_comes_home")
def test_every_page_comes_home_for_real(answer, web_sites):
    """That holds in real time too, from sites in another process."""
    addresses = web_sites.serve(Plan({name: Site(tree(12), latency=0.02) for name in NAMES}))
    starts = [address + "/" for address in addresses.values()]
    facts = answer.drive(scrape_for_real, addresses, starts, rate=200.0)
    assert facts["failed"] == {}, "Pages that failed."
    assert len(facts["pages"]) == 36, "Pages that came home."
    assert web_sites.trace.count("arrive") == 39, "36 pages and three robots.txt are 39 requests."


@points(1)
@requires("test_every_page_comes_home")
def test_retries(answer):
    """A page that fails twice and then answers comes home; one that goes on failing is left, and costs no other page."""
    pages = {"/": Page(["/late", "/gone"]), "/late": Page(faults=[500, 0]), "/gone": Page(faults=[503] * 9)}
    facts = answer.virtually(scrape, Plan({"a": Site(pages)}).to_json(), ["a:/"], threshold=20).result
    assert sorted(facts["pages"]) == ["a:/", "a:/late"], "Pages that came home."
    assert list(facts["failed"]) == ["a:/gone"], "Pages that failed."
    asked = [subject for _, kind, subject, *_ in facts["events"] if kind == "arrive"]
    assert asked.count("a:/gone") == 3, "Two retries are three attempts."


@points(1)
@requires("test_every_page_comes_home")
def test_statistics(answer):
    """The dashboard's figures are right at the end: pages fetched and failed of each site, and its breaker."""
    pages = {"/": Page(["/1", "/gone", "/private"]), "/1": Page(), "/private": Page()}
    plan = Plan({"a": Site(pages, robots="User-agent: *\nDisallow: /private"), "b": Site(tree(3))})
    facts = answer.virtually(scrape, plan.to_json(), ["a:/", "b:/"]).result
    well = {"fetched": 3, "failed": 0, "breaker": "closed"}
    assert facts["statistics"] == {"a": {"fetched": 2, "failed": 1, "breaker": "closed"}, "b": well}


### BEGIN HIDDEN TESTS
@points(2)
@requires("test_every_page_comes_home")
def test_redirects(answer):
    """Redirects are followed, within a site and across; round in circles and away they end as failures."""
    pages = {
        "/": Page(["/old", "/over", "/loop", "/away"]),
        "/old": Page(redirect="/new"),
        "/new": Page(title="new"),
        "/over": Page(redirect="b:/1"),
        "/loop": Page(redirect="/loop"),
        "/away": Page(redirect="http://127.0.0.1:1/"),
    }
    plan = Plan({"a": Site(pages), "b": Site(tree(2))})
    facts = answer.virtually(scrape, plan.to_json(), ["a:/", "b:/"]).result
    found = {name: facts["pages"].get(name) for name in ("a:/old", "a:/over")}
    assert found == {"a:/old": ["a:/new", 200, "new"], "a:/over": ["b:/1", 200, "page 1"]}
    assert sorted(facts["failed"]) == ["a:/away", "a:/loop"], "Pages that failed."
    asked = [subject for _, kind, subject, *_ in facts["events"] if kind == "arrive"]
    assert asked.count("a:/loop") <= 11, "Five redirects are enough."


@points(2)
@requires("test_every_page_comes_home")
def test_forbidden_pages(answer):
    """Forbidden pages are never asked for, not behind a redirect either; robots.txt is fetched once for each site."""
    pages = {"/": Page(["/open", "/private/1", "/trap", "b:/1"]), "/open": Page(), "/trap": Page(redirect="/private/2")}
    pages |= {"/private/1": Page(), "/private/2": Page()}
    plan = Plan({"a": Site(pages, robots="User-agent: *\nDisallow: /private"), "b": Site(tree(5), robots_faults=[500])})
    moved = {"/robots.txt": Page(redirect="/rules"), "/rules": Page(kind="text/plain", title="User-agent: *\nDisallow: /1")}
    plan.sites["c"] = Site(tree(3) | moved)
    facts = answer.virtually(scrape, plan.to_json(), ["a:/", "b:/", "c:/"]).result
    asked = sorted(subject for _, kind, subject, *_ in facts["events"] if kind == "arrive")
    assert asked[:5] == ["a:/", "a:/open", "a:/robots.txt", "a:/trap", "b:/robots.txt"], "What sites a and b were asked for."
    assert asked[5:] == ["c:/", "c:/2", "c:/robots.txt", "c:/rules"], "What site c was asked for; its rules had moved."
    assert facts["forbidden"] == ["a:/private/1", "a:/trap", "b:/", "b:/1", "c:/1"]


@points(1)
@requires("test_every_page_comes_home")
def test_told_to_wait(answer):
    """After 429 the page is asked for again when the site said, not before; the breaker stays closed."""
    pages = {"/": Page(["/busy", "/1", "/2"]), "/busy": Page(faults=[429, 429], retry_after=7), "/1": Page(), "/2": Page()}
    run = answer.virtually(scrape, Plan({"a": Site(pages)}).to_json(), ["a:/"], threshold=1)
    times = [time for time, kind, subject, *_ in run.result["events"] if (kind, subject) == ("arrive", "a:/busy")]
    assert [round(later - time, 1) for time, later in pairwise(times)] == [7.0, 7.0], "Seconds between the attempts."
    assert len(run.result["pages"]) == 4, "Pages that came home: the site is well."


@points(1)
@requires("test_retries")
def test_back_off(answer):
    """The pause before another attempt doubles each time; nobody waits after the last."""
    pages = {"/": Page(faults=[500] * 9)}
    options = {"retries": 3, "backoff": 0.5, "threshold": 20}
    facts = answer.virtually(scrape, Plan({"a": Site(pages)}).to_json(), ["a:/"], **options).result
    times = [time for time, kind, subject, *_ in facts["events"] if (kind, subject) == ("arrive", "a:/")]
    assert [round(later - time, 2) for time, later in pairwise(times)] == [0.5, 1.0, 2.0], "Seconds between the attempts."
    assert facts["elapsed"] < 4.5, "It waited after the last attempt too."


@points(1)
@requires("test_statistics")
def test_live_statistics(answer):
    """The figures are right while it runs too: they grow, and a site that is down is seen to be."""
    plan = Plan({"a": Site(tree(20), down=(0.5, 6.0)), "b": Site(tree(60))})
    options = {"cooldown": 2.0, "retries": 9, "give_up": 9}
    looks = answer.virtually(scrape_and_look, plan.to_json(), ["a:/", "b:/"], 0.25, **options).result
    fetched = [look["b"]["fetched"] for look in looks]
    assert fetched == sorted(fetched) and len(set(fetched)) > 10, "Pages of a site without faults, four times a second."
    assert {look["b"]["breaker"] for look in looks} == {"closed"}, "The breakers that were seen of a site that is well."
    assert "open" in {look["a"]["breaker"] for look in looks}, "The breakers that were seen of a site that is down for long."
    assert looks[-1]["a"] == {"fetched": 20, "failed": 0, "breaker": "closed"}


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "concurrency-sites", "locked": true, "points": 24, "schema_version": 3, "solution": false, "task": false}
# %%checks concurrency
from collections import defaultdict
from itertools import pairwise

from weft.judge import points, requires
from weft.trace import Event, Trace
from weft.worlds.web_sites import Page, Plan, Site, tree


def trace_of(facts):
    return Trace(Event(*event) for event in facts["events"])


def of_site(trace, name):
    return trace.where(lambda event: event.subject == name or event.subject.startswith(name + ":"))


def found_it_down(event, trace):
    """Whether it is a request that the site answered with 503, by its arrival."""
    left = trace.where(lambda other: other.actor == event.actor and other.time >= event.time).of("depart").events
    return event.kind == "arrive" and bool(left) and left[0].value == 503


def gaps(trace):
    """Seconds between requests."""
    times = sorted(event.time for event in trace.of("arrive"))
    return [later - earlier for earlier, later in pairwise(times)]


def most_above(trace, rate, burst):
    """By how many requests a site was asked more, in some stretch of time, than rate and burst allow."""
    arrivals = defaultdict(list)
    for event in trace.of("arrive"):
        arrivals[event.subject.partition(":")[0]].append(event.time)
    return max(
        last - first + 1 - burst - rate * (times[last] - times[first])
        for times in arrivals.values()
        for first in range(len(times))
        for last in range(first, len(times))
    )


@points(4)
def test_the_rate_holds(answer):
    """No site sees more requests in any stretch of time than its burst and its rate allow, retries and robots.txt included."""
    pages = tree(30)
    pages["/3"].faults = [500, 500]
    plan = Plan({"a": Site(pages, latency=0.02), "b": Site(tree(30), latency=0.3)})
    facts = answer.virtually(scrape, plan.to_json(), ["a:/", "b:/"], rate=10.0, burst=4, connections=8).result
    assert len(facts["pages"]) == 60, "Pages that came home."
    above = round(most_above(trace_of(facts), 10.0, 4), 2)
    assert above <= 0.01, "Requests too many, in the worst stretch of time that a site saw."


@points(3)
@requires("test_the_rate_holds")
def test_sites_do_not_wait_for_each_other(answer):
    """Each site has a rate of its own: six sites take as long as one, and a slow one delays nobody."""
    plan = Plan({name: Site(tree(20), latency=0.02) for name in "abcde"} | {"slow": Site(tree(3), latency=4.0)})
    facts = answer.virtually(scrape, plan.to_json(), [f"{name}:/" for name in plan.sites], rate=10.0).result
    trace = trace_of(facts)
    assert len(facts["pages"]) == 103, "Pages that came home."
    last = max(of_site(trace, name).of("depart").events[-1].time for name in "abcde")
    assert round(last, 1) < 3.0, "Seconds until the last of five quick sites was done: 20 pages at 10 a second take 2 s."


@points(3)
@requires("test_the_rate_holds")
def test_the_rate_holds_for_real(answer, web_sites):
    """The rate holds in real time too, as the sites in another process see it."""
    addresses = web_sites.serve(Plan({name: Site(tree(15), latency=0.01) for name in ("red", "green")}))
    starts = [address + "/" for address in addresses.values()]
    facts = answer.drive(scrape_for_real, addresses, starts, rate=10.0, burst=3)
    assert len(facts["pages"]) == 30, "Pages that came home."
    # What leaves on time may arrive closer together, when the machine is busy: that is not the answer's doing.
    above = round(2 + most_above(web_sites.trace, 11.0, 5), 1)
    assert above <= 2, "Requests too many, in the worst stretch of time that a site saw."


### BEGIN HIDDEN TESTS
@points(4)
@requires("test_the_rate_holds")
def test_one_probe(answer):
    """While a site is down it sees one probe for each cool-down, and everything once it is up; others notice nothing."""
    plan = Plan({"a": Site(tree(30), down=(1.0, 9.0)), "b": Site(tree(30))})
    options = {"rate": 10.0, "burst": 2, "connections": 10, "cooldown": 3.0, "give_up": 10, "retries": 5}
    facts = answer.virtually(scrape, plan.to_json(), ["a:/", "b:/"], **options).result
    trace = trace_of(facts)
    assert facts["failed"] == {}, "Pages that failed, although both sites were up in the end."
    assert len(facts["pages"]) == 60, "Pages that came home."
    bad = [event.time for event in of_site(trace, "a").of("depart") if event.value == 503]
    late = [time for time in bad if time > bad[0] + 1.5]
    assert 3 <= len(bad) - len(late) <= 6, "Requests until the breaker opened: three, and a few on their way."
    assert len(late) == 2, f"Between then and the recovery the site saw {len(late)} requests; two probes fit in."
    last = of_site(trace, "b").of("depart").events[-1].time
    assert round(last, 1) < 4.0, "Seconds until the other site was done, which was never down."


@points(2)
@requires("test_one_probe")
def test_the_breaker_holds_for_real(answer, web_sites):
    """In real time too: a site that is down is left alone for each cool-down, and a page's pauses double."""
    late = {"/": Page(["/late"]), "/late": Page(faults=[500, 500])}
    plan = Plan({"down": Site(tree(30), down=(0.2, 1.5), latency=0.01), "well": Site(late)})
    addresses = web_sites.serve(plan)
    options = {"rate": 50.0, "threshold": 3, "cooldown": 0.4, "give_up": 99, "retries": 20, "backoff": 0.1}
    facts = answer.drive(scrape_for_real, addresses, [address + "/" for address in addresses.values()], **options)
    trace = web_sites.trace
    assert facts["failed"] == {}, "Pages that failed, although both sites were up in the end."
    assert len(facts["pages"]) == 32, "Pages that came home."
    # A probe leaves after the answer to the one before has come, so no delay on the way can bring two closer together.
    bad = gaps(trace.where(lambda event: event.subject.startswith("down:") and found_it_down(event, trace)))
    soon = [gap for gap in bad if gap < 0.4]
    assert len(bad) > len(soon), "No probe was seen while the site was down."
    assert len(soon) <= 5, "Three failures open the breaker, and three more requests may have been on their way."
    pauses = gaps(trace.where(lambda event: event.subject == "well:/late"))
    assert [pause >= least for pause, least in zip(pauses, [0.1, 0.2], strict=False)] == [True, True], (
        f"Before its second and third attempt a page waited {pauses[0]:.2f} s and {pauses[1]:.2f} s, not 0.1 and 0.2."
    )


@points(2)
@requires("test_the_rate_holds")
def test_missing_pages_are_no_failures(answer):
    """Pages that are not there (404) do not open the breaker."""
    pages = {"/": Page([f"/gone{number}" for number in range(10)] + ["/there"]), "/there": Page()}
    facts = answer.virtually(scrape, Plan({"a": Site(pages)}).to_json(), ["a:/"], threshold=2, cooldown=60.0).result
    assert len(facts["failed"]) == 10, "Pages that are not there."
    assert sorted(facts["pages"]) == ["a:/", "a:/there"], "Pages that came home."
    assert facts["elapsed"] < 10, "Seconds: eleven pages at ten a second do not take long."


@points(2)
@requires("test_the_rate_holds")
def test_a_dead_site_is_given_up(answer):
    """A site that never comes back is given up after its breaker has opened three times; the others come home."""
    plan = Plan({"a": Site(tree(90, fan=60), down=(0.5, 1e9), latency=0.2), "b": Site(tree(9))})
    facts = answer.virtually(scrape, plan.to_json(), ["a:/", "b:/"], cooldown=2.0).result
    assert sum(name.startswith("b:") for name in facts["pages"]) == 9, "Pages of the site that is up."
    assert facts["failed"], "Pages of the dead site end among the failed ones."
    # A token for each page that is left would take nine more: careful, not wrong.
    assert round(facts["elapsed"], 1) < 20, "Seconds: the breaker opens for the third time after less than five."


@points(2)
@requires("test_the_rate_holds")
def test_cancelled(answer):
    """A run that is cancelled in the middle raises CancelledError, closes its connections and leaves no task behind."""
    plan = Plan({name: Site(tree(30), latency=0.5) for name in "ab"})
    facts = answer.virtually(scrape_and_cancel, plan.to_json(), ["a:/", "b:/"], 1.7, rate=20.0).result
    assert facts["asked"] > 4, "The run was cancelled before it had begun."
    assert facts["took"] < 0.5, "It was cancelled, and went on."
    assert facts["ended"] == "CancelledError"
    assert facts["tasks"] == [], "Tasks that were left behind."
    assert (facts["open"], facts["asked later"]) == (0, 0), "Connections left open, and requests after the end."


@points(2)
@requires("test_the_rate_holds")
def test_nothing_blocks_the_loop(answer, web_sites):
    """Nothing blocks the event loop, after an error neither; no coroutine is forgotten, no connection left open."""
    pages = {"/": Page(["/1", "/2"]), "/1": Page(faults=[500, 429], retry_after=0.1), "/2": Page(faults=[0])}
    addresses = web_sites.serve(Plan({"a": Site(pages)}))
    facts = answer.drive(scrape_watched, addresses, [addresses["a"] + "/"], backoff=0.02)
    assert facts["findings"] == [], "What was seen in the loop."
    assert (facts["pages"], facts["error"]) == (3, "")


### END HIDDEN TESTS

# %% [markdown]
# ## 8 · See it run
#
# This module is given. It puts your scraper behind a command, so that `weft run A1 --help` works in a terminal, and
# `weft export A1` writes it all as plain files.

# %% nbgrader={"grade": false, "grade_id": "demo", "locked": true, "schema_version": 3, "solution": false, "task": false}
# %%module demo
"""The scraper as a command, against a few small sites that it starts itself."""

import argparse
import asyncio
import logging
import time

from pages import Report
from scraper import Scraper

from weft.notebook.dashboard import View
from weft.worlds.web_sites import Plan, Site, WebSites, open_world, tree


log = logging.getLogger("demo")


def sites(pages: int) -> Plan:
    """Four sites: one is quick, one slow, one forbids a part of itself, one is down for two seconds."""
    return Plan(
        {
            "quick": Site(tree(pages), latency=0.02),
            "slow": Site(tree(pages), latency=0.4),
            "private": Site(tree(pages), latency=0.05, robots="User-agent: *\nDisallow: /1"),
            "shaky": Site(tree(pages), latency=0.05, down=(1.0, 3.0)),
        }
    )


class Watched:
    """A scraper and an eye on it. ``states``: when which site's breaker became what, as the chart wants them."""

    def __init__(self, web: WebSites, pages: int, rate: float) -> None:
        addresses = web.serve(sites(pages))
        self.starts = [address + "/" for address in addresses.values()]
        self.names = {address: name for name, address in addresses.items()}
        self.pages, self.states = pages, list[tuple[float, str, str]]()
        self.scraper = Scraper(rate=rate, burst=5, retries=5, cooldown=1.0, timeout=2.0)

    async def run(self) -> Report:
        """Scrape; what it returns or raises is the scraper's."""
        looking = asyncio.create_task(self._look())
        try:
            return await self.scraper.run(self.starts)
        finally:
            looking.cancel()

    async def _look(self) -> None:
        known: dict[str, object] = {}
        while True:
            for site, stands in self.scraper.statistics().items():
                if known.get(site) != stands["breaker"]:
                    known[site] = stands["breaker"]
                    self.states.append((time.monotonic(), self.names.get(site, site), str(stands["breaker"])))
                    log.debug("%s: breaker %s", *self.states[-1][1:])
            await asyncio.sleep(0.02)

    def view(self) -> View:
        """What the dashboards show: a bar for each site, and its breaker."""
        bars = {}
        for site, stands in self.scraper.statistics().items():
            fetched = int(str(stands["fetched"]))
            words = f"{fetched} pages, breaker {stands['breaker']}"
            bars[self.names.get(site, site)] = (min(1.0, fetched / self.pages), words)
        report = self.scraper.report
        counts = {"pages": report.pages, "forbidden": report.forbidden, "failed": report.failed}
        return View({name: str(len(found)) for name, found in counts.items()}, bars)


def main(argv: list[str] | None = None) -> int:
    """Run once; returns 0 if no page failed."""
    parser = argparse.ArgumentParser(prog="weft run A1", description="Scrape four small sites, politely.")
    parser.add_argument("--pages", type=int, default=30, help="pages of each site (default: 30)")
    parser.add_argument("--rate", type=float, default=10.0, help="requests per second and site (default: 10)")
    parser.add_argument("--debug", action="store_true", help="log breakers and what holds up the loop, sum up the sites' trace")
    options = parser.parse_args(argv)
    if options.pages < 1 or not options.rate > 0:
        parser.error("--pages is at least 1, --rate above 0")
    if options.debug:
        logging.basicConfig(level=logging.DEBUG, format="%(relativeCreated)7.0f ms %(name)-8s %(message)s")
        logging.getLogger("asyncio").setLevel(logging.WARNING)  # which steps of the loop took long, not each connection
    with open_world() as web:
        watched = Watched(web, options.pages, options.rate)
        report = run(watched, plain=options.debug)
        for url, reason in report.failed.items():
            print(f"failed: {url}: {reason}")
        print(f"{len(report.pages)} pages, {len(report.forbidden)} forbidden, {len(report.failed)} failed")
        if options.debug:
            print(f"sites: {web.trace.count('arrive')} requests, {web.trace.count('connect')} connections")
    return 1 if report.failed else 0


def run(watched: Watched, plain: bool) -> Report:
    """Run with a live view, or without one where log lines need the screen."""
    if plain:
        return asyncio.run(watched.run(), debug=True)
    from weft.notebook.terminal import run_in_terminal

    return run_in_terminal(lambda: asyncio.run(watched.run()), watched.view)


# %% [markdown]
# Here it runs behind a dashboard: four sites, ten requests per second each. One is slow, one forbids a part of itself,
# and one is down for two seconds. Watch its breaker.

# %%
import demo
from IPython.display import display

from weft.notebook import dashboard

try:
    watched = demo.Watched(web, pages=30, rate=10.0)
    live = dashboard.run(lambda: asyncio.run(watched.run()), watched.view, {})
    display(live)
except NotImplementedError:
    print("Nothing to see yet: the four parts come first.")

# %% [markdown]
# When it is done, look at what the sites saw: requests over time, each site under the line that its bucket draws. The
# bands are your breakers' states. What is the single step in the middle of the shaky site's band?

# %%
from weft.charts import rates

try:
    live.wait(60)
    display(rates(web.trace, rate=10.0, burst=5, states=watched.states))
except (NameError, NotImplementedError):
    print("Nothing to see yet: the four parts come first.")

# %% [markdown]
# ## 9 · Explore
#
# How many connections does a site need at a rate of 50 per second? Move the sliders. Little's law says it before you
# measure: requests in flight = rate × time for each.

# %%
import ipywidgets


def explore(connections: int = 4, latency: float = 0.1) -> None:
    """Scrape one site of 60 pages, and draw what it saw."""
    addresses = web.serve(Plan({"site": Site(tree(60, fan=20), latency=latency)}))
    try:
        scraper = Scraper(rate=50.0, burst=5, connections=connections)
        asyncio.run(scraper.run([addresses["site"] + "/"]))
    except NotImplementedError:
        print("Nothing to explore yet: the four parts come first.")
        return
    display(rates(web.trace, rate=50.0, burst=5))
    print(f"at most {web.trace.peak()} requests in flight; rate × time says {50 * latency:g}")


import nest_asyncio

nest_asyncio.apply()  # lets asyncio.run work in a cell, where a loop is running already
ipywidgets.interact(
    explore,
    connections=ipywidgets.IntSlider(4, 1, 20, description="connections", continuous_update=False),
    latency=ipywidgets.FloatSlider(value=0.1, min=0.02, max=0.5, step=0.02, description="latency, s", continuous_update=False),
);

# %% [markdown]
# ## 10 · Graded checks: performance, quality, errors
#
# Performance is judged on the virtual clock: your time beside the shortest that the rates allow. How many connections
# you opened, the sites count.

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "performance-floor", "locked": true, "points": 15, "schema_version": 3, "solution": false, "task": false}
# %%checks performance
import functools

from weft.judge import points, requires
from weft.worlds.web_sites import Plan, Site, tree

RATE, BURST, PAGES = 100.0, 5, 60
# At 20 ms two places would do for the rate; at 150 ms fifteen requests would be under way if nothing kept them to ten.
QUICK, SLOW = 0.02, 0.15


@functools.cache
def measured(answer, latency):
    """Six sites of sixty pages: seconds beside the shortest possible, and connections. Run once for all checks."""
    plan = Plan({name: Site(tree(PAGES, fan=20), latency=latency) for name in "abcdef"})
    starts = [f"{name}:/" for name in plan.sites]
    run = answer.virtually(scrape, plan.to_json(), starts, rate=RATE, burst=BURST, connections=10)
    assert len(run.result["pages"]) == 6 * PAGES, "Pages that came home."
    shortest = (PAGES + 1 - BURST) / RATE + 2 * latency
    return round(run.result["elapsed"] / shortest, 3), sum(event[1] == "connect" for event in run.result["events"])


@points(5)
def test_time_partial(answer):
    """360 pages of six sites take at most 2.2 times as long as the rates allow."""
    assert measured(answer, QUICK)[0] <= 2.2, "Your time beside the shortest."


@points(2)
@requires("test_time_partial")
def test_connections_partial(answer):
    """They cost at most 150 connections, also when each page takes long."""
    assert measured(answer, SLOW)[1] <= 150


### BEGIN HIDDEN TESTS
@points(5)
@requires("test_time_partial")
def test_time_full(answer):
    """360 pages of six sites take at most 1.25 times as long as the rates allow."""
    assert measured(answer, QUICK)[0] <= 1.25, "Your time beside the shortest."


@points(3)
@requires("test_connections_partial")
def test_connections_full(answer):
    """They cost at most ten connections for each site."""
    assert measured(answer, SLOW)[1] <= 60


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "quality-code", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
# %%checks quality
from weft.judge import points, requires
from weft.worlds.web_sites import Plan, Site, tree

PARTS = ("token_bucket", "circuit_breaker", "robots", "scraper")


@points(0)
def test_it_works(answer):
    """A small site comes home. Code that does not run cannot be reviewed."""
    facts = answer.virtually(scrape, Plan({"a": Site(tree(3))}).to_json(), ["a:/"]).result
    assert len(facts["pages"]) == 3


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
    """No error is swallowed unseen, and no task is started that nobody keeps: it may vanish in the middle."""
    assert code.findings("E722", "S110", "S112", "SIM105", "RUF006", only=PARTS) == []


### END HIDDEN TESTS

# %% jupyter={"source_hidden": true} nbgrader={"grade": true, "grade_id": "errors-input", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# %%checks errors
from weft.judge import points, requires
from weft.worlds.web_sites import Page, Plan, Site, tree


@points(1)
def test_nonsense_is_refused(answer):
    """A rate of 0, a threshold of 0 and an address that is none are refused with a ValueError, before anything is fetched."""
    calls = [["TokenBucket", [0, 5], {}], ["TokenBucket", [1, 0], {}], ["CircuitBreaker", [0, 1], {}]]
    calls += [["Scraper", [], {"rate": -1}], ["run", ["ftp://example.org/"], {}], ["run", ["no address"], {}]]
    calls += [["run", ["http://[broken/"], {}]]
    assert answer.drive(refuse, calls) == ["ValueError"] * 7


@points(1)
@requires("test_nonsense_is_refused")
def test_odd_pages(answer):
    """A page that is no text comes home without links; a big one and one with a header of 10 MB cost only themselves."""
    pages = {"/": Page(["/picture", "/big", "/head", "/1"]), "/picture": Page(kind="image/png"), "/1": Page()}
    pages |= {"/big": Page(size=300_000), "/head": Page(header=10_000_000)}
    facts = answer.virtually(scrape, Plan({"a": Site(pages)}).to_json(), ["a:/"], most_bytes=100_000, threshold=1).result
    assert sorted(facts["pages"]) == ["a:/", "a:/1", "a:/picture"]
    assert sorted(facts["failed"]) == ["a:/big", "a:/head"]
    assert all(0 < len(reason) < 400 for reason in facts["failed"].values()), "One clear reason each."


### BEGIN HIDDEN TESTS
@points(1)
@requires("test_nonsense_is_refused")
def test_nobody_there(answer):
    """A site where nobody listens costs only itself."""
    run = answer.virtually(scrape, Plan({"a": Site(tree(4))}).to_json(), ["a:/", "http://127.0.0.1:1/"], cooldown=0.5)
    assert len(run.result["pages"]) == 4
    assert "http://127.0.0.1:1/" in [*run.result["failed"], *run.result["forbidden"]]


@points(1)
@requires("test_nonsense_is_refused")
def test_crooked_links(answer):
    """Links that lead nowhere cost nothing: other schemes, broken addresses, redirects into the void."""
    links = ["mailto:ann@example.org", "http://[broken", "javascript:void(0)", "/1", "/void", "/far"]
    pages = {"/": Page(links), "/1": Page(), "/void": Page(redirect="http://[broken")}
    pages["/far"] = Page(redirect="http://nowhere.invalid/")
    facts = answer.virtually(scrape, Plan({"a": Site(pages)}).to_json(), ["a:/"]).result
    assert sorted(facts["pages"]) == ["a:/", "a:/1"] and sorted(facts["failed"]) == ["a:/far", "a:/void"]


@points(1)
@requires("test_nonsense_is_refused")
def test_a_page_that_never_ends(answer):
    """A page that arrives in drops, and one that never comes, are left after their time; the others come home at once."""
    pages = {"/": Page(["/drops", "/never", "/1"]), "/drops": Page(size=10_000, drip=100), "/never": Page(latency=1e6)}
    plan, options = Plan({"a": Site(pages | {"/1": Page()})}), {"timeout": 2.0, "retries": 1, "threshold": 10}
    facts = answer.virtually(scrape, plan.to_json(), ["a:/"], **options).result
    assert sorted(facts["pages"]) == ["a:/", "a:/1"] and sorted(facts["failed"]) == ["a:/drops", "a:/never"]
    assert facts["elapsed"] < 6.0, "Two attempts of two seconds each, at the same time."


### END HIDDEN TESTS

# %% [markdown]
# ## 11 · Afterwards
#
# **Pitfalls.**
# A check before an `await` may be wrong after it: take the token, then look at the breaker again.
# A session for each request pays for a connection each time; a session that is never closed leaks one.
# `asyncio.gather` without `return_exceptions` gives you the first error and leaves the others running.
# `except Exception` around an `await` is fine; `except BaseException` that does not raise again swallows cancellation.
#
# **What professionals use.** [Scrapy](https://scrapy.org) has all of this and pipelines, caches and exports on top;
# `AUTOTHROTTLE` adapts the rate to the site. [aiolimiter](https://pypi.org/project/aiolimiter/) is a bucket for asyncio.
# Breakers live in service meshes now: [Envoy's outlier detection](https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier).
#
# **Where one machine ends.** A thousand sites fit into one loop; a hundred thousand do not fit into one network card.
# The frontier moves into a store that all machines see, and a site is always given to the same machine: so its bucket
# and its breaker stay where they are, plain Python objects without a lock.
#
# **Read on.** [asyncio: tasks](https://docs.python.org/3/library/asyncio-task.html) ·
# [RFC 9309: robots.txt](https://www.rfc-editor.org/rfc/rfc9309) ·
# [aiohttp: client](https://docs.aiohttp.org/en/stable/client.html)
#
# **A question to think about.** Your bucket limits what leaves your machine. A proxy on the way holds ten requests back
# and lets them go together. What does the site see, and whose fault is it?
