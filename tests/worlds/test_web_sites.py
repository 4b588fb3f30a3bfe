"""A small web: pages that link, robots.txt, and every way in which a site misbehaves; in the loop and in a process."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import aiohttp
import pytest
from worlds_help import eventually

from weft.probes.virtual_clock import run_virtual
from weft.trace import Trace
from weft.worlds.errors import WorldError
from weft.worlds.web_plan import Page, Plan, Site, tree
from weft.worlds.web_service import Web, serve
from weft.worlds.web_sites import WebSites, open_world

Get = Callable[[str], Awaitable[tuple[int, dict[str, str], bytes]]]


def one_request_each() -> aiohttp.ClientSession:
    """aiohttp repeats a request by itself whose connection is reset, and has no public switch for it."""
    session = aiohttp.ClientSession()
    session._retry_connection = False
    return session


def visit(plan: Plan, script: Callable[[Web, Get], Awaitable[Any]]) -> tuple[Any, Trace]:
    """What ``script(web, get)`` returns on the virtual clock, and what the sites saw."""

    async def run() -> tuple[Any, Trace]:
        async with serve(plan) as web, one_request_each() as session:

            async def get(link: str) -> tuple[int, dict[str, str], bytes]:
                async with session.get(web.address(link, ""), allow_redirects=False) as response:
                    return response.status, dict(response.headers), await response.read()

            found = await script(web, get)
            return found, web.trace

    done = run_virtual(run)
    assert done.failure is None, done.failure
    return done.result


async def statuses(get: Get, *links: str) -> list[int]:
    return [(await get(link))[0] for link in links]


def test_a_tree_links_each_page_once() -> None:
    pages = tree(10, fan=3)
    assert pages["/"].links == ["/1", "/2", "/3"] and pages["/2"].links == ["/7", "/8", "/9"]
    assert sorted(link for page in pages.values() for link in page.links) == sorted(pages.keys() - {"/"})
    assert tree(1) == {"/": Page([], "page 0")}


def test_a_plan_survives_json() -> None:
    plan = Plan({"a": Site({"/": Page(["b:/"], faults=[500, 0], drip=3.5)}, robots="x", down=(1.0, 2.0)), "b": Site()})
    assert Plan.from_json(plan.to_json()) == plan


def test_links_lead_within_a_site_across_and_away() -> None:
    pages = {"/": Page(["/1", "b:/2?x=<1>", "http://example.org/"], "a & b")}

    async def script(web: Web, get: Get) -> tuple[str, str]:
        return (await get("a:/"))[2].decode(), web.addresses["b"]

    (text, b), _ = visit(Plan({"a": Site(pages), "b": Site()}), script)
    assert "<title>a &amp; b</title>" in text
    for link in ("/1", f"{b}/2?x=&lt;1&gt;", "http://example.org/"):
        assert f'href="{link}"' in text


def test_faults_come_in_order_and_then_the_page() -> None:
    async def script(web: Web, get: Get) -> list[Any]:
        found: list[Any] = []
        for _ in range(4):
            try:
                status, headers, _ = await get("a:/")
                found.append((status, headers.get("Retry-After")))
            except aiohttp.ClientError:
                found.append("reset")
        return found

    found, trace = visit(Plan({"a": Site({"/": Page(faults=[429, 0, 500], retry_after=7)})}), script)
    assert found == [(429, "7"), "reset", (500, None), (200, None)]
    assert [event.value for event in trace.of("depart")] == [429, 0, 500, 200]


def test_redirects_name_a_whole_address() -> None:
    pages = {"/old": Page(redirect="/new"), "/over": Page(redirect="b:/x"), "/bad": Page(redirect="http://[broken")}

    async def script(web: Web, get: Get) -> list[str]:
        seen = [(await get(f"a:{path}"))[1]["Location"] for path in pages]
        return [place.replace(web.addresses["a"], "A").replace(web.addresses["b"], "B") for place in seen]

    found, _ = visit(Plan({"a": Site(pages), "b": Site()}), script)
    assert found == ["A/new", "B/x", "http://[broken"]


def test_robots_missing_there_failing_and_moved() -> None:
    sites = {
        "none": Site(tree(1)),
        "rules": Site(tree(1), robots="Disallow: /"),
        "broken": Site(tree(1), robots="", robots_faults=[503]),
        "moved": Site({"/robots.txt": Page(redirect="/rules")}),
    }

    async def script(web: Web, get: Get) -> list[int]:
        return await statuses(get, *(f"{name}:/robots.txt" for name in [*sites, "broken"]))

    assert visit(Plan(sites), script)[0] == [404, 200, 503, 302, 200]


def test_a_site_is_down_for_its_time_counted_from_its_first_request() -> None:
    async def script(web: Web, get: Get) -> list[int]:
        await asyncio.sleep(100)
        found = await statuses(get, "a:/")
        for seconds in (0.9, 0.2, 1.8, 0.2):
            await asyncio.sleep(seconds)
            found += await statuses(get, "a:/")
        return found

    assert visit(Plan({"a": Site(tree(1), down=(1.0, 3.0))}), script)[0] == [200, 200, 503, 503, 200]


def test_latency_is_the_sites_and_the_pages_and_stands_in_the_trace() -> None:
    async def script(web: Web, get: Get) -> list[int]:
        return await statuses(get, "a:/", "a:/slow", "a:/none")

    found, trace = visit(Plan({"a": Site({"/": Page(), "/slow": Page(latency=2.0)}, latency=0.5)}), script)
    starts, ends = ([event.time for event in trace.of(kind)] for kind in ("arrive", "depart"))
    assert found == [200, 200, 404]
    assert [round(end - start, 3) for start, end in zip(starts, ends, strict=True)] == [0.5, 2.5, 0.5]
    assert [event.subject for event in trace.of("arrive")] == ["a:/", "a:/slow", "a:/none"]


def test_a_page_drips() -> None:
    async def script(web: Web, get: Get) -> float:
        began = asyncio.get_running_loop().time()
        body = (await get("a:/"))[2]
        return len(body) / (asyncio.get_running_loop().time() - began)

    assert visit(Plan({"a": Site({"/": Page(size=1000, drip=200.0)})}), script)[0] == pytest.approx(200, rel=0.05)


def test_a_page_that_is_no_text_and_one_with_a_long_header() -> None:
    pages = {
        "/": Page(title="png", kind="image/png", size=10),
        "/head": Page(header=5_000),
        "/vast": Page(header=10**7),
    }

    async def script(web: Web, get: Get) -> Any:
        picture, head = await get("a:/"), await get("a:/head")
        with pytest.raises(aiohttp.ClientResponseError):
            await get("a:/vast")
        return picture[1]["Content-Type"], picture[2], len(head[1]["X-Padding"]), (await get("a:/head"))[0]

    kind, body, padding, after = visit(Plan({"a": Site(pages)}), script)[0]
    assert kind == "image/png" and len(body) == 3 + 256 + 10
    with pytest.raises(UnicodeDecodeError):
        body.decode()
    assert (padding, after) == (5_000, 200)


def test_who_leaves_early_is_noted() -> None:
    async def script(web: Web, get: Get) -> int:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(get("a:/"), 1.0)
        await asyncio.sleep(0.1)
        return web.trace.count("connect") - web.trace.count("disconnect")

    still_open, trace = visit(Plan({"a": Site(tree(1), latency=60.0)}), script)
    assert still_open == 0
    assert [(event.kind, event.value) for event in trace.of("arrive", "depart")] == [("arrive", 0), ("depart", 499)]


def test_connections_are_counted_and_named() -> None:
    async def script(web: Web, get: Get) -> None:
        await asyncio.gather(*(get("a:/") for _ in range(3)))
        await statuses(get, "a:/", "b:/")

    _, trace = visit(Plan({"a": Site(tree(1), latency=1.0), "b": Site(tree(1))}), script)
    assert [event.actor for event in trace.of("connect")] == ["a 1", "a 2", "a 3", "b 1"]
    assert trace.peak() == 3


@pytest.fixture(scope="module")
def one_web() -> Iterator[WebSites]:
    with open_world() as sites:
        yield sites


async def fetch_all(*urls: str) -> list[int]:
    async with aiohttp.ClientSession() as session:
        found = []
        for url in urls:
            async with session.get(url) as response:
                found.append(response.status)
        return found


def test_in_a_process_of_its_own(one_web: WebSites) -> None:
    addresses = one_web.serve(Plan({"a": Site(tree(2)), "b": Site(tree(1), robots="")}))
    urls = [f"{addresses['a']}/1", f"{addresses['b']}/robots.txt", f"{addresses['b']}/9"]
    assert asyncio.run(fetch_all(*urls)) == [200, 200, 404]
    assert [event.subject for event in one_web.trace.of("arrive")] == ["a:/1", "b:/robots.txt", "b:/9"]
    assert eventually(lambda: one_web.trace.count("disconnect") == 2)


def test_another_plan_ends_the_one_before(one_web: WebSites) -> None:
    old = one_web.serve(Plan({"a": Site(tree(1))}))["a"]
    new = one_web.serve(Plan({"a": Site(tree(1))}))["a"]
    assert asyncio.run(fetch_all(new)) == [200] and one_web.trace.count("arrive") == 1
    with pytest.raises(aiohttp.ClientConnectorError):
        asyncio.run(fetch_all(old))
    one_web.reset()
    assert one_web.addresses == {} and len(one_web.trace) == 0


def test_resets_by_the_hundred_leave_it_alive(one_web: WebSites) -> None:
    address = one_web.serve(Plan({"a": Site({"/": Page(faults=[0] * 150)})}))["a"]

    async def knock() -> None:
        async with one_request_each() as session:
            for _ in range(150):
                with pytest.raises(aiohttp.ClientError):
                    await session.get(address)

    asyncio.run(knock())
    assert asyncio.run(fetch_all(address)) == [200]


def test_a_web_that_has_died_says_so() -> None:
    with open_world() as sites:
        sites.reset()
        os.kill(sites._hosted._process.pid, signal.SIGKILL)
        with pytest.raises(WorldError, match="The web of small sites has died"):
            sites.serve(Plan())
