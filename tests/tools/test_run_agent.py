"""`run_agent`: a child of the task, whose output is the answer."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from oppspot_runner import Backoff, Context, Fail
from oppspot_runner.agents.llm import llm
from tests.runner.conftest import Bench
from tests.tools import samples

MAY = {
    "tools": ["run_agent"],
    "rate_limits": {"run_agent": {"max_calls": 1, "window_seconds": 600}},
}


async def doubling(ctx: Context) -> dict[str, Any]:
    if "n" not in ctx.payload:
        raise Fail("there is no n")
    return {"twice": ctx.payload["n"] * 2}


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["inline", "thread", "process"])
async def test_the_output_of_the_other_agent_comes_back(isolation: str, bench: Bench) -> None:
    await bench.agent(doubling)
    body = samples.forwarding_in_thread if isolation == "thread" else samples.forwarding
    may = json.dumps({**MAY, "isolation": isolation})
    agent = await bench.agent(body, configuration=may)
    async with bench.running():
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
    assert row["status"] == "completed", row["error_message"]
    attempts = await bench.attempts(task)
    assert attempts[-1]["output_data"]["result"] == {"twice": 42}
    # It waited and held no slot, unless the other one was too fast to be waited for.
    assert {one["status"] for one in attempts[:-1]} <= {"cancelled"}
    (call,) = await bench.db.fetch_all("SELECT * FROM tool_calls")
    assert (call["tool"], call["code"], call["attempt"]) == ("run_agent", None, 1)
    which = "SELECT FROM agent_tasks WHERE parent_task_id = %s"
    assert len(await bench.db.fetch_all(which, (task,))) == 1


async def test_of_an_agent_with_a_model_comes_the_answer_and_not_the_conversation(
    bench: Bench,
) -> None:
    await bench.agent(llm, configuration='{"model": "mock:echo"}')

    async def asking(ctx: Context) -> dict[str, Any]:
        asked = {"agent": "llm", "payload": {"input": "Anybody?"}}
        return {"answer": await ctx.tools.result("run_agent", asked)}

    agent = await bench.agent(asking, configuration='{"tools": ["run_agent"]}')
    async with bench.running():
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
    assert row["status"] == "completed", row["error_message"]
    assert (await bench.attempts(task))[-1]["output_data"] == {"answer": "Anybody?"}


async def test_failures_of_the_other_agent_are_answers(bench: Bench) -> None:
    async def asking(ctx: Context) -> dict[str, Any]:
        failed = await ctx.tools.call("run_agent", {"agent": "doubling"})
        unknown = await ctx.tools.call("run_agent", {"agent": "nobody"})
        return {"failed": failed, "unknown": unknown}

    await bench.agent(doubling, backoff=Backoff(first_s=0.01), time_limit=timedelta(seconds=5))
    agent = await bench.agent(asking, configuration='{"tools": ["run_agent"]}')
    async with bench.running():
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
    assert row["status"] == "completed", row["error_message"]
    answers = (await bench.attempts(task))[-1]["output_data"]
    assert answers["failed"]["code"] == "AGENT_FAILED"
    assert "there is no n" in answers["failed"]["error"]
    assert answers["unknown"]["code"] == "AGENT_NOT_FOUND"


async def test_agents_that_run_each_other_come_to_an_end(bench: Bench) -> None:
    async def recursing(ctx: Context) -> dict[str, Any]:
        return {"answer": await ctx.tools.call("run_agent", {"agent": "recursing"})}

    agent = await bench.agent(recursing, configuration='{"tools": ["run_agent"]}')
    async with bench.running():
        task = await bench.task(agent)
        await bench.ended(task)
    answer, depth = (await bench.attempts(task))[-1]["output_data"]["answer"], 0
    while answer["success"]:
        answer, depth = answer["result"]["answer"], depth + 1
    assert (answer["code"], depth) == ("AGENTS_TOO_DEEP", 5)
