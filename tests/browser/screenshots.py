"""The pictures of docs/guides/dashboard.md: `python -m tests.browser.screenshots`.

Every view in light and dark, of the site that the tests look at. Give a folder to have PNG files of
other sizes too, to look at: `python -m tests.browser.screenshots /tmp/look`.
"""

from __future__ import annotations

import asyncio
import base64
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from oppspot_runner.observe import logging
from tests.browser.site import CHROMIUM, FLAGS, Site, running_site
from tests.browser.views import views_of
from tests.conftest import running_server
from tests.warm import ROOT, warmer

PICTURES = ROOT / "docs" / "images" / "dashboard"
WIDE = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
QUALITY = 66
Colours = Literal["light", "dark"]


async def take(site: Site, look: Path | None) -> None:
    """Takes all pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        colours: Colours
        for colours in ("light", "dark"):
            await _in_colours(browser, site, colours, look)
        await browser.close()


async def _in_colours(browser: Browser, site: Site, colours: Colours, look: Path | None) -> None:
    context = await browser.new_context(
        base_url=site.url, viewport=WIDE, color_scheme=colours, reduced_motion="reduce"
    )
    page = await context.new_page()
    for name, path in views_of(site).items():
        await page.goto(path)
        if await page.locator("[data-live]").count():
            await expect(page.locator("#live")).to_have_attribute("data-state", "on")
        await _keep(page, PICTURES / f"{name}-{colours}.webp")
        if look is not None:
            await page.screenshot(path=look / f"{name}-{colours}.png", full_page=True)
            await page.set_viewport_size(PHONE)
            await page.screenshot(path=look / f"{name}-{colours}-phone.png")
            await page.set_viewport_size(WIDE)
    await context.close()


async def _keep(page: Page, path: Path) -> None:
    session = await page.context.new_cdp_session(page)
    shot = await session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    path.write_bytes(base64.b64decode(shot["data"]))
    await session.detach()


def main() -> None:
    """Starts a site of its own, and takes the pictures."""
    logging.set_up("json", "error")
    look = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if look is not None:
        look.mkdir(parents=True, exist_ok=True)
    with (
        running_server() as server,
        warmer() as warm,
        TemporaryDirectory() as folder,
        running_site(server, Path(folder), warm) as site,
    ):
        asyncio.run(take(site, look))


if __name__ == "__main__":
    main()
