"""Operations that put tasks in, as a part of a trace where there are traces."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from oppspot_runner.base import tracing
from oppspot_runner.base.task import DEFAULT_TASK_TYPE
from oppspot_runner.db.files import statement
from oppspot_runner.db.operation import Call, Operation

TRACE = statement("session/trace")
P = ParamSpec("P")
R = TypeVar("R")


def sends(operation: Callable[P, Operation[R]]) -> Callable[P, Operation[R]]:
    """The operation with a span; what it makes belongs to that. Without traces it is as it was."""

    @wraps(operation)
    def traced(*args: P.args, **kwargs: P.kwargs) -> Operation[R]:
        sending = tracing.begin_sending(str(kwargs.get("task_type") or DEFAULT_TASK_TYPE))
        if sending is None:
            return (yield from operation(*args, **kwargs))
        try:
            yield Call(TRACE, {"traceparent": sending.traceparent})
            sent = yield from operation(*args, **kwargs)
        except BaseException as error:
            sending.end(error=error)
            raise
        sending.end(sent)
        return sent

    return traced
