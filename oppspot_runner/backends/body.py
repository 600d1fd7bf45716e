"""The body of an agent in an event loop, or in a thread that has none. Used by all backends."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from oppspot_runner.agents.blocking import BlockingContext
from oppspot_runner.agents.context import Context
from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.elsewhere import from_elsewhere
from oppspot_runner.agents.work_time import SoftTimeLimitError, told_in_time
from oppspot_runner.backends.backend import Briefing, Result
from oppspot_runner.backends.judging import judged_error, judged_value, traced
from oppspot_runner.base.errors import LeaseLostError
from oppspot_runner.base.outcome import Done, Retry


async def run_in_loop(briefing: Briefing) -> Result:
    """Runs a body in this event loop. What it raises is in the result, but for LeaseLostError."""
    try:
        return await told_in_time(_body(briefing), briefing.ctx.work_time)
    except BaseException as error:  # noqa: BLE001 - a loop would take exit() for its own end
        return _ended_by(error, briefing)


def run_in_thread(briefing: Briefing, home: asyncio.AbstractEventLoop) -> Result:
    """Runs a body in this thread; `home` is the loop that its context belongs to."""
    if briefing.definition.is_async:
        return asyncio.run(run_in_loop(_elsewhere(briefing, home)))
    try:
        arguments = _arguments(briefing, lambda ctx: BlockingContext(ctx, home))
        value = briefing.definition.body(*arguments)
        if inspect.iscoroutine(value):
            value = asyncio.run(value)
        return _judged(value, briefing)
    except BaseException as error:  # noqa: BLE001 - as in a loop
        return _ended_by(error, briefing)


def _ended_by(error: BaseException, briefing: Briefing) -> Result:
    """What the body raised, as its result; what came from outside of it goes on its way."""
    outside = isinstance(error, LeaseLostError | asyncio.CancelledError | GeneratorExit)
    if outside and not isinstance(error, SoftTimeLimitError):
        raise error
    if (trace := traced(error)) is not None:
        briefing.ctx.log.info("the agent raised", exception=trace)
    outcome = judged_error(error, memory_limit=briefing.options.memory_limit)
    return Result(outcome, raised=error)


async def _body(briefing: Briefing) -> Result:
    body = briefing.definition.body
    if isinstance(body, type):
        return await _class(body, briefing)
    value = body(*_arguments(briefing))
    return _judged(await value if inspect.isawaitable(value) else value, briefing)


async def _class(kind: type[Agent], briefing: Briefing) -> Result:
    agent = kind(briefing.ctx, briefing.input)
    state = agent.create_initial_state(briefing.ctx)
    results = await agent.execute_agent(await state if inspect.isawaitable(state) else state)
    saver = agent if kind.saves_results() else None
    return Result(judged_value(results), results, saver)


def _elsewhere(briefing: Briefing, home: asyncio.AbstractEventLoop) -> Briefing:
    companions = tuple(_elsewhere(one, home) for one in briefing.companions)
    return replace(briefing, ctx=from_elsewhere(briefing.ctx, home), companions=companions)


def _arguments(briefing: Briefing, show: Callable[[Context], Any] = lambda ctx: ctx) -> list[Any]:
    """Context and input, or lists of them for a batch; `show` makes of a context what is given."""
    members = briefing.members if briefing.options.batch is not None else None
    contexts = [show(one.ctx) for one in members] if members else show(briefing.ctx)
    if not briefing.definition.wants_input:
        return [contexts]
    return [contexts, [_input(one) for one in members] if members else _input(briefing)]


def _input(briefing: Briefing) -> Any:
    return briefing.input if briefing.definition.input_model else briefing.ctx.payload


def _judged(value: Any, briefing: Briefing) -> Result:
    if briefing.options.batch is None:
        return Result(judged_value(value))
    size = len(briefing.members)
    if not isinstance(value, list | tuple) or len(value) != size:
        got = f"{len(value)}" if isinstance(value, list | tuple) else type(value).__name__
        return Result(
            Retry(f"the agent returned {got}, not a list of {size} results for {size} tasks")
        )
    return Result(Done(), each=tuple(judged_value(one) for one in value))
