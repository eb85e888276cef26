"""Draws an app's icon and logo with Chromium; run by `make icons` in an environment of its own."""

from __future__ import annotations

import sys

from playwright.sync_api import Page, sync_playwright

from tests.environments import ROOT

SIZES = {"icon": (128, 128), "logo": (250, 100)}
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def draw(page: Page, app: str) -> None:
    """Both pictures of one app, transparent where nothing is drawn."""
    for name, (width, height) in SIZES.items():
        drawing = ROOT / app / "art" / f"{name}.svg"
        if not drawing.exists():
            continue
        page.set_viewport_size({"width": width, "height": height})
        page.set_content(
            f"<style>body{{margin:0}}svg{{display:block}}</style>{drawing.read_text()}"
        )
        target = ROOT / app / f"{name}.png"
        page.screenshot(path=target, omit_background=True)
        print(f"wrote {target.relative_to(ROOT)}")


if __name__ == "__main__":
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        for wanted in sys.argv[1:]:
            draw(browser.new_page(), wanted)
        browser.close()
