"""The explorer's cases: what learners hand in, what is asked of it, and what is true of it.

One table for the tests, for other interpreters (``python case_table.py`` prints one JSON line per case, and needs
nothing but weft) and for the benchmark. ``expected`` is "holds" or the kind of failure.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CASES_FOLDER = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """``modules`` are names of files in ``cases/``; ``unprotected`` is what must be named, where something must."""

    name: str
    modules: str
    scenario: Callable[[], Any]
    expected: str
    unprotected: str = ""

    def sources(self) -> dict[str, tuple[str, str]]:
        paths = {name: CASES_FOLDER / f"{name}.py" for name in self.modules.split()}
        return {name: (path.read_text(encoding="utf-8"), path.name) for name, path in paths.items()}


CASES: list[Case] = []


def case(name: str, modules: str, expected: str, unprotected: str = "") -> Callable[[Callable[[], Any]], None]:
    def add(scenario: Callable[[], Any]) -> None:
        CASES.append(Case(name, modules, scenario, expected, unprotected))

    return add


def together(*functions: Callable[[], Any]) -> None:
    threads = [threading.Thread(target=function, name=f"T{i}") for i, function in enumerate(functions, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def counting(name: str, expected: str, unprotected: str = "") -> None:
    def scenario() -> None:
        import counters

        counter = getattr(counters, name)()
        together(counter.increment, counter.increment)
        assert counter.count == 2, f"two increments made {counter.count}"

    case(f"counter: {name}", "counters", expected, unprotected)(scenario)


counting("Counter", "invariant", "Counter.count")
counting("SafeCounter", "holds")
counting("FromImport", "holds")
counting("LockOfItsOwnEachTime", "invariant", "LockOfItsOwnEachTime.count")
counting("HalfLocked", "invariant")
counting("ByClass", "invariant", "ByClass.count")
counting("Slots", "invariant", "Slots.count")
counting("WithProperty", "invariant")


@case("global counter", "counters", "invariant", "counters.total")
def _() -> None:
    import counters

    together(counters.add_to_total, counters.add_to_total)
    assert counters.total == 2, counters.total


@case("global counter, module-level lock", "counters", "holds")
def _() -> None:
    import counters

    together(counters.add_to_total_locked, counters.add_to_total_locked)
    assert counters.total == 2, counters.total


@case("closure, nonlocal", "counters", "invariant")
def _() -> None:
    from counters import make_counter

    increment, value = make_counter()
    together(increment, increment)
    assert value() == 2


@case("closure, nonlocal, locked", "counters", "holds")
def _() -> None:
    from counters import make_safe_counter

    increment, value = make_safe_counter()
    together(increment, increment)
    assert value() == 2


@case("words in a shared dictionary", "counters", "invariant")
def _() -> None:
    from counters import count_words

    counts: dict[str, int] = {}
    together(*[lambda: count_words(["a", "b"], counts)] * 2)
    assert counts == {"a": 2, "b": 2}, counts


@case("+= on a dictionary's item", "counters", "invariant")
def _() -> None:
    from counters import bump

    counts = {"a": 0}
    together(*[lambda: bump(counts, "a")] * 2)
    assert counts["a"] == 2


@case("+= on a list's item", "counters", "invariant")
def _() -> None:
    from counters import bump_list

    cells = [0]
    together(*[lambda: bump_list(cells)] * 2)
    assert cells == [2]


@case("+= on a cell of one's own", "counters", "holds")
def _() -> None:
    from counters import bump_own_cell

    cells = [0, 0]
    together(lambda: bump_own_cell(cells, 0), lambda: bump_own_cell(cells, 1))
    assert cells == [3, 3]


@case("threading.local", "counters", "holds")
def _() -> None:
    from counters import count_locally

    out: list[int] = []
    together(*[lambda: count_locally(3, out)] * 2)
    assert out == [3, 3]


@case("Thread subclass, unlocked", "counters", "invariant", "Counter.count")
def _() -> None:
    from counters import Counter, Worker

    counter = Counter()
    workers = [Worker(counter), Worker(counter)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert counter.count == 2


@case("Thread subclass, locked", "counters", "holds")
def _() -> None:
    from counters import SafeCounter, Worker

    counter = SafeCounter()
    workers = [Worker(counter), Worker(counter)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert counter.count == 2


def loading(name: str, expected: str) -> None:
    def scenario() -> None:
        import caches

        calls: list[int] = []
        cache = getattr(caches, name)(lambda key: (calls.append(key), key * 2)[1])
        together(lambda: cache.get(7), lambda: cache.get(7))
        assert calls == [7], calls

    case(f"cache: {name}", "caches", expected)(scenario)


loading("Cache", "invariant")
loading("SafeCache", "holds")


@case("cache whose keys go away", "caches", "exception")
def _() -> None:
    from caches import ForgetfulCache

    cache = ForgetfulCache()
    together(lambda: cache.get("a"), lambda: cache.drop("a"))


def made_once(name: str, expected: str) -> None:
    def scenario() -> None:
        import caches

        made: list[int] = []
        lazy = getattr(caches, name)(lambda: made.append(1) or len(made))
        together(lazy.get, lazy.get)
        assert made == [1], made

    case(f"double-checked locking: {name}", "caches", expected)(scenario)


made_once("Lazy", "holds")
made_once("HalfLazy", "invariant")


@case("double-checked locking: EarlyLazy", "caches", "exception")
def _() -> None:
    from caches import EarlyLazy

    lazy = EarlyLazy(None)

    def use() -> None:
        if not lazy.get()["ready"]:
            raise ValueError

    together(use, use)


@case("singleton, unlocked", "caches", "invariant", "caches._instance")
def _() -> None:
    from caches import unlocked_instance

    seen: list[Any] = []
    together(*[lambda: seen.append(unlocked_instance())] * 2)
    assert seen[0] is seen[1]


@case("singleton, locked", "caches", "holds")
def _() -> None:
    from caches import locked_instance

    seen: list[Any] = []
    together(*[lambda: seen.append(locked_instance())] * 2)
    assert seen[0] is seen[1]


@case("iteration over a dictionary that grows", "caches", "exception")
def _() -> None:
    from caches import Registry

    registry = Registry()
    together(registry.total, lambda: registry.add("c"))


@case("iteration over a copy", "caches", "holds")
def _() -> None:
    from caches import CopyingRegistry

    registry = CopyingRegistry()
    together(registry.total, lambda: registry.add("c"))


@case("pop after a look", "caches", "exception")
def _() -> None:
    from caches import Stack

    stack = Stack([1])
    together(stack.take, stack.take)


@case("pop and see", "caches", "holds")
def _() -> None:
    from caches import AskingStack

    stack = AskingStack([1])
    together(stack.take, stack.take)


def moving(name: str, expected: str) -> None:
    def scenario() -> None:
        import bank

        a, b = bank.Account(100, 1), bank.Account(100, 2)
        move = getattr(bank, name)
        together(lambda: move(a, b, 1), lambda: move(b, a, 1))
        assert (a.balance, b.balance) == (100, 100), (a.balance, b.balance)

    case(f"transfer: {name}", "bank", expected)(scenario)


moving("transfer", "deadlock")
moving("safe_transfer", "holds")
moving("transfer_one_lock", "invariant")
moving("transfer_with_timeout", "holds")


@case("two that are too polite", "bank", "livelock")
def _() -> None:
    from bank import Account, transfer_politely

    a, b = Account(100, 1), Account(100, 2)
    a.lock.acquire()  # nobody ever gives it back
    together(lambda: transfer_politely(b, a, 1))


@case("context manager swallows an error", "bank", "holds")
def _() -> None:
    from bank import Account, swallow

    account = Account(1)
    together(lambda: swallow(account, 1), lambda: swallow(account, 1))
    assert account.balance == 0


@case("lock never given back", "bank", "deadlock")
def _() -> None:
    from bank import Account, forgets_to_release

    account = Account(1)
    together(lambda: forgets_to_release(account, 1), lambda: forgets_to_release(account, 1))
    with account.lock:
        assert account.balance == 0


@case("Lock taken twice", "bank", "deadlock")
def _() -> None:
    from bank import Ledger

    Ledger(threading.Lock()).add_all([1, 2])


@case("RLock taken twice", "bank", "holds")
def _() -> None:
    from bank import Ledger

    ledger = Ledger(threading.RLock())
    together(lambda: ledger.add_all([1, 2]), lambda: ledger.add(3))
    assert ledger.total == 6


@case("three philosophers", "bank", "deadlock")
def _() -> None:
    from bank import Philosophers

    table = Philosophers(3, ordered=False)
    together(*[lambda seat=seat: table.dine(seat) for seat in range(3)])


@case("three philosophers, forks in order", "bank", "holds")
def _() -> None:
    from bank import Philosophers

    table = Philosophers(3, ordered=True)
    together(*[lambda seat=seat: table.dine(seat) for seat in range(3)])
    assert table.meals == [1, 1, 1]


def buffering(name: str, expected: str) -> None:
    def scenario() -> None:
        import buffers

        buffer = getattr(buffers, name)(1)
        together(lambda: (buffer.put(1), buffer.put(2)), buffer.get, buffer.get)
        assert buffer.items == []

    case(f"buffer: {name}", "buffers", expected)(scenario)


buffering("IfBuffer", "exception")
buffering("WhileBuffer", "holds")
buffering("WaitForBuffer", "holds")


@case("looks before it takes the lock", "buffers", "lost wake-up")
def _() -> None:
    from buffers import Mailbox

    box = Mailbox()
    together(lambda: box.post("a"), box.read)


@case("looks with the lock", "buffers", "holds")
def _() -> None:
    from buffers import SafeMailbox

    box = SafeMailbox()
    together(lambda: box.post("a"), box.read, box.read)


@case("event set and cleared at once", "buffers", "lost wake-up")
def _() -> None:
    from buffers import Bell

    bell = Bell()
    together(bell.ring, bell.hear)


@case("event: check, then set", "buffers", "invariant", "Once.calls")
def _() -> None:
    from buffers import Once

    once = Once()
    together(once.init, once.init)
    assert once.calls == 1


@case("event set for good", "buffers", "holds")
def _() -> None:
    from buffers import Gate

    gate = Gate()
    together(gate.enter, gate.open, gate.enter)
    assert gate.seen == [42, 42]


def limiting(places: int, expected: str) -> None:
    def scenario() -> None:
        from buffers import Limiter

        limiter = Limiter(places)
        together(limiter.work, limiter.work)
        assert limiter.peak == 1

    case(f"semaphore of {places}", "buffers", expected)(scenario)


limiting(1, "holds")
limiting(2, "invariant")


@case("semaphore not given back after an error", "buffers", "deadlock")
def _() -> None:
    from buffers import LeakyLimiter

    limiter = LeakyLimiter(1)
    together(limiter.work_quietly, limiter.work_quietly)


def draining(name: str, expected: str) -> None:
    def scenario() -> None:
        import buffers

        line: queue.Queue[int] = queue.Queue()
        for item in range(3):
            line.put(item)
        out: list[int] = []
        drain = getattr(buffers, name)
        together(*[lambda: drain(line, out)] * 2)
        assert sorted(out) == [0, 1, 2]

    case(f"queue: {name}", "buffers", expected)(scenario)


draining("drain_bad", "deadlock")
draining("drain_good", "holds")


@case("queue: one None for two consumers", "buffers", "deadlock")
def _() -> None:
    from buffers import consume_until_none

    line: queue.Queue[int | None] = queue.Queue(maxsize=2)
    together(
        *[lambda: consume_until_none(line, [])] * 2,
        lambda: [line.put(item) for item in (1, 2, 3, None)],
    )


@case("queue: one None for each consumer", "buffers", "holds")
def _() -> None:
    from buffers import consume_until_none

    line: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    out: list[int] = []
    together(
        *[lambda: consume_until_none(line, out)] * 2,
        lambda: [line.put(item) for item in (1, 2, None, None)],
    )
    assert sorted(out) == [1, 2]


def joining(name: str, expected: str) -> None:
    def scenario() -> None:
        import buffers

        line: queue.Queue[int] = queue.Queue()
        out: list[int] = []
        for _ in range(2):
            threading.Thread(target=getattr(buffers, name), args=(line, out), daemon=True).start()
        for item in range(3):
            line.put(item)
        line.join()
        assert sorted(out) == [0, 1, 2]

    case(f"queue.join: {name}", "buffers", expected)(scenario)


joining("consume_and_tell", "holds")
joining("consume_and_forget_to_tell", "deadlock")


def phasing(name: str, expected: str) -> None:
    def scenario() -> None:
        import buffers

        barrier, log = threading.Barrier(3), []
        together(*[lambda one=one: getattr(buffers, name)(barrier, log, one) for one in "abc"])
        assert [phase for phase, _ in log] == [1, 1, 1, 2, 2, 2], log

    case(f"barrier: {name}", "buffers", expected)(scenario)


phasing("phases", "holds")
phasing("phases_without", "invariant")


@case("barrier for one too many", "buffers", "deadlock")
def _() -> None:
    from buffers import phases

    barrier = threading.Barrier(3)
    together(*[lambda: phases(barrier, [], "a")] * 2)


def reading(name: str, expected: str) -> None:
    def scenario() -> None:
        import buffers

        shared = getattr(buffers, name)()
        seen: list[tuple[int, int]] = []
        together(lambda: shared.write(1), *[lambda: seen.append(shared.read())] * 2)
        assert all(a == b for a, b in seen), seen

    case(f"readers and a writer: {name}", "buffers", expected)(scenario)


reading("ReadersWriter", "holds")
reading("CarelessReadersWriter", "invariant")


def counted_by(how: str, name: str, expected: str, unprotected: str = "") -> None:
    def scenario() -> None:
        import counters
        import pools

        assert getattr(pools, how)(2, getattr(counters, name)()) == 2

    case(f"{how} {name}", "counters pools", expected, unprotected)(scenario)


counted_by("thread_count", "Counter", "invariant", "Counter.count")
counted_by("thread_count", "SafeCounter", "holds")
counted_by("pool_count", "Counter", "invariant", "Counter.count")
counted_by("pool_count", "SafeCounter", "holds")
counted_by("thread_count_without_join", "SafeCounter", "invariant")


def pooled(how: str, wanted: Any, expected: str = "holds") -> None:
    def scenario() -> None:
        import pools

        assert getattr(pools, how)([1, 2, 3]) == wanted

    case(f"pool: {how}", "pools", expected)(scenario)


pooled("pool_map", [1, 4, 9])
pooled("pool_as_completed", {1: 1, 2: 4, 3: 9})
pooled("pool_wait", [1, 4, 9])


def called_back(name: str, expected: str) -> None:
    def scenario() -> None:
        import pools

        collector = pools.Collector()
        pools.sum_by_callbacks([1, 2, 3], getattr(collector, name))
        assert collector.total == 14, collector.total

    case(f"futures' callbacks: {name}", "pools", expected)(scenario)


called_back("add", "invariant")
called_back("add_locked", "holds")


@case("nested submit, one worker", "pools", "deadlock")
def _() -> None:
    from pools import nested_submit

    nested_submit(1)


@case("nested submit, two workers", "pools", "holds")
def _() -> None:
    from pools import nested_submit

    assert nested_submit(2) == 42


@case("pool left open", "counters pools", "holds")
def _() -> None:
    from counters import SafeCounter
    from pools import left_open

    left_open(SafeCounter()).result()


@case("error kept in its future", "pools", "holds")
def _() -> None:
    from pools import error_in_task

    assert error_in_task() == [True, False]


@case("error of a mapped task", "pools", "exception")
def _() -> None:
    from pools import error_nobody_asks_for

    error_nobody_asks_for(["1", "x"])


def beeping(how: str, method: str, beeps: int, expected: str) -> None:
    def scenario() -> None:
        import timing

        beeper = timing.Beeper()
        start = time.monotonic()
        getattr(timing, how)(getattr(beeper, method))
        assert time.monotonic() - start < 2
        assert beeper.beeps == beeps

    case(f"{how}, {method}", "timing", expected)(scenario)


beeping("two_timers", "beep", 2, "invariant")
beeping("two_timers", "beep_locked", 2, "holds")
beeping("cancelled_timer", "beep", 0, "holds")


def flagging(wait: str, raised: str, expected: str) -> None:
    def scenario() -> None:
        import timing

        flag, seen = timing.Flag(), []
        together(getattr(flag, raised), lambda: seen.append(getattr(flag, wait)()))
        assert seen == [1]

    case(f"flag: {wait}, {raised}", "timing", expected)(scenario)


flagging("spin", "raise_it", "holds")
flagging("spin", "raise_it_early", "invariant")
flagging("poll", "raise_it", "holds")


@case("spins until a time", "timing", "holds")
def _() -> None:
    from timing import spin_until

    together(lambda: spin_until(0.5), lambda: time.sleep(0.2))


@case("spins for ever", "timing", "livelock")
def _() -> None:
    from timing import Flag, spin_for_ever

    flag = Flag()
    together(*[lambda: spin_for_ever(flag)] * 2)


@case("a long sum", "timing", "holds")
def _() -> None:
    from timing import long_sum

    together(lambda: long_sum(2000), lambda: long_sum(100))


@case("daemon left over", "timing", "holds")
def _() -> None:
    from timing import ticker

    assert ticker([]) == 3


@case("waits for nobody", "timing", "deadlock")
def _() -> None:
    from timing import waits_for_nobody

    waits_for_nobody()


@case("sleep sort", "timing", "holds")
def _() -> None:
    from timing import sleep_sort

    assert sleep_sort([3, 1, 2]) == [1, 2, 3]


@case("sleeps instead of joining", "timing", "invariant")
def _() -> None:
    from timing import hope

    assert hope([]) == 1


@case("_thread.start_new_thread, unlocked", "counters timing", "invariant", "Counter.count")
def _() -> None:
    from counters import Counter
    from timing import raw_thread

    counter = Counter()
    raw_thread(counter)
    assert counter.count == 2


@case("_thread.start_new_thread, locked", "counters timing", "holds")
def _() -> None:
    from counters import SafeCounter
    from timing import raw_thread

    counter = SafeCounter()
    raw_thread(counter)
    assert counter.count == 2


@case("join with a timeout", "timing", "holds")
def _() -> None:
    from timing import join_with_timeout

    assert join_with_timeout(1) and not join_with_timeout(6)


@case("uncaught in a thread", "timing", "exception")
def _() -> None:
    from timing import raises_in_thread

    raises_in_thread(hook=False)


@case("excepthook of its own", "timing", "holds")
def _() -> None:
    from timing import raises_in_thread

    assert raises_in_thread(hook=True) == ["KeyError"]


def chatting(ping: str, pong: str, expected: str) -> None:
    def scenario() -> None:
        from sockets import Chat

        chat = Chat()
        together(getattr(chat, ping), getattr(chat, pong))
        chat.close()
        assert chat.n == 2

    case(f"socket pair: {ping}, {pong}", "sockets", expected)(scenario)


chatting("ping", "pong", "invariant")
chatting("ping_locked", "pong_locked", "holds")


@case("server and client over loopback", "sockets", "holds")
def _() -> None:
    from sockets import echo_once

    assert echo_once() == b"HELLO\n"


@case("both listen first", "sockets", "deadlock")
def _() -> None:
    from sockets import both_listen_first

    both_listen_first()


@case("socket with a timeout", "sockets", "holds")
def _() -> None:
    from sockets import late_answer

    assert late_answer() == "timed out"


def counting(how: str, method: str, expected: str) -> None:
    def scenario() -> None:
        import loops

        tally = loops.Tally()
        getattr(loops, how)(getattr(tally, method))
        assert tally.n == 3

    case(f"event loop: {how}, {method}", "loops", expected)(scenario)


counting("in_threads", "add", "invariant")
counting("in_threads", "add_locked", "holds")
counting("on_the_loop", "add", "holds")


@case("event loop told by a thread", "loops", "holds")
def _() -> None:
    from loops import told_by_a_thread

    assert told_by_a_thread(safely=True) == "told"


@case("event loop told by a thread, unsafely", "loops", "deadlock")
def _() -> None:
    from loops import told_by_a_thread

    told_by_a_thread(safely=False)


@case("event loop in a thread of its own", "loops", "holds")
def _() -> None:
    from loops import asked_from_outside

    assert asked_from_outside() == "late"


@case("event loop waits for ever", "loops", "deadlock")
def _() -> None:
    from loops import never_set

    never_set()


@case("two modules, unlocked", "stock shop", "invariant")
def _() -> None:
    from shop import Shop

    shop = Shop()
    together(lambda: shop.sell("apple"), lambda: shop.sell("apple"))
    assert shop.sold == 1


@case("two modules, lock of the other", "shop stock", "holds")
def _() -> None:
    from shop import Shop

    shop = Shop()
    together(lambda: shop.sell_locked("apple"), lambda: shop.sell_locked("apple"))
    assert shop.sold == 1


@case("two hundred threads, locked", "counters pools", "holds")
def _() -> None:
    from counters import SafeCounter
    from pools import many

    assert many(200, SafeCounter()) == 200


def judge(one: Case, **options: Any) -> dict[str, Any]:
    """Explore one case; what came out, as one JSON line."""
    from weft.probes.explorer import explore

    start = time.perf_counter()
    found = explore(one.sources(), one.scenario, **options)
    got = found.failure.kind if found.failure else found.outcome
    right = got == one.expected and (not one.unprotected or one.unprotected in found.unprotected)
    if one.expected == "holds":
        right = right and not [label for label in found.unprotected if label not in BENIGN]
    return {
        "case": one.name,
        "expected": one.expected,
        "got": got,
        "right": right,
        "schedules": found.schedules,
        "switches": found.failure.switches if found.failure else 0,
        "repeats": found.failure.repeats if found.failure else True,
        "unprotected": found.unprotected,
        "message": found.failure.message if found.failure else found.reason,
        "seconds": round(time.perf_counter() - start, 3),
    }


#: Data that correct cases leave without a lock, and may: a flag, double-checked locking's first look, pop on a list.
BENIGN = {"Flag.up", "Flag.value", "Lazy.value", "Account.balance", "ReadersWriter.a", "ReadersWriter.b"}


def main() -> None:
    wanted = sys.argv[1:]
    for one in CASES:
        if not wanted or any(word in one.name for word in wanted):
            print(json.dumps(judge(one, schedules=60 if "two hundred" not in one.name else 4)), flush=True)


if __name__ == "__main__":
    main()
