"""Calls of models by agents: each is written down, charged, remembered, and told of as it comes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.agents.context import Context
from oppspot_runner.base.errors import Snooze
from oppspot_runner.limits.costs import costs
from oppspot_runner.llm.errors import OutputSchemaError
from oppspot_runner.llm.messages import ModelRequest, Reply, UserMessage
from oppspot_runner.llm.mock import MockProvider
from tests.runner.conftest import Bench

# 25 characters, 7 tokens in and as many out: 7 x 1000 + 7 x 2000 millionths of a USD.
ASKED, COST = "What do you say of this?!", Decimal("0.021")
REQUEST = ModelRequest([UserMessage(ASKED)], max_tokens=7)  # may cost as much as it will
PRICES = 'version = "test"\n[models."mock:echo"]\ninput = 1000\noutput = 2000\n'
AT_ONCE = {"model": "mock:echo", "backoff": {"first": 0}}


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
        return {"said": [one.text for one in replies], "cost_usd": float(replies[0].cost or 0)}

    agent = await bench.agent(asker, configuration=json.dumps(AT_ONCE))
    task = await bench.task(agent)
    async with bench.running():
        (row,) = await bench.ended(task)
    assert row["status"] == "completed"
    first, second = await bench.attempts(task)
    assert second["output_data"] == {"said": [ASKED, "and?"], "cost_usd": 0.021}
    rows = await calls(bench)
    assert [one["seq"] for one in rows] == [0, 1]
    one = rows[0]
    assert (one["task_id"], one["attempt"], one["agent_id"]) == (task, 1, agent)
    assert (one["status"], one["model"], one["cost_usd"]) == ("finished", "mock:echo", COST)
    assert (one["input_tokens"], one["output_tokens"]) == (7, 7)
    assert one["price_list"].endswith("+test")
    assert first["metrics"].items() >= {"model_calls": 2, "tokens": 16, "cost_usd": 0.024}.items()
    assert second["metrics"].items() >= {"model_calls": 0, "tokens": 0, "cost_usd": 0}.items()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Answers come when it is set."""
    opened = asyncio.Event()
    at_once = MockProvider.ask

    async def ask(self: MockProvider, model: str, request: ModelRequest) -> Reply:
        await opened.wait()
        return await at_once(self, model, request)

    monkeypatch.setattr(MockProvider, "ask", ask)
    return opened


async def budget(bench: Bench, scope: str, scope_id: UUID, most: str) -> None:
    await bench.db.execute("SELECT set_budget(%s, %s, %s)", (scope, scope_id, Decimal(most)))


async def test_an_answer_that_may_be_older_is_paid_by_the_first_who_asks(bench: Bench) -> None:
    async def asker(ctx: Context) -> dict[str, Any]:
        request = replace(REQUEST, cached_for_s=ctx.payload.get("for_s"))
        reply = await ctx.llm.ask(request)
        return {"said": reply.text, "tokens": reply.usage.total, "cost": reply.cost}

    agent = await bench.agent(asker, configuration=json.dumps(AT_ONCE))
    ours, theirs = await bench.db.fetch_all(
        "INSERT INTO organizations (name) VALUES ('ours'), ('theirs') RETURNING id"
    )
    seen = []
    async with bench.running():
        for org, for_s in ((ours, 60), (ours, 60), (theirs, 60), (ours, None)):
            payload = json.dumps({"for_s": for_s})
            task = await bench.task(agent, org_id=org["id"], payload=payload)
            await bench.ended(task)
            (attempt,) = await bench.attempts(task)
            assert attempt["metrics"]["steps"] == 1
            seen.append(attempt["output_data"])
    paid = {"said": ASKED, "tokens": 14, "cost": "0.021000"}
    assert seen == [paid, {**paid, "tokens": 0, "cost": "0"}, paid, paid]
    assert len(await calls(bench)) == 3


async def test_words_of_an_answer_are_events_of_the_run_while_they_come(bench: Bench) -> None:
    async def asker(ctx: Context) -> None:
        await ctx.llm.ask("one two three", model="mock:echo")

    agent = await bench.agent(asker)
    stream = await bench.db.fetch_one("INSERT INTO streams (name) VALUES ('s') RETURNING id")
    assert stream is not None
    task = await bench.task(agent, stream_id=stream["id"])
    async with bench.running():
        await bench.ended(task)
    chunks = await bench.db.fetch_all("SELECT data FROM run_events WHERE type = 'output_chunk'")
    assert "".join(row["data"]["chunk"] for row in chunks) == "one two three"
    (call,) = await calls(bench)
    assert call["stream_id"] == stream["id"]
    assert call["run_id"] == (await bench.row(task))["run_id"]


async def test_calls_at_once_wait_for_each_other_where_the_money_is_short(bench: Bench) -> None:
    async def asker(ctx: Context) -> dict[str, Any]:
        replies = await asyncio.gather(*(ctx.llm.ask(REQUEST, model="mock:echo") for _ in range(4)))
        return {"cost": sum(one.cost or 0 for one in replies)}

    task = await bench.task(await bench.agent(asker))
    await budget(bench, "task", task, "0.084")
    async with bench.running():
        (row,) = await bench.ended(task)
    assert (row["status"], row["attempt"]) == ("completed", 1), row["error_message"]
    (attempt,) = await bench.attempts(task)
    assert attempt["output_data"] == {"cost": "0.084000"}


async def test_a_task_waits_without_a_slot_for_money_that_others_hold(
    bench: Bench, gate: asyncio.Event
) -> None:
    async def asker(ctx: Context) -> None:
        await ctx.llm.ask(REQUEST, model="mock:echo")

    agent = await bench.agent(asker)
    await budget(bench, "agent", agent, "0.05")
    tasks = [await bench.task(agent, max_retries=0) for _ in range(3)]

    async def one_waits() -> bool:
        waiting = "SELECT error_message FROM agent_tasks WHERE status = 'pending' AND attempt > 0"
        rows = await bench.db.fetch_all(waiting)
        return any(row["error_message"].startswith("waited: for money: the bud") for row in rows)

    async with bench.running():
        await bench.until(one_waits)
        gate.set()
        rows = await bench.ended(*tasks)
    ends = sorted((row["status"], (row["error_message"] or "")[:15]) for row in rows)
    assert ends == [("completed", ""), ("completed", ""), ("failed", "BUDGET_EXCEEDED")]
    assert {row["retry_count"] for row in rows} == {0}


async def test_what_a_tool_costs_is_what_its_tasks_do(bench: Bench) -> None:
    async def asker(ctx: Context) -> None:
        await ctx.llm.ask(REQUEST, model="mock:echo")

    async def boss(ctx: Context) -> dict[str, Any]:
        return await ctx.tools.call("run_agent", {"agent": "asker"})

    await bench.agent(asker)
    tools = {"tools": {"run_agent": True}}
    task = await bench.task(await bench.agent(boss, configuration=json.dumps(tools)))
    async with bench.running():
        (row,) = await bench.ended(task)
    assert row["status"] == "completed", row["error_message"]
    (row,) = (await costs(bench.db, "tool")).rows
    assert (row["key"], row["calls"], row["cost_usd"]) == ("run_agent", 1, COST)


async def test_force_execute_does_not_override_a_budget(bench: Bench) -> None:
    async def asker(ctx: Context) -> None:
        await ctx.llm.ask(REQUEST, model="mock:echo")

    task = await bench.task(await bench.agent(asker), payload='{"force_execute": true}')
    await budget(bench, "task", task, "0.02")
    async with bench.running():
        (row,) = await bench.ended(task)
    assert (row["status"], row["attempt"]) == ("failed", 1)
    assert "costs budget set" in row["error_message"]
    assert await calls(bench) == []


async def test_a_call_that_is_cut_off_holds_nothing_afterwards(
    bench: Bench, gate: asyncio.Event
) -> None:
    async def asker(ctx: Context) -> None:
        try:
            async with asyncio.timeout(0.5):
                await ctx.llm.ask(REQUEST, model="mock:echo")
        except TimeoutError:
            gate.set()
        await ctx.llm.ask(REQUEST, model="mock:echo")

    task = await bench.task(await bench.agent(asker))
    await budget(bench, "task", task, "0.021")
    async with bench.running():
        (row,) = await bench.ended(task)
    assert (row["status"], row["attempt"]) == ("completed", 1), row["error_message"]
    assert [one["status"] for one in await calls(bench)] == ["lost", "finished"]


async def test_what_a_failed_call_cost_is_charged_as_far_as_anybody_knows(bench: Bench) -> None:
    async def asker(ctx: Context) -> None:
        await ctx.llm.ask("?", model="mock:script")

    script = [{"error": "BAD_ANSWER"}]
    refused = await bench.agent(asker, configuration=json.dumps({"script": []}))
    broken = await bench.agent_row("asker", configuration=json.dumps({"script": script}))
    tasks = [await bench.task(agent, max_retries=0) for agent in (refused, broken)]
    async with bench.running():
        await bench.ended(*tasks)
    ends = {one["error_code"]: (one["status"], one["cost_usd"]) for one in await calls(bench)}
    assert ends == {"REQUEST_REFUSED": ("failed", 0), "BAD_ANSWER": ("lost", None)}


async def test_an_answer_that_fits_no_schema_is_paid_once_until_it_is_an_error(
    bench: Bench,
) -> None:
    request = ModelRequest([UserMessage("no JSON")], output_schema={"type": "object"})

    async def asker(ctx: Context) -> None:
        with pytest.raises(OutputSchemaError, match="the answer is not JSON") as caught:
            await ctx.llm.ask(request, model="mock:echo")
        assert caught.value.reply is not None
        if ctx.attempt == 1:
            raise Snooze(after=0)
        raise caught.value

    agent = await bench.agent(asker, configuration=json.dumps(AT_ONCE))
    task = await bench.task(agent, max_retries=1)
    async with bench.running():
        (row,) = await bench.ended(task)
    assert (row["status"], row["attempt"]) == ("failed", 3), row["error_message"]
    made = [(one["attempt"], one["error_code"]) for one in await calls(bench)]
    assert made == [(1, "OUTPUT_SCHEMA_INVALID"), (3, "OUTPUT_SCHEMA_INVALID")]
    assert all(one["cost_usd"] > 0 for one in await calls(bench))
