"""What the agents of a stream ask of their Context in the same way: goal, configuration, lock.

What people wrote wrongly becomes Fail with a sentence that names the field.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from oppspot_runner.agents.context import Context
from oppspot_runner.base.errors import Fail, InvalidInputError, NotFoundError
from oppspot_runner.base.validation import first_fault
from oppspot_runner.companies.criteria import Goal, read_goal

M = TypeVar("M", bound=BaseModel)


def goal_of(ctx: Context) -> Goal:
    """The goal of the task, else of its stream. Raises Fail for one that cannot be read."""
    try:
        return read_goal(ctx.goal_context)
    except InvalidInputError as error:
        raise Fail(error.one_line()) from None


def config_of(model: type[M], ctx: Context) -> M:
    """The task's `execution_config` as `model`. Raises Fail naming the first bad field."""
    try:
        return model.model_validate(ctx.execution_config)
    except ValidationError as error:
        raise Fail(f"execution_config.{first_fault(error)}") from None


def options_of(model: type[M], ctx: Context, what: str) -> M:
    """The agent's configuration, under the payload, under `execution_config`.

    Raises Fail naming the bad field, and `what` comes of it.
    """
    given = {**ctx.agent.configuration, **ctx.payload, **ctx.execution_config}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Fail(f"{what}: {first_fault(error)}") from None


async def lock_stream(ctx: Context, tx: Any) -> None:
    """Makes other agents that save results for the stream wait. Raises Fail when it is gone."""
    try:
        await ctx.items.lock(tx)
    except NotFoundError:
        raise Fail("the stream was deleted while the agent ran") from None
