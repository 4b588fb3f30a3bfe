"""What all tests share: components that may be missing, and a notebook from a few lines."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from weft.answer import sandbox

CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a component that this machine lacks; with WEFT_REQUIRE_ALL (as in CI) nothing is skipped."""
    if os.environ.get("WEFT_REQUIRE_ALL"):
        return
    lacking = {}
    if not sandbox.available():
        lacking["bubblewrap"] = "bubblewrap is missing or may not make namespaces here"
    if not (shutil.which("chromium") or shutil.which("chromium-browser")):
        lacking["browser"] = "chromium is missing"
    for item in items:
        for marker, reason in lacking.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say aloud what the missing components cost."""
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped and os.environ.get("WEFT_REQUIRE_ALL"):
        terminalreporter.write_line("WEFT_REQUIRE_ALL is set, so a skipped test is a failure.", red=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A skip fails the run where everything is required."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("WEFT_REQUIRE_ALL") and reporter and reporter.stats.get("skipped") and exitstatus == 0:
        session.exitstatus = 1


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright. It keeps a loop running in this thread, so no longer than needed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is missing")
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=found, args=CHROMIUM)
        yield chromium
        chromium.close()
