"""A1's reference beside Scrapy, httpx and the floor: ``python benchmarks/a1_scraper.py [load [seconds]]``.

Six sites of sixty pages that link to each other, 20 ms a page, robots.txt obeyed, a hundred requests a second and ten
connections for each site; times are those of the sites' own trace, from the first request to the last answer. The
floor is what the rate allows: no client that keeps to it can be quicker. What is not installed (Scrapy, httpx with
aiolimiter) is left out, with a sentence.

``load`` runs the reference alone, for sixty seconds unless said, against sites of which one page in fifty fails at
first, and tells whether a page was lost or fetched twice, whether a site saw more than its bucket allows, and what it
cost.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from weft.course.variants import reference
from weft.layout import Course
from weft.trace import Trace
from weft.worlds.web_sites import Plan, Site, WebSites, open_world, tree

ROUNDS, SITES, PAGES, RATE, BURST, CONNECTIONS, LATENCY = 5, "abcdef", 60, 100.0, 5, 10, 0.02
FLOOR = (PAGES + 1 - BURST) / RATE + 2 * LATENCY

SPIDER = """
import sys
import scrapy
from scrapy.crawler import CrawlerProcess

class Spider(scrapy.Spider):
    name = "spider"
    async def start(self):
        for url in sys.argv[3:]:
            yield self.ask(url)
    def ask(self, url):
        # Scrapy tells sites apart by host name; ours differ by port only.
        return scrapy.Request(url, self.parse, meta={"download_slot": url.split("/")[2]})
    def parse(self, response):
        for link in response.css("a::attr(href)").getall():
            yield self.ask(response.urljoin(link))

process = CrawlerProcess({
    "LOG_ENABLED": False, "ROBOTSTXT_OBEY": True, "TELNETCONSOLE_ENABLED": False, "CONCURRENT_REQUESTS": 64,
    "CONCURRENT_REQUESTS_PER_DOMAIN": int(sys.argv[2]), "DOWNLOAD_DELAY": 1 / float(sys.argv[1]),
    "RANDOMIZE_DOWNLOAD_DELAY": False, "TWISTED_REACTOR": "twisted.internet.asyncioreactor.AsyncioSelectorReactor",
})
process.crawl(Spider)
process.start()
"""


def ours(starts: list[str]) -> None:
    """The reference, in this process."""
    scraper = importlib.import_module("scraper").Scraper(rate=RATE, burst=BURST, connections=CONNECTIONS)
    asyncio.run(scraper.run(starts))


def scrapy(starts: list[str]) -> None:
    """A spider that follows every link, in a process of its own, as Scrapy wants it. It has no burst."""
    spider = Path(sys.path[0], "spider.py")
    spider.write_text(SPIDER)
    subprocess.run([sys.executable, str(spider), str(RATE), str(CONNECTIONS), *starts], check=True)


def httpx(starts: list[str]) -> None:
    """httpx with aiolimiter's bucket for each site."""
    asyncio.run(_httpx(starts))


async def _httpx(starts: list[str]) -> None:
    client_of, limiter = importlib.import_module("httpx"), importlib.import_module("aiolimiter").AsyncLimiter
    pages, robots = importlib.import_module("pages"), importlib.import_module("robots")
    brakes = {pages.site_of(url): (limiter(BURST, BURST / RATE), asyncio.Semaphore(CONNECTIONS)) for url in starts}
    seen: set[str] = set()
    limits = client_of.Limits(max_connections=64, max_keepalive_connections=64)
    async with client_of.AsyncClient(limits=limits) as client, asyncio.TaskGroup() as group:

        async def get(url: str) -> Any:
            bucket, places = brakes[pages.site_of(url)]
            async with places, bucket:
                try:
                    return await client.get(url)
                except client_of.TransportError:  # a kept connection that was closed meanwhile
                    return await client.get(url)

        async def rules_of(url: str) -> tuple[int, str]:
            answer = await get(url)
            return answer.status_code, answer.text

        rules = robots.Robots("weft", rules_of)

        async def visit(url: str) -> None:
            if await rules.allowed(url):
                answer = await get(url)
                found(pages.read(url, answer.status_code, "text/html", answer.content).links)

        def found(links: list[str]) -> None:
            for url in links:
                if url not in seen:
                    seen.add(url)
                    group.create_task(visit(url))

        found(starts)


def most_above(trace: Trace, rate: float, burst: int) -> float:
    """By how many requests a site saw more, in some stretch of time, than the bucket allows."""
    most = float("-inf")
    for site in {event.subject.partition(":")[0] for event in trace.of("arrive")}:
        lead = float("inf")  # the least that a request had been ahead of the rate so far
        times = [event.time for event in trace.of("arrive") if event.subject.partition(":")[0] == site]
        for number, moment in enumerate(times):
            lead = min(lead, number - rate * moment)
            most = max(most, number - rate * moment - lead + 1 - burst)
    return most


def run(fetch: Callable[[list[str]], None], web: WebSites) -> tuple[float, int, float]:
    """Seconds, connections, and requests above the bucket, of one fetch of everything."""
    addresses = web.serve(Plan({name: Site(tree(PAGES, fan=20), latency=LATENCY) for name in SITES}))
    fetch([address + "/" for address in addresses.values()])
    trace = web.trace
    pages = Counter(event.subject for event in trace.of("arrive") if not event.subject.endswith("robots.txt"))
    doubled = [page for page, times in pages.items() if times > 1]
    assert len(pages) == len(SITES) * PAGES, f"{fetch.__name__}: {len(pages)} pages"
    assert not doubled or fetch is not ours, f"twice: {doubled}"
    return trace.of("arrive", "depart").span(), trace.count("connect"), most_above(trace, RATE, BURST)


def peers() -> dict[str, Callable[[list[str]], None]]:
    """Those that are installed."""
    found: dict[str, Callable[[list[str]], None]] = {"reference": ours}
    for name, fetch, needs in (("Scrapy", scrapy, ["scrapy"]), ("httpx", httpx, ["httpx", "aiolimiter"])):
        missing = [module for module in needs if importlib.util.find_spec(module) is None]
        if missing:
            print(f"{name} is left out: {' and '.join(missing)} cannot be imported (pip install {' '.join(missing)}).")
        else:
            found[name] = fetch
    return found


def compare(web: WebSites) -> None:
    """Print medians, and ratios within each round."""
    fetchers = peers()
    found: dict[str, list[tuple[float, int, float]]] = {name: [] for name in fetchers}
    for number in range(ROUNDS + 1):
        for name in sorted(fetchers, reverse=number % 2 == 0):
            took = run(fetchers[name], web)
            if number:  # the first round warms up
                found[name].append(took)
    print(f"{len(SITES)} sites × {PAGES} pages, {LATENCY * 1000:g} ms, {RATE:g} a second, {ROUNDS} rounds")
    print(f"the floor is {FLOOR:g} s")
    for name, rows in found.items():
        seconds, connections, above = zip(*rows, strict=True)
        ratios = [mine[0] / other for mine, other in zip(found["reference"], seconds, strict=True)]
        middle = statistics.median(seconds)
        print(f"{name:10} median {middle:5.2f} s = {middle / FLOOR:4.2f} × floor; ", end="")
        print(f"reference / it {statistics.median(ratios):4.2f}; {max(connections)} connections; ", end="")
        print(f"at most {max(0.0, *above):.1f} requests above the bucket")


def load(web: WebSites, seconds: float) -> None:
    """Hold a load that fills so many seconds, and say what came of it."""
    rate, pages = 40.0, int(40 * seconds)
    plan = Plan({name: Site(tree(pages, fan=10), latency=LATENCY) for name in SITES})
    hand = random.Random(1)
    for site in plan.sites.values():
        for page in hand.sample(sorted(site.pages.values(), key=lambda page: page.title), pages // 50):
            page.faults = [hand.choice([500, 503, 429, 0])]
    addresses = web.serve(plan)
    names = {address: name for name, address in addresses.items()}
    options = {"rate": rate, "burst": BURST, "connections": CONNECTIONS, "most_pages": 10**6, "threshold": 10}
    scraper = importlib.import_module("scraper").Scraper(**options)
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    report = asyncio.run(scraper.run([address + "/" for address in addresses.values()]))
    took, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    home = {names[url[: url.index("/", 8)]] + ":" + url[url.index("/", 8) :] for url in report.pages}
    trace = web.trace
    asked = Counter(event.subject for event in trace.of("arrive"))
    everything = ((name, path, page) for name, site in plan.sites.items() for path, page in site.pages.items())
    wanted = {f"{name}:{path}": 1 + len(page.faults) for name, path, page in everything}
    wanted |= {f"{name}:/robots.txt": 1 for name in plan.sites}
    wrong = {page: asked[page] for page in wanted if asked[page] != wanted[page]}
    lost = len(wanted) - len(SITES) - len(home)
    print(f"{len(SITES)} sites at {rate:g} a second: {sum(asked.values())} requests in {took:.1f} s, {len(home)} pages")
    print(f"lost {lost}, failed {len(report.failed)}, asked for more or less often than needed {len(wrong)}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"at most {max(0.0, most_above(trace, rate, BURST)):.1f} requests above the bucket, as they arrived")
    print(f"{trace.count('connect')} connections, {1000 * cpu / sum(asked.values()):.2f} ms of CPU a request")
    print(f"peak memory grew by {(after.ru_maxrss - before.ru_maxrss) / 1024:.0f} MiB")


def main() -> None:
    """One or the other."""
    with tempfile.TemporaryDirectory() as modules, open_world() as web:
        for name, source in reference(Course(Path(__file__).parents[1]).challenge("A1")).lifted.modules.items():
            Path(modules, f"{name}.py").write_text(source)
        sys.path.insert(0, modules)
        if sys.argv[1:2] == ["load"]:
            load(web, float(sys.argv[2]) if len(sys.argv) > 2 else 60.0)
        else:
            compare(web)


if __name__ == "__main__":
    main()
