"""T2's queue beside the standard library's, per message: ``python benchmarks/t2_queue.py [messages]``.

Three threads put, two get. Processor time of the whole process, in microseconds per message, and as a ratio to
``queue.SimpleQueue`` of the same round: written in C, without a bound, without levels, and so the floor.
"""

from __future__ import annotations

import importlib
import queue
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from weft.course.variants import reference
from weft.layout import Course
from weft.worlds.log_yardstick import ConditionQueue

ROUNDS, PRODUCERS, CONSUMERS, BATCH = 7, 3, 2, 50

Put = Callable[[int], None]
Get = Callable[[int], None]


def one_by_one(put: Callable[[Any, int], object], get: Callable[[], object]) -> tuple[Put, Get]:
    """What a producer and a consumer do with so many messages, through a call for each."""

    def produce(count: int) -> None:
        for number in range(count):
            put(number, number & 3)

    def consume(count: int) -> None:
        for _ in range(count):
            get()

    return produce, consume


def in_batches(put_many: Callable[[Any, int], object], get_many: Callable[[int], list[Any]]) -> tuple[Put, Get]:
    """The same, fifty at a time; the consumer looks at each message."""
    batch = tuple(range(BATCH))

    def produce(count: int) -> None:
        for number in range(count // BATCH):
            put_many(batch, number & 3)

    def consume(count: int) -> None:
        while count:
            for _ in get_many(min(BATCH, count)):
                count -= 1

    return produce, consume


def simple(bound: int) -> tuple[Put, Get]:
    """``queue.SimpleQueue``, called directly."""
    line: queue.SimpleQueue[int] = queue.SimpleQueue()
    put, get = line.put, line.get

    def produce(count: int) -> None:
        for number in range(count):
            put(number)

    def consume(count: int) -> None:
        for _ in range(count):
            get()

    return produce, consume


def bounded_simple(bound: int) -> tuple[Put, Get]:
    """``queue.SimpleQueue`` with a bound, kept by a semaphore."""
    line: queue.SimpleQueue[int] = queue.SimpleQueue()
    places = threading.Semaphore(bound)

    def put(item: int, priority: int) -> None:
        places.acquire()
        line.put(item)

    def get() -> None:
        line.get()
        places.release()

    return one_by_one(put, get)


def simple_batches(bound: int) -> tuple[Put, Get]:
    """``queue.SimpleQueue`` with tuples of fifty, the cheapest way to hand over many."""
    line: queue.SimpleQueue[tuple[int, ...]] = queue.SimpleQueue()
    return in_batches(lambda items, priority: line.put(items), lambda most: list(line.get()))


def heap(bound: int) -> tuple[Put, Get]:
    """``queue.PriorityQueue`` of triples, with a number that keeps the order within a level."""
    line: queue.PriorityQueue[tuple[int, int, int]] = queue.PriorityQueue(bound)
    return one_by_one(lambda item, priority: line.put((priority, item, item)), line.get)


def conditions(bound: int) -> tuple[Put, Get]:
    """The yardstick of the checks."""
    line = ConditionQueue(bound)
    return one_by_one(line.put, line.get)


def cpu(work: tuple[Put, Get], messages: int) -> float:
    """Processor time in microseconds per message."""
    produce, consume = work
    threads = [threading.Thread(target=produce, args=(messages // PRODUCERS,)) for _ in range(PRODUCERS)]
    threads += [threading.Thread(target=consume, args=(messages // CONSUMERS,)) for _ in range(CONSUMERS)]
    started = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.process_time() - started) / messages * 1e6


def main() -> None:
    """Print medians, and ratios within each round."""
    step = PRODUCERS * CONSUMERS * BATCH
    messages = max(step, int(sys.argv[1]) // step * step if len(sys.argv) > 1 else 300 * step)
    with tempfile.TemporaryDirectory() as modules:
        for name, source in reference(Course(Path(__file__).parents[1]).challenge("T2")).lifted.modules.items():
            Path(modules, f"{name}.py").write_text(source)
        sys.path.insert(0, modules)
        ours = importlib.import_module("priority_queue").PriorityQueue
    kinds: dict[str, Callable[[int], tuple[Put, Get]]] = {
        "SimpleQueue (no bound, no levels)": simple,
        "SimpleQueue, tuples of fifty": simple_batches,
        "SimpleQueue and a semaphore (no levels)": bounded_simple,
        "reference, fifty at a time": lambda bound: in_batches((line := ours(bound)).put_many, line.get_many),
        "reference, one by one": lambda bound: one_by_one((line := ours(bound)).put, line.get),
        "yardstick: lock and two conditions": conditions,
        "queue.PriorityQueue": heap,
    }
    for bound in (100, 1_000):
        found: dict[str, list[float]] = {name: [] for name in kinds}
        for number in range(ROUNDS + 1):
            for name in sorted(kinds, reverse=number % 2 == 0):
                took = cpu(kinds[name](bound), messages)
                if number:  # the first round warms up
                    found[name].append(took)
        print(f"{messages} messages, bound {bound}, {PRODUCERS} producers, {CONSUMERS} consumers, {ROUNDS} rounds")
        floor = found["SimpleQueue (no bound, no levels)"]
        for name, figures in found.items():
            ratio = statistics.median(one / other for one, other in zip(figures, floor, strict=True))
            print(f"  {name:42} median {statistics.median(figures):6.2f} us  ratio to SimpleQueue {ratio:6.1f}")


if __name__ == "__main__":
    main()
