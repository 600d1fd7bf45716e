"""What a user writes outside of this repository, for strict mypy to hold against the package."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, assert_type
from uuid import UUID

from pydantic import BaseModel

from oppspot_runner import (
    Agent,
    AgentOptions,
    AsyncClient,
    Backoff,
    Client,
    Context,
    Fail,
    Retry,
    RunEvent,
    Snooze,
    TaskFinished,
    ToolCall,
    agent,
    on,
    registry,
    tool,
)


class Greeting(BaseModel):
    name: str = "world"


@agent("greeter", time_limit=timedelta(minutes=1), backoff=Backoff(first_s=2))
async def greeter(ctx: Context, input: Greeting) -> dict[str, str]:
    text = await ctx.step("compose", compose, input.name)
    assert_type(text, str)
    assert_type(await ctx.step("count", count, text), int)
    assert_type(ctx.attempt, int)
    await ctx.progress(1, 1, text)
    if ctx.payload.get("later"):
        raise Snooze(after=timedelta(hours=1))
    if ctx.payload.get("again"):
        raise Retry("as it was asked to", after=5)
    return {"text": text}


def count(text: str) -> int:
    return len(text)


async def compose(name: str) -> str:
    if not name:
        raise Fail("there is nobody to greet")
    return f"Hello, {name}!"


class Counter(Agent):
    """Saves in the finishing transaction."""

    agent_type = "counter"
    options = AgentOptions(max_retries=1)

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        return {"greeted": len(state), "attempt": self.ctx.attempt}

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        await tx.execute("INSERT INTO greeted (n) VALUES (%s)", (results["greeted"],))
        return True


@tool("shout", description="Says it louder.")
async def shout(text: str, call: ToolCall) -> str:
    return text.upper() if call.key is None else text


@on(TaskFinished)
def finished(event: TaskFinished) -> None:
    assert_type(event.run_ms, int)
    assert_type(event.error, str | None)


def enqueue(dsn: str) -> UUID:
    with Client(dsn) as client:
        task = client.enqueue("greeter", {"name": "you"}, priority=7)
        client.wait(task, timeout_s=5)
        return task


async def follow(dsn: str, run: UUID) -> AsyncIterator[RunEvent]:
    async with AsyncClient(dsn) as client:
        assert_type(await client.signal_run(run, "approved"), UUID)
        async for event in client.follow(run):
            yield event


assert_type(registry.known(), list[str])
