"""What both file servers keep: faults in their order, contents that repeat, a trace that ends."""

from __future__ import annotations

import pytest

from weft.trace import Trace
from weft.worlds import site as sites
from weft.worlds.contents import content, digest
from weft.worlds.faults import cut, missing, reset
from weft.worlds.site import File, Site


def test_a_trace_that_is_full_says_so_and_grows_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites, "MOST_EVENTS", 10)
    site = Site()
    for number in range(25):
        site.log("bytes", "a.bin", value=number)
    assert [event.kind for event in site.events] == ["bytes"] * 10 + ["overflow"]
    assert [event.value for event in Trace(site.events).of("bytes")] == list(range(10))


def test_faults_end_or_stay() -> None:
    file = File("a.bin", 10, [reset(2), cut(3), missing()])
    kinds = [fault.kind if (fault := file.next_fault()) else None for _ in range(6)]
    assert kinds == ["reset", "reset", "cut", "status", "status", "status"]
    assert File("a.bin", 10, [reset(0)]).next_fault() is None


def test_contents_follow_from_name_and_size() -> None:
    assert content("a", 1_000) == content("a", 1_000) != content("b", 1_000)
    assert len({digest(name, size) for name in "ab" for size in (0, 1, 1_000)}) == 5
    content.cache_clear()
    assert File("a", 1_000).data == content("a", 1_000)
