"""What people do on the pages, and that it happens."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.site import Site

AT_MOST_MS = 20_000  # where others use the machine too
HAPPEN = """
WITH raised AS (UPDATE agent_tasks SET priority = 9 WHERE id = %s RETURNING agent_id)
INSERT INTO agent_tasks (agent_id, scheduled_for)
SELECT agent_id, now() + interval '1 day' FROM raised RETURNING id
"""
LATER = """
INSERT INTO agent_tasks (agent_id, scheduled_for)
SELECT id, now() + interval '1 day' FROM ai_agents WHERE name = 'Weekly digest' RETURNING id
"""
CANCEL = (
    "UPDATE agent_tasks SET status = 'cancelled', finished_at = now() WHERE id = %s RETURNING id"
)
ENDS_IN_UTC = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$")
pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


@pytest.mark.slow
async def test_a_run_is_started_and_its_graph_finishes_before_the_eyes(
    page: Page, site: Site
) -> None:
    await page.goto("/streams")
    await page.get_by_role("link", name="Software and hosting in Bristol").first.click()
    await page.get_by_role("button", name="Start a run").click()
    await page.get_by_role("button", name="Yes").click()
    await page.wait_for_url("**/runs/*")
    await expect(page.locator("#graph .node")).to_have_count(6)
    await page.evaluate("window.isTheSame = true")
    await expect(page.locator("#graph .node.s-completed")).to_have_count(6, timeout=AT_MOST_MS)
    await expect(page.locator("#run > .head .badge")).to_have_text("completed")
    assert await page.evaluate("window.isTheSame"), "it was loaded anew"


@pytest.mark.slow
async def test_a_failed_task_is_retried_and_completes_before_the_eyes(
    page: Page, site: Site
) -> None:
    await page.goto("/tasks?status=failed")
    row = page.locator("tr", has_text="its owner left the company")
    await row.get_by_role("link").first.click()
    await expect(page.locator("#why")).to_contain_text("crm.example refused contact 1041")
    await expect(page.locator("#live")).to_have_attribute("data-state", "on")  # scripts run
    await page.get_by_role("button", name="Retry").click()
    await expect(page.get_by_role("dialog")).to_contain_text("in line again")
    await page.get_by_role("button", name="Yes").click()
    await expect(page.locator("#flash")).to_have_text("It was put in line again.")
    await expect(page.locator("#flash")).to_be_focused()  # keys go on from there
    await page.evaluate("window.isTheSame = true")
    await expect(page.locator("#head .badge")).to_have_text("completed", timeout=AT_MOST_MS)
    await expect(page.locator("#output")).to_contain_text('"synced": 12')
    assert await page.evaluate("window.isTheSame"), "it was loaded anew"


@pytest.mark.slow
async def test_a_yes_does_what_was_asked_though_the_page_offers_something_else_by_then(
    page: Page, site: Site
) -> None:
    """Where there was Cancel is Retry, once somebody else has cancelled it."""
    task = site.fleet.one(LATER)["id"]
    await page.goto(f"/tasks/{task}")
    await expect(page.locator("#live")).to_have_attribute("data-state", "on")
    await page.get_by_role("button", name="Cancel").click()
    site.fleet.all(CANCEL, (task,))
    await expect(page.locator("#head button")).to_have_text("Retry", timeout=AT_MOST_MS)
    await page.get_by_role("button", name="Yes").click()
    await expect(page.locator("#flash")).to_have_text("It is cancelled: nothing to do.")


@pytest.mark.slow
async def test_a_page_says_that_what_it_shows_was_deleted(browser: Browser, site: Site) -> None:
    task = site.fleet.one(LATER)["id"]
    context = await browser.new_context(base_url=site.url)
    page = await context.new_page()  # nobody minds the 404 that the browser tells of
    await page.goto(f"/tasks/{task}")
    await expect(page.locator("#live")).to_have_attribute("data-state", "on")
    site.fleet.all("DELETE FROM agent_tasks WHERE id = %s RETURNING id", (task,))
    await expect(page.locator("#stale")).to_contain_text("no longer there", timeout=AT_MOST_MS)
    await expect(page.locator("h1")).to_have_text("Weekly digest")
    await context.close()


@pytest.mark.slow
async def test_what_people_opened_chose_and_marked_stays_while_things_change(
    page: Page, site: Site
) -> None:
    task = site.id_of("analyst")
    await page.goto(f"/tasks/{task}")
    await expect(page.locator("#live")).to_have_attribute("data-state", "on")
    await page.locator("#replay summary").click()
    await page.locator("#replay textarea").fill('{"half": "written')
    await page.locator("#output-json summary").click()
    site.fleet.all(HAPPEN, (task,))
    await expect(page.locator("#facts")).to_contain_text("Priority9", timeout=AT_MOST_MS)
    await expect(page.locator("#replay textarea")).to_have_value('{"half": "written')
    await expect(page.locator("#output-json")).to_have_attribute("open", "")


@pytest.mark.slow
async def test_all_of_it_goes_by_keyboard(page: Page, site: Site) -> None:
    await page.goto("/")
    await page.keyboard.press("g")
    await page.keyboard.press("t")
    await page.wait_for_url("**/tasks")
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await expect(page.locator("[data-chosen]")).to_have_text("1 chosen")
    await page.locator("#list [data-needs-choice]").first.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#ask-scope")).to_have_text("1 chosen")
    await page.keyboard.press("Escape")
    await page.locator("select[name=type]").focus()
    await page.keyboard.press("ArrowDown")  # on the way to another choice: nothing is sent yet
    await expect(page.locator("select[name=type]")).to_be_focused()
    assert page.url.endswith("/tasks")
    await page.locator("#main").focus()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("next, previous row")
    await page.keyboard.press("Escape")
    await page.keyboard.press("/")
    await page.keyboard.type("has no owner")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/tasks?q=*")
    await expect(page.locator("tr[data-row]")).to_have_count(6)
    await page.get_by_role("button", name="UTC").click()
    await expect(page.locator("tr[data-row] time").first).to_have_text(ENDS_IN_UTC)
    await page.get_by_role("button", name="dark").click()
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await expect(page.locator("tr[data-row] time").first).to_have_text(ENDS_IN_UTC)


@pytest.mark.slow
async def test_without_scripts_a_page_asks(browser: Browser, site: Site) -> None:
    context = await browser.new_context(base_url=site.url, java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"/tasks/{site.id_of('Follow up')}")
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.locator("h1")).to_have_text("Cancel this task?")
    await page.get_by_role("button", name="Yes").click()
    await expect(page.locator("#flash")).to_have_text("It was cancelled.")
    await expect(page.locator("#head .badge")).to_have_text("cancelled")
    await context.close()
