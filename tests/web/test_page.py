"""The agent of the guide about the outside world does what the page says."""

from __future__ import annotations

from typing import Any

from tests.connectors.http.internet import Site, answer
from tests.docs.pages import blocks_of
from tests.runner.conftest import Bench


async def test_the_agent_of_the_guide_asks_the_register(bench: Bench, site: Site) -> None:
    site.answers["/ch/company/1"] = answer(200, b'{"company_name": "ACME"}')
    site.answers["/ch/company/2"] = answer(404)
    site.answers["/ch/company/3"] = answer(400)
    names: dict[str, Any] = {}
    exec("\n".join(one.body for one in blocks_of("docs/guides/outside-world.md", "python")), names)
    agent = await bench.agent(names["register_check"].function)
    async with bench.running():
        task = await bench.task(agent, payload='{"numbers": ["1", "2", "3"]}')
        (row,) = await bench.ended(task)
    assert row["status"] == "completed", row["error_message"]
    output = (await bench.attempts(task))[-1]["output_data"]
    assert output == {"companies": ["ACME", None], "api_calls": 3}
