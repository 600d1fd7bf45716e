"""Tools of agents: calls are steps, recorded once, and never made twice unknowingly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner import Backoff, Context, Fail, Retry
from oppspot_runner.base.codes import Code
from oppspot_runner.base.tool_errors import ToolExecutionError
from tests.runner.conftest import FAST, Bench
from tests.tools import samples
from tests.tools.samples import post

AT_ONCE = Backoff(first_s=0.01)


@pytest.fixture(autouse=True)
def empty_post() -> Iterator[None]:
    post.received.clear()
    post.silent = 0
    yield
    post.received.clear()


async def calls(bench: Bench) -> list[dict[str, Any]]:
    return await bench.db.fetch_all("SELECT * FROM tool_calls ORDER BY started_at, id")


async def output(bench: Bench, task: UUID) -> dict[str, Any]:
    found: dict[str, Any] = (await bench.attempts(task))[-1]["output_data"]
    return found


def allowing(*tools: str, **more: Any) -> str:
    return json.dumps({"tools": list(tools), "max_retries": 2, **more})


@pytest.mark.parametrize("isolation", ["inline", "thread", "process"])
async def test_an_agent_calls_its_tools_wherever_it_runs(isolation: str, bench: Bench) -> None:
    body = samples.shouting_in_thread if isolation == "thread" else samples.shouting
    agent = await bench.agent(body, configuration=allowing("upper", isolation=isolation))
    async with bench.running():
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
    assert row["status"] == "completed", row["error_message"]
    assert await output(bench, task) == {
        "said": "A",
        "code": "TOOL_NOT_FOUND",
        "tool": "upper",
    }
    assert (await bench.attempts(task))[0]["metrics"]["tool_calls"] == 1
    first, second = await calls(bench)
    assert (first["tool"], first["arguments"], first["code"]) == (
        "upper",
        {"text": "a"},
        None,
    )
    assert (second["tool"], second["code"]) == ("nothing", "TOOL_NOT_FOUND")
    assert {(one["task_id"], one["attempt"], one["agent_id"]) for one in (first, second)} == {
        (task, 1, agent)
    }
    assert first["key"] is None
    assert first["ended_at"] >= first["started_at"]


async def test_a_later_attempt_gets_the_answer_and_makes_no_call(bench: Bench) -> None:
    async def saying(ctx: Context) -> dict[str, Any]:
        answer = await ctx.tools.call("upper", {"text": "once"})
        if ctx.attempt == 1:
            raise Retry("after the call")
        return answer

    agent = await bench.agent(saying, configuration=allowing("upper"), backoff=AT_ONCE)
    async with bench.running():
        task = await bench.task(agent)
        await bench.ended(task)
    assert (await output(bench, task))["result"] == "ONCE"
    assert len(await calls(bench)) == len(post.received) == 1


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ({"tools": {"uper": True}}, "there is no tool 'uper'"),
        ({"tools": "upper"}, "tools: an object is wanted"),
        ({"custom_tools": {"x": {"class": "Nowhere"}}}, "there is no tool 'Nowhere'"),
        ({"custom_tools": {"x": {"class": "CalculatorTool"}}}, "called 'calculator'"),
        ({"custom_tools": {"x": {"class": "FunctionTool"}}}, "FunctionTool cannot be made"),
        ({"allowed_domains": ["http://x"]}, "allowed_domains: 'http://x': the host is not"),
        (
            {"tools": ["upper"], "rate_limits": {"upper": {"max_calls": 1}}},
            "window_seconds",
        ),
        ({"when_unknown": "hope"}, "when_unknown"),
    ],
    ids=str,
)
async def test_a_configuration_that_means_nothing_fails_the_task_and_says_why(
    configuration: dict[str, Any], said: str, bench: Bench
) -> None:
    agent = await bench.agent(samples.shouting, configuration=json.dumps(configuration))
    async with bench.running():
        (row,) = await bench.ended(await bench.task(agent))
    assert (row["status"], row["retry_count"]) == ("failed", 0)
    assert said in row["error_message"]
    assert post.received == []


async def test_a_configuration_names_the_class_of_a_tool_and_turns_it_on(bench: Bench) -> None:
    async def asking(ctx: Context) -> dict[str, Any]:
        return await ctx.tools.call("custom_tool", {})

    def custom(*, enabled: bool) -> str:
        of_class = {"class": "SampleTool", "enabled": enabled}
        return json.dumps(
            {"tools": {"custom_tool": True}, "custom_tools": {"custom_tool": of_class}}
        )

    agent = await bench.agent(asking, configuration=custom(enabled=True), max_retries=0)
    other = await bench.agent_row("asking", configuration=custom(enabled=False))
    async with bench.running():
        tasks = [await bench.task(agent), await bench.task(other)]
        done, off = await bench.ended(*tasks)
    assert done["status"] == "completed", done["error_message"]
    assert (await output(bench, tasks[0]))["result"] == {"result": "success"}
    assert "there is no tool 'custom_tool'" in off["error_message"]


async def test_tools_run_at_the_same_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    met = asyncio.Event()

    async def meet(text: str, call: Any) -> str:
        if text == "second":
            met.set()
        await met.wait()
        return text

    async def asking(ctx: Context) -> dict[str, Any]:
        both = [ctx.tools.call("deliver", {"text": text}) for text in ("first", "second")]
        return {"said": [one["result"] for one in await asyncio.gather(*both)]}

    monkeypatch.setattr(samples.deliver, "function", meet)
    agent = await bench.agent(asking, configuration=allowing("deliver"))
    async with bench.running():
        task = await bench.task(agent)
        await bench.ended(task)
    assert await output(bench, task) == {"said": ["first", "second"]}
    assert len({one["key"] for one in await calls(bench)}) == 2


async def test_permissions_narrow_what_the_agent_may_call(bench: Bench) -> None:
    async def asking(ctx: Context) -> dict[str, Any]:
        return {name: await ctx.tools.call(name, {"text": "x"}) for name in ("upper", "deliver")}

    may = allowing("upper", "deliver", permissions=["tool:upper"])
    agent = await bench.agent(asking, configuration=may)
    async with bench.running():
        task = await bench.task(agent)
        await bench.ended(task)
    answers = await output(bench, task)
    assert answers["upper"]["success"] is True
    assert answers["deliver"]["code"] == "TOOL_NOT_PERMITTED"
    assert [(one["code"], one["ended_at"] is None) for one in await calls(bench)] == [
        (None, False),
        ("TOOL_NOT_PERMITTED", False),
    ]


async def test_limits_and_kept_results_hold_over_runners(bench: Bench) -> None:
    async def asking(ctx: Context) -> dict[str, Any]:
        answer = await ctx.tools.call("upper", {"text": ctx.payload["text"]})
        return {"code": answer.get("code")}

    limited = allowing("upper", rate_limits={"upper": {"max_calls": 3, "window_seconds": 600}})
    agent = await bench.agent(asking, configuration=limited)
    async with bench.running(), bench.running():
        first = await bench.task(agent, payload='{"text": "same"}')
        await bench.ended(first)
        more = [
            await bench.task(agent, payload=json.dumps({"text": one}))
            for one in ("same", *map(str, range(6)))
        ]
        await bench.ended(*more)
    codes = [(await output(bench, task))["code"] for task in (first, *more)]
    assert (codes.count(None), codes.count("RATE_LIMIT_EXCEEDED")) == (3, 5)
    assert [text for text, _ in post.received].count("same") == 1


async def delivering(ctx: Context) -> dict[str, Any]:
    return await ctx.tools.call("deliver", {"text": "letter"})


async def cut_off(bench: Bench, configuration: str, **columns: Any) -> UUID:
    """A task of a runner that is on, whose first attempt was taken away amid its call."""
    post.silent = 1
    agent = await bench.agent(delivering, configuration=configuration)
    task = await bench.task(agent, **columns)

    async def asked() -> bool:
        return bool(post.received)

    await bench.until(asked)
    await bench.db.execute("UPDATE agent_tasks SET status = 'pending'")
    return task


async def test_a_call_without_an_end_fails_the_task_and_is_not_made_again(bench: Bench) -> None:
    async with bench.running():
        task = await cut_off(bench, allowing("deliver"))
        (row,) = await bench.ended(task)
    assert row["status"] == "failed"
    assert row["error_message"].startswith("TOOL_END_UNKNOWN: the call 'tool deliver'")
    assert len(post.received) == 1
    (call,) = await calls(bench)
    assert (call["ended_at"], call["code"], call["attempt"]) == (None, None, 1)


async def test_where_it_may_be_repeated_it_carries_the_same_key(bench: Bench) -> None:
    may = allowing("deliver", when_unknown={"deliver": "repeat"})
    async with bench.running():
        task = await cut_off(bench, may)
        (row,) = await bench.ended(task)
    assert row["status"] == "completed", row["error_message"]
    assert post.received[0] == post.received[1]
    (call,) = await calls(bench)
    assert post.received[0] == ("letter", call["key"])
    assert call["ended_at"] is not None


@pytest.mark.parametrize(
    ("payload", "status", "delivered"),
    [
        ({"repeat": True}, "completed", 2),
        ({"done": True, "result": "seen"}, "completed", 1),
        ({"what": 1}, "failed", 1),
    ],
    ids=str,
)
async def test_a_signal_of_the_run_decides(
    payload: dict[str, Any], status: str, delivered: int, bench: Bench
) -> None:
    stream = await bench.db.fetch_one("INSERT INTO streams (name) VALUES ('s') RETURNING id")
    assert stream is not None
    ask = allowing("deliver", when_unknown="ask")

    async def waits() -> bool:
        rows = await bench.db.fetch_all("SELECT waits_for FROM waiting_tasks")
        return [row["waits_for"] for row in rows] == ["the event tool deliver"]

    async with bench.running():
        task = await cut_off(bench, ask, stream_id=stream["id"])
        await bench.until(waits)
        assert len(post.received) == 1
        await bench.db.execute(
            "SELECT signal_run(run_id, 'tool deliver', %s::jsonb) FROM agent_tasks",
            (json.dumps(payload),),
        )
        (row,) = await bench.ended(task)
    assert row["status"] == status, row["error_message"]
    assert len(post.received) == delivered
    if delivered == 1 and status == "completed":
        assert (await output(bench, task))["result"] == "seen"


async def test_who_said_repeat_is_asked_again_when_that_one_has_no_end_either(
    bench: Bench,
) -> None:
    stream = await bench.db.fetch_one("INSERT INTO streams (name) VALUES ('s') RETURNING id")
    assert stream is not None
    waiting = "SELECT FROM waiting_tasks WHERE kind = 'event'"
    tell = "SELECT signal_run(run_id, 'tool deliver', %s::jsonb) FROM agent_tasks"

    async def calls_made(count: int) -> bool:
        return len(post.received) == count

    async def waits() -> bool:
        return bool(await bench.db.fetch_all(waiting))

    async with bench.running():
        ask = allowing("deliver", when_unknown="ask")
        task = await cut_off(bench, ask, stream_id=stream["id"])
        await bench.until(waits)
        post.silent = 2
        await bench.db.execute(tell, ('{"repeat": true}',))
        await bench.until(lambda: calls_made(2))
        await bench.db.execute("UPDATE agent_tasks SET status = 'pending'")
        await bench.until(waits)
        await bench.db.execute(tell, ('{"done": true}',))
        (row,) = await bench.ended(task)
    assert row["status"] == "completed", row["error_message"]
    assert len(post.received) == 2


async def test_without_a_run_nobody_can_be_asked(bench: Bench) -> None:
    async with bench.running():
        task = await cut_off(bench, allowing("deliver", when_unknown="ask"))
        (row,) = await bench.ended(task)
    assert "TOOL_END_UNKNOWN" in row["error_message"]
    assert len(post.received) == 1


async def test_a_silent_service_leaves_the_end_unknown_in_the_same_attempt(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples.deliver, "time_limit_s", 0.2)
    post.silent = 1
    agent = await bench.agent(delivering, configuration=allowing("deliver"))
    async with bench.running():
        (row,) = await bench.ended(await bench.task(agent))
    assert row["attempt"] == 1
    assert "did not end within 0.2 s" in row["error_message"]
    assert len(post.received) == 1


async def test_an_attempt_that_lost_its_task_makes_no_such_call(bench: Bench) -> None:
    async def late(ctx: Context) -> dict[str, Any]:
        await bench.db.execute("UPDATE agent_tasks SET status = 'cancelled'")
        return await ctx.tools.call("deliver", {"text": "letter"})

    agent = await bench.agent(late, configuration=allowing("deliver"))
    async with bench.running():
        (row,) = await bench.ended(await bench.task(agent))
        await bench.until(lambda: asyncio.sleep(0, bool(bench.events)))
    assert row["status"] == "cancelled"
    assert post.received == []
    assert await calls(bench) == []


async def test_what_was_told_of_a_batch_member_is_its_own(bench: Bench) -> None:
    async def many(ctxs: list[Context], inputs: list[Any]) -> list[Any]:
        return [await one.tools.call("upper", {"text": str(n)}) for n, one in enumerate(ctxs)]

    agent = await bench.agent(many, configuration=allowing("upper"), batch=2)
    tasks = [await bench.task(agent) for _ in range(2)]
    async with bench.running(FAST):
        rows = await bench.ended(*tasks)
    assert {row["status"] for row in rows} == {"completed"}, rows[0]["error_message"]
    assert {one["task_id"] for one in await calls(bench)} == set(tasks)


async def test_a_failure_that_an_agent_raises_is_one_of_its_own(bench: Bench) -> None:
    async def giving_up(ctx: Context) -> None:
        answer = await ctx.tools.call("deliver", {"txt": 1})
        raise Fail(answer["code"])

    agent = await bench.agent(giving_up, configuration=allowing("deliver"))
    async with bench.running():
        (row,) = await bench.ended(await bench.task(agent))
    assert row["error_message"] == "TOOL_ARGUMENTS_INVALID"


async def test_an_error_that_is_raised_is_not_remembered_and_the_next_attempt_calls_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def insisting(ctx: Context) -> dict[str, Any]:
        text = "too soon" if ctx.attempt == 1 else "letter"
        return {"said": await ctx.tools.result("deliver", {"text": text})}

    def run(text: str, call: Any) -> str:
        if text == "too soon":
            raise ToolExecutionError("deliver", Code.NAME_NOT_RESOLVED, "nobody is there yet")
        return text

    monkeypatch.setattr(samples.deliver, "function", run)
    agent = await bench.agent(insisting, configuration=allowing("deliver"), backoff=AT_ONCE)
    async with bench.running():
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
    assert row["status"] == "completed", row["error_message"]
    assert await output(bench, task) == {"said": "letter"}
    first = (await bench.attempts(task))[0]
    assert first["error_message"].startswith("NAME_NOT_RESOLVED: nobody is there yet")
    assert [(one["code"], one["key"] is None) for one in await calls(bench)] == [
        ("NAME_NOT_RESOLVED", True),
        (None, False),
    ]


async def test_somebody_who_looked_says_that_the_call_may_be_made_again(bench: Bench) -> None:
    async with bench.running():
        task = await cut_off(bench, allowing("deliver"))
        await bench.ended(task)
        settled = "SELECT settle_tool_call(id, false) FROM agent_tasks"
        await bench.db.execute(settled)
        await bench.db.execute("SELECT retry_task(id) FROM agent_tasks")
        (row,) = await bench.ended(task)
    assert row["status"] == "completed", row["error_message"]
    assert len(post.received) == 2
    assert post.received[0] == post.received[1]
    (call,) = await calls(bench)
    assert (call["code"], call["ended_at"] is None) == (None, False)
