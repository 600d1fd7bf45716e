"""Agents for child processes: some that work, and some that do the worst they can."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import mmap
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import structlog
from pydantic import BaseModel

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.work_time import SoftTimeLimitError
from oppspot_runner.base.errors import Fail, Retry, Snooze
from oppspot_runner.base.tool_errors import BudgetExceededError

log = structlog.get_logger()
MB = 10**6
calls: list[int] = []


async def where(ctx: Context) -> dict[str, Any]:
    calls.append(1)
    await asyncio.sleep(ctx.payload.get("s", 0))
    return {"pid": os.getpid(), "served": len(calls)}


class Alarming(BaseException):
    pass


class Sentence(BaseModel):
    text: str


def plain(ctx: Any, input: Sentence) -> dict[str, Any]:
    def split() -> list[str]:
        calls.append(1)
        return input.text.split()

    words = ctx.step("split", split)
    ctx.progress(1, 2, "half")
    ctx.log.info("said by the agent", words=len(words))
    log.warning("said by the module")
    logging.getLogger("their.library").warning("said by the %s", "library")
    if ctx.attempt == 1:
        raise Retry("once more", after=0)
    return {"words": words, "attempt": ctx.attempt, "calls": len(calls)}


async def stores(ctx: Context) -> dict[str, Any]:
    items = await ctx.items.load()
    insight = await ctx.insight("note", "seen from a child")
    company = await ctx.companies.get(ctx.task.id)
    return {"items": len(items), "insight": str(insight), "company": company}


class Keeping(Agent):
    """Keeps what it found in its attributes, as ours do."""

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        self.found = {"pid": os.getpid()}
        if state.get("lock"):
            self.lock = threading.Lock()
        if state.get("bomb"):
            self.bomb = Bomb()
        return {"day": time.gmtime(0), **state}

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        await tx.execute("CREATE TABLE IF NOT EXISTS found (task_id uuid, pid integer)")
        await tx.execute("INSERT INTO found VALUES (%s, %s)", (ctx.task.id, self.found["pid"]))
        results["saved_by"] = os.getpid()
        return results["day"].tm_year == 1970 and self.ctx is ctx


class Bomb:
    """Something that cannot be made again where it arrives."""

    def __reduce__(self) -> Any:
        return (explode, ())


def explode() -> None:
    raise ValueError("not here")


async def ending(ctx: Context) -> dict[str, Any]:
    match ctx.payload["how"]:
        case "fail":
            raise Fail("no address")
        case "snooze":
            raise Snooze(after=3600, reason="it is night")
        case "error":
            raise ValueError("odd")
        case "returned":
            return {"error": "no sense", "retry": False}
        case "sys.exit":
            sys.exit(4)
        case "cancelled":
            raise asyncio.CancelledError
        case "base":
            raise Alarming("not even an Exception")
        case "lock":
            return {"lock": threading.Lock()}
    return {}


def dying(ctx: Any, payload: dict[str, Any]) -> dict[str, Any]:
    match payload["how"]:
        case "segfault":
            ctypes.string_at(0)
        case "exit":
            os._exit(3)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "thread":
            threading.Thread(target=os._exit, args=(5,)).start()
            threading.Event().wait(30)
    return {}


def forked_away(ctx: Any) -> dict[str, Any]:
    """Ends, and a process of its own session keeps all that it had open."""
    if os.fork() == 0:
        os.setsid()
        threading.Event().wait(20)
        os._exit(0)
    threading.Event().wait(0.2)
    os._exit(6)


def greedy(ctx: Any, payload: dict[str, Any]) -> dict[str, Any]:
    """Takes memory without end, at most 2 GB of it."""
    kept: list[Any] = []
    for _ in range(200):
        if payload.get("shared"):  # which no resource limit counts
            kept.append(mmap.mmap(-1, 10 * MB))
            kept[-1].write(b"x" * 10 * MB)
            threading.Event().wait(0.02)
        else:
            kept.append(b"x" * 10 * MB)
    return {"took": len(kept)}


def forking(ctx: Any, payload: dict[str, Any]) -> dict[str, Any]:
    """Starts processes, in its group and in one of their own, and hangs, deaf to SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    born = [subprocess.Popen(["sleep", "60"]).pid]
    born.append(subprocess.Popen(["sleep", "60"], start_new_session=True).pid)
    if (pid := os.fork()) == 0:
        while True:
            signal.pause()
    note = Path(payload["note"])
    note.with_suffix(".part").write_text(" ".join(map(str, [os.getpid(), *born, pid])))
    note.with_suffix(".part").rename(note)
    while True:
        signal.pause()


def stuck(ctx: Any, payload: dict[str, Any]) -> dict[str, Any]:
    """Hangs where no thread of the process can do anything any more."""
    Path(payload["note"]).write_text(str(os.getpid()))
    return {"max": max(range(10**14))}


def told_asleep(ctx: Any) -> dict[str, Any]:
    try:
        threading.Event().wait(30)
    except SoftTimeLimitError:
        ctx.progress(1, 1)
        return {"told": True}
    return {}


def told_busy(ctx: Any) -> dict[str, Any]:
    try:
        while True:
            pass
    except SoftTimeLimitError:
        return {"told": True, "pid": os.getpid()}


async def told_awaiting(ctx: Context) -> dict[str, Any]:
    try:
        await asyncio.Event().wait()
    except SoftTimeLimitError:
        await ctx.progress(1, 1)
        return {"told": True}
    return {}


async def told_blocking(ctx: Context) -> dict[str, Any]:
    try:
        while True:
            pass
    except SoftTimeLimitError:
        await ctx.progress(1, 1)
        return {"told": True}


def untold(ctx: Any) -> dict[str, Any]:
    threading.Event().wait(30)
    return {}


async def looking(ctx: Context) -> dict[str, Any]:
    """What this process has of the runner."""
    open_files = [os.readlink(one) for one in Path("/proc/self/fd").iterdir() if one.exists()]
    return {
        "sockets": sum(one.startswith("socket:") for one in open_files),
        "psycopg": "psycopg" in sys.modules,
        "is_leader": os.getsid(0) == os.getpid() == os.getpgid(0),
        "threads": sorted(one.name for one in threading.enumerate()),
    }


def many(ctxs: list[Any], inputs: list[Sentence]) -> list[Any]:
    log.info("said by the module")
    answers: list[Any] = []
    for ctx, one in zip(ctxs, inputs, strict=True):
        ctx.log.info("said by the agent", text=one.text)
        ctx.progress(1, 2)
        words = ctx.step("split", one.text.split)
        answers.append({"words": len(words), "pid": os.getpid()} if words else Fail("no words"))
    return answers


async def deadly(ctxs: list[Context]) -> list[Any]:
    os._exit(3)


def asks(ctx: Any) -> dict[str, Any]:
    try:
        first = ctx.llm.ask("What is 15 + 27?", model="mock:echo")
    except BudgetExceededError as error:
        raise Fail(f"{error.code} {error.hint}") from None
    if ctx.attempt == 1:
        raise Retry("once more", after=0)
    return {"text": first.text, "cost": first.cost, "pid": os.getpid()}


async def asks_in_loop(ctx: Context) -> dict[str, Any]:
    return {"text": (await ctx.llm.ask("hello", model="mock:echo")).text}
