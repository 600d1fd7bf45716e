"""`ctx.http` of an agent, wherever it runs, and what becomes of a task whose call failed."""

from __future__ import annotations

import json

import pytest

from tests.connectors.http.internet import Site, answer
from tests.runner.conftest import Bench
from tests.web import samples


@pytest.mark.parametrize("isolation", ["inline", "thread", "process", "plain"])
async def test_an_agent_asks_wherever_it_runs(isolation: str, bench: Bench, site: Site) -> None:
    site.answers["/ch/company/1"] = answer(200, b'{"name": "Acme"}')
    site.answers["/ch/company/bad"] = answer(400)
    body = samples.asking_in_thread if isolation == "plain" else samples.asking
    where = "thread" if isolation == "plain" else isolation
    agent = await bench.agent(body, configuration=json.dumps({"isolation": where}))
    async with bench.running():
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
    assert row["status"] == "completed", row["error_message"]
    assert (await bench.attempts(task))[-1]["output_data"] == {
        "name": "Acme",
        "code": ["BAD_CALL", "companies_house", 400],
        "requests": {"companies_house": 2},
        "configured": [True, False],
    }
