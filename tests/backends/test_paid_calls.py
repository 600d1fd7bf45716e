"""Agents in threads and child processes ask models: the runner asks, pays and keeps the keys."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from oppspot_runner.llm.messages import ModelRequest, Reply
from oppspot_runner.llm.mock import MockProvider
from tests.backends import sample_agents
from tests.backends.conftest import Made
from tests.runner.conftest import Bench


@pytest.fixture(autouse=True)
def prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('version = "t"\n[models."mock:echo"]\ninput = 1000\noutput = 1000\n')
    monkeypatch.setenv("OPPSPOT_LLM_PRICES", str(file))


async def made(bench: Bench, task: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The task's row and its last attempt."""
    async with bench.running():
        (row,) = await bench.ended(task)
    return row, (await bench.attempts(task))[-1]


@pytest.mark.slow
async def test_a_child_asks_and_is_not_asked_to_pay_again(bench: Bench, child_agent: Made) -> None:
    task = await bench.task(await child_agent("asks", configuration="{}"))
    row, last = await made(bench, task)
    assert row["status"] == "completed", row["error_message"]
    assert last["output_data"]["pid"] != os.getpid()
    assert last["output_data"]["text"] == "What is 15 + 27?"
    calls = await bench.db.fetch_all("SELECT attempt, cost_usd::text FROM model_calls")
    assert calls == [{"attempt": 1, "cost_usd": "0.008000"}]


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["thread", "process"])
async def test_the_end_of_a_budget_is_told_on_the_other_side(bench: Bench, isolation: str) -> None:
    bench.registry.register(sample_agents.asks, "asks")
    agent = await bench.agent_row(
        "asks", configuration=f'{{"isolation": "{isolation}", "limits": {{"cost_usd": 0.5}}}}'
    )
    row, _ = await made(bench, await bench.task(agent))
    assert row["status"] == "failed"
    assert row["error_message"].startswith("BUDGET_EXCEEDED Raise the budget")


@pytest.mark.slow
async def test_a_child_waits_for_money_that_others_hold(
    bench: Bench, child_agent: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = asyncio.Event()
    at_once = MockProvider.ask

    async def ask(self: MockProvider, model: str, request: ModelRequest) -> Reply:
        await opened.wait()
        return await at_once(self, model, request)

    monkeypatch.setattr(MockProvider, "ask", ask)
    agent = await child_agent("asks", configuration='{"max_retries": 1}')
    await bench.db.execute("SELECT set_budget('agent', %s, 1.5)", (agent,))
    tasks = [await bench.task(agent) for _ in range(2)]

    async def one_waits() -> bool:
        waits = "SELECT FROM agent_executions WHERE error_message LIKE 'waited: for money%%'"
        return bool(await bench.db.fetch_all(waits))

    async with bench.running():
        await bench.until(one_waits)
        opened.set()
        rows = await bench.ended(*tasks)
    assert {row["status"] for row in rows} == {"completed"}


@pytest.mark.slow
async def test_a_loop_of_a_child_asks_as_well(bench: Bench, child_agent: Made) -> None:
    row, last = await made(bench, await bench.task(await child_agent("asks_in_loop")))
    assert row["status"] == "completed", row["error_message"]
    assert last["output_data"] == {"text": "hello"}
