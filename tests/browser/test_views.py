"""Every view in a real browser: no error, nothing sideways, nothing that keeps anybody out."""

from __future__ import annotations

import asyncio

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.browser.conftest import watch
from tests.browser.site import Site
from tests.browser.views import views_of

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]
TABS = 3
GRAVE = ("serious", "critical")
WIDE = ViewportSize(width=1360, height=860)
PHONE = ViewportSize(width=390, height=844)


@pytest.mark.slow
async def test_no_view_keeps_anybody_out(browser: Browser, site: Site) -> None:
    """In light; in the dark, which changes colours only, none is too faint."""
    context = await browser.new_context(
        base_url=site.url, color_scheme="light", reduced_motion="reduce"
    )
    views = list(views_of(site).items())
    tabs = [await context.new_page() for _ in range(TABS)]
    found = await asyncio.gather(
        *(visit(tab, views[place::TABS]) for place, tab in enumerate(tabs))
    )
    await context.close()
    faults = [fault for faults in found for fault in faults]
    assert not faults, "\n".join(faults)


async def visit(page: Page, views: list[tuple[str, str]]) -> list[str]:
    """What the browser and axe mind, and which views go sideways on a phone."""
    faults = watch(page)
    for name, path in views:
        answer = await page.goto(path)
        assert answer is not None
        assert answer.ok, f"{name}: {answer.status}"
        await expect(page.locator("h1")).to_have_count(1)
        found = await faults_of(page)
        await page.emulate_media(color_scheme="dark")
        found += await faults_of(page, only="color-contrast")
        await page.emulate_media(color_scheme="light")
        await page.set_viewport_size(PHONE)
        width = await page.evaluate("document.documentElement.scrollWidth")
        await page.set_viewport_size(WIDE)
        faults += [f"{name}: {fault}" for fault in found]
        faults += [f"{name}: {width} pixels wide"] if width > PHONE["width"] else []
    return faults


async def faults_of(page: Page, only: str | None = None) -> list[str]:
    """What axe finds serious; `only` one of its rules where it is given."""
    rules = {"runOnly": [only]} if only else {}
    found = await Axe().run(page, options={"resultTypes": ["violations"], **rules})
    return [
        f"{fault['id']}: {fault['nodes'][0]['html'][:200]} {fault['nodes'][0]['failureSummary']}"
        for fault in found.response["violations"]
        if fault["impact"] in GRAVE
    ]


@pytest.mark.slow
async def test_heads_of_long_tables_stay(page: Page) -> None:
    for size in (WIDE, PHONE):
        await page.set_viewport_size(ViewportSize(width=size["width"], height=400))
        await page.goto("/tasks")
        scrolled, box, head, shown = await page.locator(".box").evaluate(
            """box => {
                box.scrollTo(0, box.scrollHeight);
                scrollTo(0, document.body.scrollHeight);
                const top = (element) => element.getBoundingClientRect().top;
                const head = top(box.querySelector("th"));
                return [box.scrollTop, top(box), head, head >= 0];
            }"""
        )
        assert scrolled > 0
        assert head == box
        assert shown
