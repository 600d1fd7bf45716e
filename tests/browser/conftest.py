"""A browser for the session, a context for each test, and a site that all of them look at."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.browser.site import CHROMIUM, FLAGS, Site, running_site
from tests.warm import Warmer


@pytest.fixture(scope="session")
def site(server: str, warmer: Warmer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A daemon that serves the dashboard."""
    if not CHROMIUM.exists():
        pytest.skip(f"there is no browser: {CHROMIUM} is missing (apt-get install chromium)")
    with running_site(server, tmp_path_factory.mktemp("site"), warmer) as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(site: Site) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, site: Site) -> AsyncIterator[Page]:
    """A page of its own context; a test that uses it fails for anything that the browser minds."""
    context = await browser.new_context(base_url=site.url, viewport={"width": 1360, "height": 860})
    made = await context.new_page()
    faults = watch(made)
    yield made
    await context.close()
    assert not faults, "\n".join(faults)


def watch(page: Page) -> list[str]:
    """What the browser minds, as it happens: errors, reports of the CSP, failed requests."""
    faults: list[str] = []
    page.on(
        "console",
        lambda told: (
            faults.append(f"{told.type}: {told.text} ({page.url})")
            if told.type in ("error", "warning")
            else None
        ),
    )
    page.on("pageerror", lambda error: faults.append(f"script: {error} ({page.url})"))
    page.on(
        "requestfailed",
        # A stream, or what was being asked for, is cut when the page is left.
        lambda request: (
            None
            if request.failure == "net::ERR_ABORTED"
            else faults.append(f"request: {request.url} {request.failure}")
        ),
    )
    return faults
