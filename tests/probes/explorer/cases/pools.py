"""Threads and pools that the answer starts itself."""

import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, as_completed, wait


def thread_count(n, counter):
    threads = [threading.Thread(target=counter.increment) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counter.count


def thread_count_without_join(n, counter):
    for _ in range(n):
        threading.Thread(target=counter.increment).start()
    return counter.count


def pool_count(n, counter):
    with ThreadPoolExecutor(2) as pool:
        for _ in range(n):
            pool.submit(counter.increment)
    return counter.count


def pool_map(items):
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda item: item * item, items))


def pool_as_completed(items):
    with ThreadPoolExecutor(2) as pool:
        futures = {pool.submit(pow, item, 2): item for item in items}
        return {futures[future]: future.result() for future in as_completed(futures)}


def pool_wait(items):
    results, pending = [], None
    with ThreadPoolExecutor(2) as pool:
        pending = {pool.submit(pow, item, 2) for item in items}
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            results += [future.result() for future in done]
    return sorted(results)


class Collector:
    """Callbacks of futures run in the pool's threads."""

    def __init__(self):
        self.total = 0
        self.lock = threading.Lock()

    def add(self, future):
        self.total += future.result()

    def add_locked(self, future):
        with self.lock:
            self.total += future.result()


def sum_by_callbacks(items, callback):
    with ThreadPoolExecutor(2) as pool:
        for item in items:
            pool.submit(pow, item, 2).add_done_callback(callback)


def nested_submit(workers):
    """A task waits for another task of the same pool: with one worker, for ever."""
    with ThreadPoolExecutor(workers) as pool:

        def outer():
            return pool.submit(lambda: 21).result() * 2

        return pool.submit(outer).result()


def left_open(counter):
    pool = ThreadPoolExecutor(2)
    return pool.submit(counter.increment)


def error_in_task():
    with ThreadPoolExecutor(2) as pool:
        return [future.exception() is not None for future in [pool.submit(int, "x"), pool.submit(int, "1")]]


def error_nobody_asks_for(items):
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(int, items))


def fetch(seconds):
    time.sleep(seconds)
    return seconds


def fetch_serial(delays):
    return [fetch(delay) for delay in delays]


def fetch_pool(delays):
    with ThreadPoolExecutor(5) as pool:
        return list(pool.map(fetch, delays))


def fetch_batches(delays):
    results = []
    for start in range(0, len(delays), 5):
        with ThreadPoolExecutor(5) as pool:
            results += pool.map(fetch, delays[start : start + 5])
    return results


def many(number, counter):
    return thread_count(number, counter)
