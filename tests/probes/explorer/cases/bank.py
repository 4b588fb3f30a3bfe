"""Two locks."""

import threading
from contextlib import suppress


class Account:
    def __init__(self, balance, number=0):
        self.balance, self.number, self.lock = balance, number, threading.Lock()


def transfer(a, b, amount):
    with a.lock:
        with b.lock:
            a.balance -= amount
            b.balance += amount


def safe_transfer(a, b, amount):
    x, y = sorted((a, b), key=lambda account: account.number)
    with x.lock:
        with y.lock:
            a.balance -= amount
            b.balance += amount


def transfer_one_lock(a, b, amount):
    with a.lock:  # the other account is not protected by it
        a.balance -= amount
        b.balance += amount


def transfer_with_timeout(a, b, amount):
    """Backs off and tries again."""
    wait = 0.01 * (a.number + 1)
    while True:
        with a.lock:
            if b.lock.acquire(timeout=wait):
                try:
                    a.balance -= amount
                    b.balance += amount
                    return
                finally:
                    b.lock.release()


def transfer_politely(a, b, amount):
    """Never waits with a lock in hand, and never sleeps in between: two of these can be polite for ever."""
    while True:
        a.lock.acquire()
        if b.lock.acquire(blocking=False):
            a.balance -= amount
            b.balance += amount
            b.lock.release()
            a.lock.release()
            return
        a.lock.release()


def swallow(a, amount):
    """A context manager swallows the error, and the lock is given back all the same."""
    with suppress(ValueError):
        with a.lock:
            if amount > a.balance:
                raise ValueError("too much")
            a.balance -= amount


def forgets_to_release(a, amount):
    a.lock.acquire()
    if amount > a.balance:
        return False
    a.balance -= amount
    a.lock.release()
    return True


class Ledger:
    """A method that holds a lock calls another that wants it."""

    def __init__(self, lock):
        self.lock, self.total = lock, 0

    def add(self, amount):
        with self.lock:
            self.total += amount

    def add_all(self, amounts):
        with self.lock:
            for amount in amounts:
                self.add(amount)


class Philosophers:
    def __init__(self, number, ordered):
        self.forks = [threading.Lock() for _ in range(number)]
        self.ordered, self.meals = ordered, [0] * number

    def dine(self, seat):
        left, right = seat, (seat + 1) % len(self.forks)
        first, second = sorted((left, right)) if self.ordered else (left, right)
        with self.forks[first]:
            with self.forks[second]:
                self.meals[seat] += 1
