"""What an answer's time is measured against, in the same run on the same machine."""

from __future__ import annotations

import http.client
import statistics
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from weft.judge.verdicts import Broken

#: If the yardstick's own slowest run took this many times its fastest, the machine is too noisy to judge on.
NOISY = 2.5


def paired_ratio(answer: Callable[[], float], yardstick: Callable[[], float], pairs: int = 3) -> float:
    """The median of ``answer() / yardstick()`` over so many pairs, measured in turn so that a slow spell hits both.

    Both return a positive figure of the same kind (seconds, CPU seconds). Raises Broken if the yardstick's own
    figures spread too far: nothing that the answer does can cause that, for it is not running then.
    """
    ratios, own = [], []
    for number in range(pairs):
        # Who goes first changes from pair to pair: a machine that grows slower favours neither.
        first, second = (answer, yardstick) if number % 2 else (yardstick, answer)
        figures = {first: first(), second: second()}
        ratios.append(figures[answer] / figures[yardstick])
        own.append(figures[yardstick])
    if max(own) > NOISY * min(own):
        raise Broken(
            f"The machine is too noisy to judge time on: the same work took {min(own):.3f} to {max(own):.3f} s."
        )
    return statistics.median(ratios)


def fetch_all(items: Sequence[Mapping[str, Any]], workers: int) -> None:
    """Fetch every item's ``url`` with so many threads, each on one kept connection, and throw the bytes away.

    Raises Broken if the server answers anything but 200.
    """
    local = threading.local()
    opened: list[http.client.HTTPConnection] = []

    def fetch(item: Mapping[str, Any]) -> None:
        url = urlsplit(item["url"])
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection(url.netloc, timeout=10)
            opened.append(local.connection)
        local.connection.request("GET", url.path)
        response = local.connection.getresponse()
        response.read()
        if response.status != 200:
            raise Broken(f"The yardstick got {response.status} for {item['name']}.")

    try:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(fetch, items))
    finally:
        for connection in opened:
            connection.close()
