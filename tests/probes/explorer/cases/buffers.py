"""Conditions, events, semaphores, barriers, queues."""

import contextlib
import queue
import threading
import time


class IfBuffer:
    def __init__(self, size):
        self.items, self.size, self.cond = [], size, threading.Condition()

    def put(self, x):
        with self.cond:
            if len(self.items) >= self.size:
                self.cond.wait()
            self.items.append(x)
            self.cond.notify()

    def get(self):
        with self.cond:
            if not self.items:
                self.cond.wait()
            x = self.items.pop(0)
            self.cond.notify()
            return x


class WhileBuffer(IfBuffer):
    def put(self, x):
        with self.cond:
            while len(self.items) >= self.size:
                self.cond.wait()
            self.items.append(x)
            self.cond.notify_all()

    def get(self):
        with self.cond:
            while not self.items:
                self.cond.wait()
            x = self.items.pop(0)
            self.cond.notify_all()
            return x


class WaitForBuffer(IfBuffer):
    def put(self, x):
        with self.cond:
            self.cond.wait_for(lambda: len(self.items) < self.size, timeout=5)
            self.items.append(x)
            self.cond.notify_all()

    def get(self):
        with self.cond:
            self.cond.wait_for(lambda: self.items)
            x = self.items.pop(0)
            self.cond.notify_all()
            return x


class Mailbox:
    """Looks before it takes the lock: the call can come in between."""

    def __init__(self):
        self.letter, self.cond = None, threading.Condition()

    def post(self, letter):
        self.letter = letter
        with self.cond:
            self.cond.notify()

    def read(self):
        if self.letter is None:
            with self.cond:
                self.cond.wait()
        return self.letter


class SafeMailbox(Mailbox):
    def post(self, letter):
        with self.cond:
            self.letter = letter
            self.cond.notify_all()

    def read(self):
        with self.cond:
            while self.letter is None:
                self.cond.wait()
            return self.letter


class Bell:
    """Rings and stops ringing at once: who is not there yet misses it."""

    def __init__(self):
        self.event = threading.Event()

    def ring(self):
        self.event.set()
        self.event.clear()

    def hear(self):
        self.event.wait()


class Once:
    def __init__(self):
        self.done, self.calls = threading.Event(), 0

    def init(self):
        if not self.done.is_set():
            self.calls += 1
            self.done.set()


class Gate:
    """Waits on an event that is set for good."""

    def __init__(self):
        self.event, self.value, self.seen = threading.Event(), None, []

    def open(self):
        self.value = 42
        self.event.set()

    def enter(self):
        self.event.wait(timeout=10)
        self.seen.append(self.value)


class Limiter:
    def __init__(self, n):
        self.sem, self.now, self.peak, self.lock = threading.Semaphore(n), 0, 0, threading.Lock()

    def work(self):
        with self.sem:
            with self.lock:
                self.now += 1
                self.peak = max(self.peak, self.now)
            with self.lock:
                self.now -= 1


class LeakyLimiter(Limiter):
    """Gives its place back only if all goes well."""

    def work(self):
        self.sem.acquire()
        self.go()
        self.sem.release()

    def go(self):
        raise OSError("no route")

    def work_quietly(self):
        with contextlib.suppress(OSError):
            self.work()


def drain_bad(q, out):
    while not q.empty():
        out.append(q.get())


def drain_good(q, out):
    while True:
        try:
            out.append(q.get_nowait())
        except queue.Empty:
            return


def consume_until_none(q, out):
    while (item := q.get()) is not None:
        out.append(item)


def consume_and_tell(q, out):
    while True:
        item = q.get()
        out.append(item)
        q.task_done()


def consume_and_forget_to_tell(q, out):
    while True:
        out.append(q.get())


def phases(barrier, log, name):
    log.append((1, name))
    barrier.wait()
    log.append((2, name))


def phases_without(barrier, log, name):
    log.append((1, name))
    time.sleep(0)
    log.append((2, name))


class ReadersWriter:
    """Many readers or one writer."""

    def __init__(self):
        self.cond, self.readers, self.writing = threading.Condition(threading.Lock()), 0, False
        self.a = self.b = 0

    def read(self):
        with self.cond:
            while self.writing:
                self.cond.wait()
            self.readers += 1
        pair = (self.a, self.b)
        with self.cond:
            self.readers -= 1
            self.cond.notify_all()
        return pair

    def write(self, value):
        with self.cond:
            while self.writing or self.readers:
                self.cond.wait()
            self.writing = True
        self.a = value
        self.b = value
        with self.cond:
            self.writing = False
            self.cond.notify_all()


class CarelessReadersWriter(ReadersWriter):
    """The writer does not wait for the readers."""

    def write(self, value):
        with self.cond:
            while self.writing:
                self.cond.wait()
            self.writing = True
        self.a = value
        self.b = value
        with self.cond:
            self.writing = False
            self.cond.notify_all()
