"""The agents of the trials. Each tells the ledger what it does; runners load this by --import."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from oppspot_runner import (
    Agent,
    AgentOptions,
    Backoff,
    Context,
    Fail,
    Snooze,
    TaskFinished,
    agent,
    on,
)
from oppspot_runner.base.events import LeaseLost, ResultDropped
from tests.chaos.ledger import note

SOON = Backoff(0.05, 2, 0.2)


@on(TaskFinished)
def finished(event: TaskFinished) -> None:
    task = event.task
    note("finished", task=str(task.id), token=task.run_token, status=event.status)


@on(ResultDropped)
def dropped(event: ResultDropped) -> None:
    note("dropped", task=str(event.task.id), token=event.task.run_token)


@on(LeaseLost)
def lease_lost(event: LeaseLost) -> None:
    note("lease lost", runner=event.runner_id, attempts=event.attempts)


def tell(what: str, ctx: Any, **facts: Any) -> None:
    note(what, task=str(ctx.task.id), token=ctx.run_token, attempt=ctx.attempt, **facts)


def returned(ctx: Any) -> dict[str, Any]:
    tell("returned", ctx)
    return {"token": ctx.run_token}


@agent("idles")
async def idles(ctx: Context) -> dict[str, Any]:
    tell("began", ctx)
    return returned(ctx)


@agent("sleeps")
async def sleeps(ctx: Context) -> dict[str, Any]:
    tell("began", ctx)
    await asyncio.sleep(ctx.payload["s"])
    return returned(ctx)


@agent("blocks")
def blocks(ctx: Any) -> dict[str, Any]:
    tell("began", ctx)
    threading.Event().wait(ctx.payload["s"])
    return returned(ctx)


@agent("forked", isolation="process", backoff=SOON, max_retries=1000)
async def forked(ctx: Context) -> dict[str, Any]:
    """Runs in a child process. One that is killed is an error of its attempt."""
    tell("began", ctx)
    await asyncio.sleep(ctx.payload["s"])
    return returned(ctx)


@agent("steps")
async def steps(ctx: Context) -> dict[str, Any]:
    """Three steps that cost something: none that is remembered may ever run again."""
    tell("began", ctx)

    for name in ("read", "think", "write"):
        await ctx.step(name, costly, ctx, name)
        tell("kept", ctx, step=name)
    return returned(ctx)


async def costly(ctx: Context, name: str) -> str:
    tell("ran", ctx, step=name)
    await asyncio.sleep(0.005)
    return name


@agent("gives_up")
async def gives_up(ctx: Context) -> dict[str, Any]:
    tell("began", ctx)
    raise Fail("as the script says")


@agent("exhausts", backoff=SOON)
async def exhausts(ctx: Context) -> dict[str, Any]:
    tell("began", ctx)
    raise RuntimeError("every time, as the script says")


@agent("snoozes")
async def snoozes(ctx: Context) -> dict[str, Any]:
    """Asks once to be called again later; uses no retry."""
    tell("began", ctx)
    asked_at = await ctx.step("asked", time.monotonic)
    if time.monotonic() < asked_at + ctx.payload["s"]:
        raise Snooze(after=ctx.payload["s"])
    return returned(ctx)


class Saving(Agent):
    """Writes an effect in the finishing transaction."""

    agent_type = "saves"

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        tell("began", self.ctx)
        await asyncio.sleep(state.get("s", 0))
        return returned(self.ctx)

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        await tx.execute(
            "INSERT INTO effects (task_id, token) VALUES (%s, %s)", (ctx.task.id, ctx.run_token)
        )
        return True


class Lingering(Saving):
    """Takes longer than a stop leaves it."""

    agent_type = "lingers"


class Stumbling(Saving):
    """Raises as often as it is told, then works."""

    agent_type = "stumbles"
    options = AgentOptions(backoff=SOON)

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        if self.ctx.task.retry_count < state["errors"]:
            tell("began", self.ctx)
            raise RuntimeError("as the script says")
        return await super().execute_agent(state)


class Refusing(Saving):
    """Writes an effect, then refuses it as often as it is told: those effects must not be there."""

    agent_type = "refuses"
    options = AgentOptions(backoff=SOON)

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        await super().save_results(ctx, tx, results)
        return bool(ctx.task.retry_count >= ctx.payload["errors"])


class Node(Saving):
    """One agent of a diamond. Its run carries the payload of the first task to all of them."""

    agent_type = "diamond"

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        if state["fails"] == self.ctx.agent.name:
            tell("began", self.ctx)
            raise Fail("as the script says")
        return await super().execute_agent(state)
