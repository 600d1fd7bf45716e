"""The graph of a run, as it changes before the eyes of who looks at it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from oppspot_runner.app.client import Client
from tests.browser.site import Site

AT_MOST_MS = 30_000  # where others use the machine too
pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

# Every status that an agent is drawn with from now on, in the order in which they come.
WATCH = """
() => {
  window.seen = [];
  const look = () => {
    for (const node of document.querySelectorAll("#graph .node")) {
      const name = node.getAttribute("aria-label").split(":")[0];
      const now = [name, node.querySelector("[data-word]").textContent];
      const last = window.seen.findLast(([name]) => name === now[0]);
      if (!last || last[1] !== now[1]) window.seen.push(now);
    }
  };
  look();
  new MutationObserver(look).observe(document.querySelector("#run"), {
    subtree: true, childList: true, attributes: true, characterData: true,
  });
}
"""


def build(site: Site) -> Any:
    """A stream: an agent at a gate, then one that fails, and after it one that minds, and one that
    goes on when somebody approves."""
    with Client(site.fleet.dsn) as client:
        made = {
            name: client.create_agent(name=name, agent_type=agent_type)
            for name, agent_type in (
                ("Gate", "weekly_digest"),
                ("Fails", "crm_sync"),
                ("Minds", "weekly_digest"),
                ("Goes on", "weekly_digest"),
            )
        }
        stream = client.create_stream("A failure")
        assignments: list[dict[str, Any]] = [
            {"agent_id": made["Gate"], "requires_approval": True},
            {"agent_id": made["Fails"], "depends_on_agent_ids": [made["Gate"]]},
            {"agent_id": made["Minds"], "depends_on_agent_ids": [made["Fails"]]},
            {
                "agent_id": made["Goes on"],
                "depends_on_agent_ids": [made["Fails"]],
                "on_failure": "run",
                "requires_approval": True,
            },
        ]
        client.assign_agents_to_stream(stream, assignments)
    return stream


@pytest.mark.slow
async def test_agents_change_colours_in_order_and_a_gate_is_opened_on_the_page(
    page: Page, site: Site
) -> None:
    await page.goto(f"/streams/{build(site)}")
    await page.get_by_role("button", name="Start a run").click()
    await page.get_by_role("button", name="Yes").click()
    await page.wait_for_url("**/runs/*")
    await expect(page.locator("#graph .node.s-asked")).to_have_count(1)
    await page.evaluate(WATCH)
    with Client(site.fleet.dsn) as client:
        client.approve_run(page.url.rpartition("/")[2])
    goes_on = page.locator("#graph .node", has_text="Goes on")
    await expect(goes_on).to_contain_text("wants approval", timeout=AT_MOST_MS)
    seen: list[list[str]] = await page.evaluate("window.seen")  # gone if it was loaded anew
    steps = {name: [status for one, status in seen if one == name] for name, _ in seen}
    assert steps["Gate"][0] == "wants approval"
    assert steps["Gate"][-1] == "completed"
    assert steps["Fails"][0] == "waiting"
    assert steps["Fails"][-1] == "failed"
    ends = [name for name, status in seen if status in ("completed", "failed", "skipped")]
    assert ends == ["Gate", "Fails", "Minds"]
    approve = page.get_by_role("button", name="Approve")
    await expect(approve).to_have_attribute("value", "Let Goes on start?", timeout=AT_MOST_MS)
    await approve.click()
    await page.get_by_role("button", name="Yes").click()
    await expect(page.locator("#flash")).to_have_text("1 agent(s) were approved.")
    await expect(page.locator("#run > .head .badge")).to_have_text("failed", timeout=AT_MOST_MS)
    await expect(goes_on).to_contain_text("completed")
    await expect(page.locator("#graph .edge.e-failed")).to_have_count(2)
    await expect(page.locator("#events")).to_contain_text("its owner left the company")
