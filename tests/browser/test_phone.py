"""The dashboard on a phone: by touch, on a narrow screen, with names that nobody expects."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.browser.site import Site

PHONE = ViewportSize(width=390, height=844)
LEAST = 24  # pixels of what a finger is to hit
WIDTH = """words => {
    const names = "h1, .row > span:not(.row), .crumb a, .node .name";
    for (const one of document.querySelectorAll(names)) {
        one.textContent = words;
    }
    return document.documentElement.scrollWidth;
}"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(180),
]


@pytest_asyncio.fixture(loop_scope="session")
async def phone(browser: Browser, site: Site) -> AsyncIterator[Page]:
    context = await browser.new_context(
        base_url=site.url, viewport=PHONE, is_mobile=True, has_touch=True
    )
    yield await context.new_page()
    await context.close()


async def test_one_long_word_makes_no_page_wide(phone: Page, site: Site) -> None:
    run = site.fleet.one("SELECT id FROM stream_runs ORDER BY id LIMIT 1")["id"]
    for path in ("/dead-letters", f"/runs/{run}"):
        await phone.goto(path)
        assert await phone.evaluate(WIDTH, "W" * 1000) == PHONE["width"], path


async def test_a_tap_beside_the_menu_closes_it_and_does_nothing_else(phone: Page) -> None:
    await phone.goto("/")
    tile = await phone.locator("a.tile").first.bounding_box()
    assert tile is not None
    await phone.get_by_role("button", name="Menu").tap()
    await expect(phone.locator("#menu")).to_be_visible()
    await phone.touchscreen.tap(tile["x"] + 10, tile["y"] + 10)
    await expect(phone.locator("#menu")).to_be_hidden()
    await phone.get_by_role("button", name="Menu").tap()  # would be gone with the page
    await expect(phone.locator("#menu a[aria-current]")).to_have_text("Overview")


async def test_rows_are_hit_by_a_finger_and_nothing_lies_upon_texts(
    phone: Page, site: Site
) -> None:
    await phone.goto("/tasks")
    for what in ("td a", "td input"):
        box = await phone.locator(what).first.bounding_box()
        assert box is not None
        assert box["height"] >= LEAST, what
    await phone.goto(f"/tasks/{site.id_of('Weekly digest')}")
    text, copy = [
        await phone.locator(f".code:visible {part}").first.bounding_box()
        for part in ("pre", ".copy")
    ]
    assert text is not None
    assert copy is not None
    assert copy["y"] >= text["y"] + text["height"]
