"""Operations that put tasks in, as a part of a trace where there are traces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from oppspot_runner.base import tracing
from oppspot_runner.base.task import DEFAULT_TASK_TYPE
from oppspot_runner.db.files import statement
from oppspot_runner.db.operation import Call, Operation

TRACE = statement("session/trace")
P = ParamSpec("P")
R = TypeVar("R")


def starts_run(operation: Callable[P, Operation[UUID]]) -> Callable[P, Operation[UUID]]:
    """The operation, which gives the id of a run, with a span; see `sending`."""

    @wraps(operation)
    def traced(*args: P.args, **kwargs: P.kwargs) -> Operation[UUID]:
        return sending(operation(*args, **kwargs), DEFAULT_TASK_TYPE, lambda run: {"run_id": run})

    return traced


def sending(
    operation: Operation[R], lane: str, told: Callable[[R], Mapping[str, Any]]
) -> Operation[R]:
    """The operation with a span, to which what it makes belongs. Without traces it is as it was.

    `told` makes of its result what `Sending.end` is told.
    """
    span = tracing.begin_sending(lane)
    if span is None:
        return (yield from operation)
    try:
        yield Call(TRACE, {"traceparent": span.traceparent})
        result = yield from operation
    except BaseException as error:
        span.end(error=error)
        raise
    span.end(**told(result))
    return result
