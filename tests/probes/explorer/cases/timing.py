"""Clocks, timers, spinning, daemons."""

import _thread
import threading
import time


class Beeper:
    def __init__(self):
        self.beeps, self.lock = 0, threading.Lock()

    def beep(self):
        self.beeps += 1

    def beep_locked(self):
        with self.lock:
            self.beeps += 1


def two_timers(beep):
    timers = [threading.Timer(1.0, beep), threading.Timer(1.0, beep)]
    for timer in timers:
        timer.start()
    for timer in timers:
        timer.join()


def cancelled_timer(beep):
    timer = threading.Timer(60.0, beep)
    timer.start()
    timer.cancel()
    timer.join()


class Flag:
    def __init__(self):
        self.up, self.value = False, 0

    def raise_it(self):
        self.value = 1
        self.up = True

    def raise_it_early(self):
        self.up = True
        self.value = 1

    def spin(self):
        while not self.up:
            pass
        return self.value

    def poll(self):
        while not self.up:
            time.sleep(0.1)
        return self.value


def spin_until(deadline):
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        pass


def spin_for_ever(flag):
    while not flag.up:
        pass


def long_sum(n):
    total = 0
    for i in range(n):
        total += i
    return total


def ticker(ticks):
    """A daemon that never ends."""

    def tick():
        while True:
            time.sleep(1)
            ticks.append(1)

    threading.Thread(target=tick, daemon=True).start()
    time.sleep(3.5)
    return len(ticks)


def waits_for_nobody():
    """Not a daemon: the program can never end."""
    threading.Thread(target=threading.Event().wait).start()


def sleep_sort(numbers):
    out = []

    def put(number):
        time.sleep(number)
        out.append(number)

    threads = [threading.Thread(target=put, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return out


def hope(values):
    """Sleeps instead of joining: right only if nobody is ever late."""
    threading.Thread(target=lambda: (time.sleep(1), values.append(1))).start()
    time.sleep(1)
    return len(values)


def raw_thread(counter):
    done = threading.Event()

    def work():
        counter.increment()
        done.set()

    _thread.start_new_thread(work, ())
    counter.increment()
    done.wait()


def join_with_timeout(seconds):
    thread = threading.Thread(target=time.sleep, args=(5,))
    thread.start()
    thread.join(seconds)
    alive = thread.is_alive()
    thread.join()
    return alive


def raises_in_thread(hook):
    """Its thread fails; with ``hook`` it catches that itself."""
    caught = []
    if hook:
        threading.excepthook = lambda args: caught.append(args.exc_type.__name__)
    try:
        thread = threading.Thread(target=lambda: {}["missing"])
        thread.start()
        thread.join()
    finally:
        if hook:
            threading.excepthook = threading.__excepthook__
    return caught
