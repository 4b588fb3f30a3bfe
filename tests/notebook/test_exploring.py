"""weft.explore and weft.replay as a learner uses them: with cells, on the modules that are in force."""

from __future__ import annotations

from typing import Any

from weft.pictures.rows import headline

from .conftest import Notebook

CARELESS = """%%module counter
class Counter:
    def __init__(self):
        self.count = 0
    def add(self):
        self.count += 1
"""

CAREFUL = """%%module counter
import threading
class Counter:
    def __init__(self):
        self.count = 0
        self._lock = threading.Lock()
    def add(self):
        with self._lock:
            self.count += 1
"""

SCENARIO = """
import threading
import weft

def add_twice(times):
    counter = Counter()
    threads = [threading.Thread(target=counter.add) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.count == times, f"{times} adds, but the count is {counter.count}"
"""


def test_explore_mend_replay(notebook: Notebook) -> None:
    notebook.good(CARELESS)
    notebook.good(SCENARIO)
    notebook.good("found = weft.explore(add_twice, 2)\nfound")
    found: Any = notebook["found"]
    assert not found.holds and found.failure.message == "2 adds, but the count is 1"
    assert headline(found.failure.to_json()) in str(found)
    assert "weft-schedule" in found._repr_mimebundle_()["text/html"]
    notebook.good("again = weft.replay(add_twice, found.schedule, 2)")
    assert notebook["again"].failure.message == found.failure.message  # type: ignore[attr-defined]
    notebook.good(CAREFUL)
    notebook.good("mended = weft.explore(add_twice, 2), weft.replay(add_twice, found.schedule, 2)")
    assert [each.holds for each in notebook["mended"]] == [True, True]  # type: ignore[attr-defined]
    assert "It held in all 200 schedules." in str(notebook["mended"][0])  # type: ignore[index]


def test_what_cannot_be_explored_is_said_in_a_sentence(notebook: Notebook) -> None:
    notebook.good(CARELESS)
    notebook.good(SCENARIO)
    notebook.good(
        "limit = 3\ndef uses_a_constant():\n    return limit\ndef hangs():\n    import time\n    while True: pass"
    )
    assert "uses limit of its cell; pass it as an argument" in notebook.run("weft.explore(uses_a_constant)").told
    assert "a drive is a plain function" in notebook.run("weft.explore(lambda: None)").told
    assert "none has failed" in notebook.run("weft.replay(add_twice, None, 2)").told
    ran = notebook.good("endless = weft.explore(hangs, seconds=2)")
    assert not notebook["endless"].holds and ran.error is None  # type: ignore[attr-defined]
