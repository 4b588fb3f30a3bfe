"""An event loop inside: in the program's own thread, beside others, with blocking work handed to threads."""

import asyncio
import threading


class Tally:
    def __init__(self):
        self.n, self.lock = 0, threading.Lock()

    def add(self):
        self.n += 1

    def add_locked(self):
        with self.lock:
            self.n += 1


def in_threads(method):
    async def main():
        await asyncio.gather(*(asyncio.to_thread(method) for _ in range(3)))

    asyncio.run(main())


def on_the_loop(method):
    async def one():
        await asyncio.sleep(0)
        method()

    async def main():
        await asyncio.gather(*(one() for _ in range(3)))

    asyncio.run(main())


def told_by_a_thread(safely):
    """A thread sets a future of the loop: only ``call_soon_threadsafe`` wakes a loop that sleeps."""

    async def main():
        loop = asyncio.get_running_loop()
        future = loop.create_future()

        def tell():
            tell_loop = loop.call_soon_threadsafe if safely else loop.call_soon
            tell_loop(future.set_result, "told")

        threading.Thread(target=tell).start()
        return await future

    return asyncio.run(main())


def asked_from_outside():
    """A loop in a thread of its own, and a coroutine handed to it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def late():
        await asyncio.sleep(2.0)
        return "late"

    answer = asyncio.run_coroutine_threadsafe(late(), loop).result(timeout=5.0)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    return answer


def never_set():
    async def main():
        await asyncio.Event().wait()

    asyncio.run(main())
