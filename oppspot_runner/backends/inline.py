"""Runs the body of an agent in the event loop, or in a thread of its own for plain functions."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from oppspot_runner.agents.blocking import BlockingContext
from oppspot_runner.agents.context import Context
from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.agents.registry import Definition
from oppspot_runner.agents.threads import in_thread

R = TypeVar("R")


@dataclass(frozen=True)
class Result:
    """What a body returned, and how to save it in the finishing transaction (None: not at all)."""

    value: Any
    save: Callable[[Any], Any] | None = None


async def run_body(
    definition: Definition, options: AgentOptions, ctx: Context, input: BaseModel | None
) -> Result:
    """Runs one attempt's body to its end; raises whatever the agent raises."""
    try:
        return await _run(definition, options, ctx, input)
    except (SystemExit, KeyboardInterrupt) as error:  # the loop would take it for its own end
        raise RuntimeError(exit_told(error)) from error


def exit_told(error: BaseException) -> str:
    """What an agent did that tried to end the process."""
    if isinstance(error, SystemExit):
        return f"the agent called exit({error.code!r})"
    return f"the agent raised {type(error).__name__}"


async def _run(
    definition: Definition, options: AgentOptions, ctx: Context, input: BaseModel | None
) -> Result:
    body = definition.body
    if isinstance(body, type):
        return await _run_class(body, ctx, input)
    arguments: list[Any] = [input if definition.input_model else ctx.payload]
    arguments = arguments if definition.wants_input else []
    if options.isolation == "thread" or (options.isolation is None and not definition.is_async):
        shown = BlockingContext(ctx, asyncio.get_running_loop())
        return Result(await in_thread(lambda: _finish(body(shown, *arguments))))
    value = body(ctx, *arguments)
    return Result(await value if inspect.isawaitable(value) else value)


async def _run_class(kind: type[Agent], ctx: Context, input: BaseModel | None) -> Result:
    agent = kind(ctx, input)
    state = agent.create_initial_state(ctx)
    results = await agent.execute_agent(await state if inspect.isawaitable(state) else state)
    if not kind.saves_results():
        return Result(results)
    return Result(results, lambda tx: agent.save_results(ctx, tx, results))


def _finish(value: R) -> R:
    # isolation="thread" with an `async def`: the coroutine gets a loop of its own there.
    return asyncio.run(value) if inspect.iscoroutine(value) else value
