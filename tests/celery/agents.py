"""Agents for runners and Celery workers; both load this module by OPPSPOT_IMPORT."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

from oppspot_runner import Agent, AgentOptions, Backoff, Context, agent

SOON = Backoff(0.05, 2, 0.2)
NOTES = "CELERY_NOTES"  # the folder where bodies say that they ran, beside the database


def ran(ctx: Any) -> None:
    """One line a body that began, in one write."""
    line = f"{ctx.task.id} {ctx.attempt} {os.getpid()}\n"
    with open(Path(os.environ[NOTES]) / "ran", "ab", buffering=0) as file:
        file.write(line.encode())


@agent("elsewhere_quick", isolation="celery", backoff=SOON)
async def quick(ctx: Context) -> dict[str, Any]:
    ran(ctx)
    return {"pid": os.getpid(), "attempt": ctx.attempt}


@agent("elsewhere_blocks", isolation="celery", backoff=SOON)
def blocks(ctx: Any) -> dict[str, Any]:
    """Works for `s` seconds the first time, not at all after that; starts a process of its own."""
    ran(ctx)
    if ctx.attempt == 1 or ctx.payload.get("always"):
        ctx.progress(1, 2, str(subprocess.Popen(["sleep", "60"], start_new_session=True).pid))
        threading.Event().wait(ctx.payload["s"])
    return {"pid": os.getpid(), "attempt": ctx.attempt}


@agent("elsewhere_together", isolation="celery", backoff=SOON, batch=3)
async def together(ctxs: list[Context]) -> list[dict[str, Any]]:
    return [{"of": str(ctx.task.id)} for ctx in ctxs]


class Saving(Agent):
    """Pays for a step, works for `s` seconds, and saves what it found."""

    agent_type = "elsewhere_saving"
    options = AgentOptions(isolation="celery", backoff=SOON)

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        ctx = self.ctx
        ran(ctx)
        paid = await ctx.step("pay", os.getpid)
        await ctx.progress(1, 2, "paid")
        insight = None
        if ctx.stream is not None:
            insight = str(await ctx.insight("note", "seen from elsewhere"))
        if ctx.attempt == 1:
            threading.Event().wait(ctx.payload.get("s", 0))
        if ctx.payload.get("dies") and ctx.attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return {"paid": paid, "pid": os.getpid(), "insight": insight}

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        await tx.execute(
            "INSERT INTO effects VALUES (%s, %s, %s)", (ctx.task.id, results["pid"], os.getpid())
        )
        return True


@agent("elsewhere_limited", isolation="celery", time_limit=1, max_retries=0)
def limited(ctx: Any) -> dict[str, Any]:
    """Hangs where no signal of Python's is heard."""
    ran(ctx)
    return {"max": max(range(10**14))}
