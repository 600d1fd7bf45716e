"""Calls of models by agents: each is written down, charged, remembered, and told of as it comes."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from oppspot_runner.agents.context import Context
from tests.runner.conftest import Bench

# 25 characters, 7 tokens in and as many out: 7 x 1000 + 7 x 2000 millionths of a USD.
ASKED, COST = "What do you say of this?!", Decimal("0.021")
PRICES = 'version = "test"\n[models."mock:echo"]\ninput = 1000\noutput = 2000\n'


@pytest.fixture(autouse=True)
def prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mock models cost something."""
    file = tmp_path / "prices.toml"
    file.write_text(PRICES)
    monkeypatch.setenv("OPPSPOT_LLM_PRICES", str(file))


async def calls(bench: Bench) -> list[dict[str, Any]]:
    return await bench.db.fetch_all("SELECT * FROM model_calls ORDER BY started_at, seq")


async def test_an_answer_is_paid_once_however_often_the_attempt_is_repeated(bench: Bench) -> None:
    async def asker(ctx: Context) -> dict[str, Any]:
        replies = [await ctx.llm.ask(ASKED), await ctx.llm.ask("and?", model="mock:echo")]
        if ctx.attempt == 1:
            raise RuntimeError("after both")
        return {"said": [one.text for one in replies], "cost": replies[0].cost}

    agent = await bench.agent(
        asker, configuration='{"model": "mock:echo", "backoff": {"first": 0}}'
    )
    task = await bench.task(agent)
    async with bench.running():
        (row,) = await bench.ended(task)
    assert row["status"] == "completed"
    first, second = await bench.attempts(task)
    assert second["output_data"] == {"said": [ASKED, "and?"], "cost": "0.021000"}
    rows = await calls(bench)
    assert [one["seq"] for one in rows] == [0, 1]
    one = rows[0]
    assert (one["task_id"], one["attempt"], one["agent_id"]) == (task, 1, agent)
    assert (one["status"], one["model"], one["cost_usd"]) == ("finished", "mock:echo", COST)
    assert (one["input_tokens"], one["output_tokens"]) == (7, 7)
    assert one["price_list"].endswith("+test")
    assert first["metrics"].items() >= {"model_calls": 2, "tokens": 16, "cost_usd": 0.024}.items()
    assert "model_calls" not in second["metrics"]
