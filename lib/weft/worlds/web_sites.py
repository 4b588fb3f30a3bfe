"""Several small sites that misbehave on request, in a process of their own, with a trace that no answer can reach."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from weft.trace import Trace
from weft.worlds.hosting import Hosted
from weft.worlds.web_plan import Page, Plan, Site, tree

__all__ = ["Page", "Plan", "Site", "WebSites", "open_world", "tree"]


class WebSites:
    """The handle to the sites' process. Use :func:`open_world`."""

    def __init__(self) -> None:
        self._hosted = Hosted("weft.worlds.web_service", "The web of small sites")
        self.addresses: dict[str, str] = {}

    def reset(self) -> None:
        """No sites, an empty trace."""
        self.serve(Plan())

    def serve(self, plan: Plan) -> dict[str, str]:
        """Serve these sites instead of the ones before, with an empty trace.

        Returns each site's address, "http://127.0.0.1:port", by its name.
        """
        self.addresses = self._hosted.order(do="begin", plan=plan.to_json())
        return self.addresses

    @property
    def trace(self) -> Trace:
        """What the sites saw: see :attr:`weft.worlds.web_service.Web.trace`."""
        rows: list[dict[str, Any]] = self._hosted.order(do="trace")
        return Trace.from_json(rows)

    def close(self) -> None:
        """End the sites."""
        self._hosted.close()


@contextlib.contextmanager
def open_world() -> Iterator[WebSites]:
    """A small web of one's own, as long as the context lasts."""
    sites = WebSites()
    try:
        yield sites
    finally:
        sites.close()
