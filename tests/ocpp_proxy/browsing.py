"""Chromium for the tests of the page, and what every view of it must hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, Error, Page, async_playwright

from tests.stand import node

CHROMIUM = Path("/usr/bin/chromium")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
# Milliseconds; an upper bound for a browser on a machine with other work.
PATIENCE = 120_000
# Shifts nobody asked for; that new messages push older ones down is meant.
OBSERVE_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries().filter((each) => !each.hadRecentInput)) {
    for (const { node } of entry.sources) {
      const element = node?.nodeType === 1 ? node : node?.parentElement;
      if (element && !element.closest("[data-testid=messages]")) {
        window.shifts.push(`${entry.value} ${element.outerHTML.slice(0, 120)}`);
      }
    }
  }
}).observe({ type: "layout-shift", buffered: true });
"""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser that talks to nobody but the page."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        try:
            yield browser
        finally:
            await browser.close()


class View:
    """A page with everything that went wrong in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.asked: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def others(self, url: str) -> list[str]:
        """Requests that did not go below this address."""
        return [each for each in self.asked if not each.startswith(url)]

    def hosts(self) -> set[str]:
        return {urlsplit(each).netloc for each in self.asked}

    async def axe(self) -> list[str]:
        """What the accessibility check finds, best practices included."""
        source = (node.packages() / "node_modules" / "axe-core" / "axe.min.js").read_text()
        # As a debugger would, since the page's own policy forbids foreign scripts.
        await self.page.evaluate(source + "; 0")
        found = await self.page.evaluate("axe.run(document)")
        return [
            f"{each['id']}: {node_['html'][:200]}"
            for each in found["violations"]
            for node_ in each["nodes"]
        ]

    async def shifts(self) -> list[str]:
        found: list[str] = await self.page.evaluate("window.shifts")
        return found

    async def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        found: int = await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return found


@asynccontextmanager
async def view(
    browser: Browser, url: str, *, width: int = 1280, height: int = 900, scheme: Any = "light",
    **more: Any,
) -> AsyncIterator[View]:  # fmt: skip
    """The page at this address, when its first news have come."""
    context = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, **more
    )
    try:
        await context.add_init_script(OBSERVE_SHIFTS)
        context.set_default_timeout(PATIENCE)
        seen = View(await context.new_page())
        await seen.page.goto(url)
        await seen.page.locator("#content").wait_for(state="visible")
        yield seen
    except (AssertionError, Error) as error:
        hidden = await seen.page.evaluate("document.hidden")
        raise AssertionError(f"hidden {hidden}, {seen.errors} after {seen.asked}") from error
    finally:
        await context.close()
