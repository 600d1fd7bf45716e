"""Tests of agents: at once, by HTTP and by the command, and nothing of them is kept."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from oppspot_runner.agents.llm import llm
from oppspot_runner.agents.registry import Registry
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.db.pool import Database
from oppspot_runner.limits.budgets import set_budget
from oppspot_runner.tools.tool_base import ToolBase

SCRIPTED = {"model": "mock:script", "tools": ["outside"]}
CALL = {"calls": [{"name": "outside", "arguments": {}}]}


class OutsideTool(ToolBase):
    calls = 0

    def __init__(self) -> None:
        super().__init__("outside", "Does something outside.", repeatable=False)

    def _execute_impl(self, arguments: dict[str, Any]) -> Any:
        OutsideTool.calls += 1
        return {}


@pytest.fixture
def state(state: ApiState) -> ApiState:
    state.registry = Registry()
    state.registry.register(llm)
    return state


async def rows_in(db: Database) -> dict[str, int]:
    """How many rows there are in each table, and what was ever given out by sequences."""
    tables = await db.fetch_all("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    counts = {}
    for row in tables:
        name = row["tablename"]
        (found,) = await db.fetch_all(f'SELECT count(*) AS n FROM "{name}"')  # type: ignore[arg-type]
        counts[name] = found["n"]
    return counts


async def agent_of(db: Database, agent_type: str, configuration: dict[str, Any]) -> UUID:
    row = await db.fetch_one(
        "INSERT INTO ai_agents (name, agent_type, configuration) VALUES ('A', %s, %s) RETURNING id",
        (agent_type, json.dumps(configuration)),
    )
    assert row is not None
    agent_id: UUID = row["id"]
    return agent_id


async def test_nothing_is_kept_but_what_was_paid(
    api: httpx2.AsyncClient, state: ApiState, db: Database
) -> None:
    async def writes(ctx: Any) -> dict[str, Any]:
        await ctx.insight("note", "written in a test")
        (seen,) = await ctx.insights.newest()
        await ctx.step("a", dict)
        await ctx.progress(1, 2)
        reply = await ctx.llm.ask("hello", model="mock:echo")
        return {"said": reply.text, "seen": seen["title"]}

    state.registry.register(writes)
    stream = await db.fetch_one("INSERT INTO streams (name) VALUES ('s') RETURNING id")
    assert stream is not None
    agent = await agent_of(db, "writes", {})
    before = await rows_in(db)
    asked = {"input": {"stream_id": str(stream["id"])}}
    answer = await api.post(f"/api/v1/agents/{agent}/test", json=asked)
    assert answer.status_code == 200, answer.text
    assert answer.json()["test_output"] == {"said": "hello", "seen": "written in a test"}
    assert await rows_in(db) == {**before, "model_calls": before["model_calls"] + 1}
    (call,) = await db.fetch_all("SELECT status, agent_id, run_token FROM model_calls")
    assert call == {"status": "finished", "agent_id": agent, "run_token": 0}


async def test_a_tool_that_does_something_is_not_called_and_the_model_is_told(
    api: httpx2.AsyncClient, db: Database
) -> None:
    custom = {"custom_tools": {"outside": {"class": "OutsideTool"}}}
    script = {"script": [CALL, {"text": "It was not called."}]}
    agent = await agent_of(db, "llm", {**SCRIPTED, **custom, **script})
    answer = await api.post(f"/api/v1/agents/{agent}/test", json={"input": "go"})
    assert answer.status_code == 200, answer.text
    (called,) = answer.json()["test_output"]["tool_results"]
    assert (called["success"], called["code"]) == (False, "NOT_IN_A_TEST")
    assert OutsideTool.calls == 0


async def test_budgets_hold_and_are_charged(
    api: httpx2.AsyncClient, db: Database, state: ApiState, tmp_path: Any
) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('version = "a"\n[models."mock:echo"]\ninput = 1000\noutput = 1000\n')
    agent = await agent_of(db, "llm", {"model": "mock:echo", "max_tokens": 10})
    state.settings = state.settings.model_copy(update={"llm_prices": prices})
    await set_budget(db, "agent", agent, Decimal(1))
    asked = {"url": f"/api/v1/agents/{agent}/test", "json": {"input": "a"}}
    first = await api.post(**asked)
    assert first.status_code == 200, first.text
    (balance,) = await db.fetch_all("SELECT spent_usd, held_usd FROM budget_balances")
    assert float(balance["spent_usd"]) == pytest.approx(first.json()["cost_usd"])
    assert (first.json()["cost_usd"] > 0, balance["held_usd"]) == (True, 0)
    await set_budget(db, "agent", agent, Decimal("0.001"))
    second = await api.post(**asked)
    assert (second.status_code, second.json()["code"]) == (422, "BUDGET_EXCEEDED")


async def test_an_agent_that_fails_or_waits_is_an_error(
    api: httpx2.AsyncClient, state: ApiState, db: Database
) -> None:
    async def waits(ctx: Any) -> None:
        await ctx.wait_for_event("go")

    async def breaks(ctx: Any) -> None:
        raise ConfigurationError("there is no such place")

    for body, said in ((waits, "waits for the event 'go'"), (breaks, "no such place")):
        state.registry.register(body)
        agent = await agent_of(db, body.__name__, {})
        answer = await api.post(f"/api/v1/agents/{agent}/test", json={"input": {}})
        assert (answer.status_code, answer.json()["code"]) == (422, "TEST_FAILED")
        assert said in answer.json()["error"]
    unknown = await api.post(f"/api/v1/agents/{uuid4()}/test", json={"input": {}})
    assert unknown.status_code == 404
