"""What a small web consists of: sites with pages that link to each other, their robots.txt, and what goes wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

ROBOTS = "/robots.txt"

#: Where a link may point: "/path" on the same site, or "name:/path" on another.
Link = str


@dataclass
class Page:
    """One page, HTML unless ``kind`` says otherwise; what is no text is bytes of any value, and begins with the title.

    The first ``len(faults)`` requests are answered with those statuses (0: the connection is reset), later ones well.
    ``redirect`` sends visitors on to a link. ``retry_after`` goes with a 429, in seconds. ``size`` is of padding, in
    bytes; ``drip`` sends it at so many bytes per second. ``header`` is the length of a header that nobody needs, in
    bytes. ``latency`` comes on top of the site's, in seconds.
    """

    links: list[Link] = field(default_factory=list)
    title: str = ""
    kind: str = "text/html"
    faults: list[int] = field(default_factory=list)
    redirect: Link = ""
    retry_after: float = 0.0
    size: int = 0
    drip: float = 0.0
    header: int = 0
    latency: float = 0.0


@dataclass
class Site:
    """One site. ``down`` says when it answers 503 to everything: from and to, in seconds after its first request.

    ``robots`` is the text of /robots.txt; None: there is none (404), unless it is one of the pages. ``robots_faults``
    are statuses as a page's.
    """

    pages: dict[str, Page] = field(default_factory=dict)
    latency: float = 0.0
    robots: str | None = None
    robots_faults: list[int] = field(default_factory=list)
    down: tuple[float, float] | None = None


@dataclass
class Plan:
    """All sites, by name."""

    sites: dict[str, Site] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Plan:
        """The inverse of :meth:`to_json`."""
        return cls({name: _site(**site) for name, site in row["sites"].items()})


def _site(pages: dict[str, Any], **rest: Any) -> Site:
    return Site({path: Page(**page) for path, page in pages.items()}, **rest)


def tree(pages: int, fan: int = 4, **options: Any) -> dict[str, Page]:
    """So many pages, "/" and "/1" onwards: each links to the next ``fan`` ones below it. ``options`` are a page's."""
    return {_path(n): Page([_path(m) for m in _children(n, pages, fan)], f"page {n}", **options) for n in range(pages)}


def _children(number: int, pages: int, fan: int) -> range:
    return range(number * fan + 1, min(number * fan + fan + 1, pages))


def _path(number: int) -> str:
    return f"/{number}" if number else "/"
