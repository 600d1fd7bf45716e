"""Agents for runners in processes of their own; loaded with --import."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

from oppspot_runner import Agent, Context, agent


@agent("quick")
async def quick(ctx: Context) -> dict[str, Any]:
    return {"attempt": ctx.attempt}


@agent("brief")
async def brief(ctx: Context) -> dict[str, Any]:
    """Takes twenty milliseconds."""
    await asyncio.sleep(0.02)
    return {}


@agent("first_hangs")
async def first_hangs(ctx: Context) -> dict[str, Any]:
    """Runs for a minute the first time, at once after that."""
    if ctx.attempt == 1:
        await asyncio.sleep(60)
    return {"attempt": ctx.attempt}


@agent("blocks_the_loop")
async def blocks_the_loop(ctx: Context) -> dict[str, Any]:
    time.sleep(ctx.payload["s"])  # noqa: TID251 - what a careless agent does
    return {}


@agent("spins")
async def spins(ctx: Context) -> dict[str, Any]:
    """Never gives the loop back, and takes all of a processor."""
    while True:
        pass


@agent("leaves")
async def leaves(ctx: Context) -> dict[str, Any]:
    """Calls exit() where nothing of ours is around it."""
    asyncio.get_running_loop().call_soon(sys.exit, 3)
    await asyncio.Event().wait()
    return {}


@agent("stands_still")
async def stands_still(ctx: Context) -> dict[str, Any]:
    """Never gives the loop back, or with `once` only the first time not."""
    while ctx.attempt == 1 or not ctx.payload.get("once"):
        time.sleep(0.05)  # noqa: TID251 - what a careless agent does
    return {}


@agent("hangs_in_a_thread")
def hangs_in_a_thread(ctx: Any) -> dict[str, Any]:
    """Never comes back, the first two times."""
    if ctx.attempt <= 2:
        threading.Event().wait()
    return {"attempt": ctx.attempt}


class Saving(Agent):
    """Like first_hangs, and writes an effect in the finishing transaction."""

    agent_type = "saving"

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        if self.ctx.attempt == 1:
            await asyncio.sleep(state.get("s", 60))
        return {"attempt": self.ctx.attempt}

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        await tx.execute(
            "INSERT INTO effects (task_id, attempt) VALUES (%s, %s)", (ctx.task.id, ctx.attempt)
        )
        return True


@agent("talkative")
async def talkative(ctx: Context) -> dict[str, Any]:
    """Lets libraries say something in each way that they have."""
    logging.basicConfig(level=logging.INFO)
    logging.getLogger("theirs").warning("first\nsecond, password=hunter2")
    warnings.warn("old", FutureWarning, stacklevel=1)
    asyncio.get_running_loop().call_exception_handler({"message": "a task was lost"})
    return {}


class Adding(Saving):
    """Adds up what the agents before it made, and one."""

    agent_type = "adding"

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        if self.ctx.attempt == 1:
            await asyncio.Event().wait()  # until its runner is killed
        return {"sum": 1 + sum(output["sum"] for output in self.ctx.upstream.values())}


@agent("waits")
async def waits(ctx: Context) -> dict[str, Any]:
    """Waits for a word or a time, after a step that tells in which attempt it was done."""
    before = await ctx.step("before", lambda: ctx.attempt)
    if "until" in ctx.payload:
        await ctx.sleep_until(datetime.fromisoformat(ctx.payload["until"]))
        return {"before": before}
    return {"before": before, **await ctx.wait_for_event("word")}


@agent("has_children")
async def has_children(ctx: Context) -> dict[str, Any]:
    """Has a gate to pass in the attempts that its payload names, before or after it spawns."""
    if ctx.attempt == ctx.payload["before"]:
        await opened(ctx.payload["gate"])
    childs_gate = ctx.payload["childs_gate"]
    got = await ctx.spawn("is_a_child", [{"n": n, "gate": childs_gate} for n in range(5)])
    if ctx.attempt == ctx.payload["after"]:
        await opened(ctx.payload["gate"])
    return {"got": [one["n"] for one in got]}


class IsAChild(Saving):
    """Writes an effect; the first of them has a gate to pass."""

    agent_type = "is_a_child"

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        if state["n"] == 0 and self.ctx.attempt == 1:
            await opened(state["gate"])
        return {"n": state["n"]}


async def opened(gate: str) -> None:
    """Waits until there is a file of that name."""
    while not Path(gate).exists():
        await asyncio.sleep(0.02)
