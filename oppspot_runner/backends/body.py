"""The body of an agent in an event loop, or in a thread that has none. Used by all backends."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import replace
from typing import Any

from oppspot_runner.agents.blocking import BlockingContext
from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.elsewhere import from_elsewhere
from oppspot_runner.agents.work_time import SoftTimeLimitError, told_in_time
from oppspot_runner.backends.backend import Briefing, Result
from oppspot_runner.backends.judging import judged_error, judged_value
from oppspot_runner.base.errors import LeaseLostError

# What a body may raise and a loop must not see: it would take exit() for its own end. A
# cancellation that nobody announced goes on its way.
RAISED = (Exception, SystemExit, KeyboardInterrupt, SoftTimeLimitError)


async def run_in_loop(briefing: Briefing) -> Result:
    """Runs a body in this event loop. What it raises is in the result, but for LeaseLostError."""
    try:
        return await told_in_time(_body(briefing), briefing.ctx.work_time)
    except LeaseLostError:
        raise
    except RAISED as error:
        return Result(judged_error(error, memory_limit=briefing.options.memory_limit))


def run_in_thread(briefing: Briefing, home: asyncio.AbstractEventLoop) -> Result:
    """Runs a body in this thread; `home` is the loop that its context belongs to."""
    if briefing.definition.is_async:
        ctx = from_elsewhere(briefing.ctx, home)
        return asyncio.run(run_in_loop(replace(briefing, ctx=ctx)))
    try:
        shown: Any = BlockingContext(briefing.ctx, home)
        value = briefing.definition.body(shown, *_arguments(briefing))
        if inspect.iscoroutine(value):
            value = asyncio.run(value)
        return Result(judged_value(value))
    except LeaseLostError:
        raise
    except RAISED as error:
        return Result(judged_error(error, memory_limit=briefing.options.memory_limit))


async def _body(briefing: Briefing) -> Result:
    body = briefing.definition.body
    if isinstance(body, type):
        return await _class(body, briefing)
    value = body(briefing.ctx, *_arguments(briefing))
    return Result(judged_value(await value if inspect.isawaitable(value) else value))


async def _class(kind: type[Agent], briefing: Briefing) -> Result:
    agent = kind(briefing.ctx, briefing.input)
    state = agent.create_initial_state(briefing.ctx)
    results = await agent.execute_agent(await state if inspect.isawaitable(state) else state)
    saver = agent if kind.saves_results() else None
    return Result(judged_value(results), results, saver)


def _arguments(briefing: Briefing) -> list[Any]:
    if not briefing.definition.wants_input:
        return []
    return [briefing.input if briefing.definition.input_model else briefing.ctx.payload]
