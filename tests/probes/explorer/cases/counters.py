"""What learners hand in for "count from several threads"."""

import threading
from threading import Lock


class Counter:
    def __init__(self):
        self.count = 0

    def increment(self):
        self.count += 1


class SafeCounter:
    def __init__(self):
        self.count = 0
        self._lock = threading.Lock()

    def increment(self):
        with self._lock:
            self.count += 1


class FromImport:
    def __init__(self):
        self.count = 0
        self.lock = Lock()

    def increment(self):
        self.lock.acquire()
        try:
            self.count += 1
        finally:
            self.lock.release()


class LockOfItsOwnEachTime:
    def __init__(self):
        self.count = 0

    def increment(self):
        with Lock():  # protects nothing: nobody else has it
            self.count += 1


class HalfLocked:
    def __init__(self):
        self.count = 0
        self.lock = Lock()

    def increment(self):
        with self.lock:
            value = self.count
        with self.lock:
            self.count = value + 1


class ByClass:
    count = 0

    def increment(self):
        ByClass.count += 1


class Slots:
    __slots__ = ("count",)

    def __init__(self):
        self.count = 0

    def increment(self):
        self.count += 1


class WithProperty:
    def __init__(self):
        self._count = 0
        self._lock = threading.RLock()

    @property
    def count(self):
        with self._lock:
            return self._count

    @count.setter
    def count(self, value):
        with self._lock:
            self._count = value

    def increment(self):
        self.count += 1  # each half is locked, the whole is not


total = 0
total_lock = threading.Lock()


def add_to_total():
    global total
    total += 1


def add_to_total_locked():
    global total
    with total_lock:
        total += 1


def make_counter():
    n = 0

    def increment():
        nonlocal n
        n += 1

    def value():
        return n

    return increment, value


def make_safe_counter():
    n = 0
    lock = Lock()

    def increment():
        nonlocal n
        with lock:
            n += 1

    def value():
        return n

    return increment, value


def count_words(words, counts):
    for word in words:
        counts[word] = counts.get(word, 0) + 1


def bump(counts, key):
    counts[key] += 1


def bump_list(cells):
    cells[0] += 1


def bump_own_cell(cells, index):
    for _ in range(3):
        cells[index] += 1


class PerThread(threading.local):
    count = 0


local = PerThread()


def count_locally(times, out):
    for _ in range(times):
        local.count += 1
    out.append(local.count)


class Worker(threading.Thread):
    """A thread of its own class, with a counter that it is given."""

    def __init__(self, counter):
        super().__init__()
        self.counter = counter

    def run(self):
        self.counter.increment()
