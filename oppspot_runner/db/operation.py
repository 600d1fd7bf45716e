"""Operations: written once, run by blocking and by async code.

An operation is a generator: it yields statements and is sent their rows. It does no input or output
itself, so one text serves `Client` and `AsyncClient`, and may be part of a bigger operation:

    def rename(agent: UUID, name: str) -> Operation[bool]:
        rows = yield Call(RENAME, {"id": agent, "name": name})
        return bool(rows)

Who runs it decides on connection and transaction: that is `sessions`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Generator, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, Generic, LiteralString, ParamSpec, Protocol, TypeAlias, TypeVar

import psycopg
from psycopg.rows import DictRow

from oppspot_runner.base.errors import OppspotError
from oppspot_runner.db.refusals import explained

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Call:
    """One statement and its parameters."""

    query: LiteralString
    params: Mapping[str, Any] = field(default_factory=dict)


Rows: TypeAlias = list[DictRow]
Operation: TypeAlias = Generator[Call, Rows, R]


@dataclass(frozen=True)
class Finished(Generic[R]):
    """An operation that ended without a statement."""

    value: R


def begin(operation: Operation[R]) -> Call | Finished[R]:
    """Runs an operation to its first statement: bad input is refused before anybody connects."""
    try:
        return next(operation)
    except StopIteration as end:
        return Finished(end.value)


def drive(cursor: psycopg.Cursor[DictRow], operation: Operation[R], call: Call) -> R:
    """Runs an operation from its first statement to its end.

    What Postgres refuses is raised in our words.
    """
    while True:
        try:
            with explained():
                rows = cursor.execute(call.query, call.params).fetchall()
        except OppspotError as error:
            raise _completed(operation, error) from error.__cause__
        try:
            call = operation.send(rows)
        except StopIteration as end:
            result: R = end.value
            return result


async def drive_async(
    cursor: psycopg.AsyncCursor[DictRow], operation: Operation[R], call: Call
) -> R:
    """The same for an async cursor."""
    while True:
        try:
            with explained():
                rows = await (await cursor.execute(call.query, call.params)).fetchall()
        except OppspotError as error:
            raise _completed(operation, error) from error.__cause__
        try:
            call = operation.send(rows)
        except StopIteration as end:
            result: R = end.value
            return result


def _completed(operation: Operation[Any], error: OppspotError) -> OppspotError:
    """The error of a statement, after the operation had its chance to say more of it."""
    try:
        operation.throw(error)
    except OppspotError as told:
        return told
    return error


class Runs(Protocol):
    """What a class needs for methods made by `blocking`."""

    def run(self, operation: Operation[R]) -> R: ...


class RunsAsync(Protocol):
    """What a class needs for methods made by `awaitable`."""

    async def run(self, operation: Operation[R]) -> R: ...


def blocking(operation: Callable[P, Operation[R]]) -> Callable[Concatenate[Runs, P], R]:
    """A method that runs `operation` by `self.run`, with its signature and docstring."""

    @wraps(operation)
    def method(self: Runs, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.run(operation(*args, **kwargs))

    return _signed(method, operation)


def awaitable(
    operation: Callable[P, Operation[R]],
) -> Callable[Concatenate[RunsAsync, P], Coroutine[Any, Any, R]]:
    """The same as a coroutine method."""

    @wraps(operation)
    async def method(self: RunsAsync, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self.run(operation(*args, **kwargs))

    return _signed(method, operation)


F = TypeVar("F", bound=Callable[..., Any])


def _signed(method: F, operation: Callable[..., Any]) -> F:
    # People and tools that look at the method see its parameters and what it returns.
    signature = inspect.signature(operation)
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    returned = str(signature.return_annotation).removeprefix("Operation[").removesuffix("]")
    vars(method)["__signature__"] = signature.replace(
        parameters=[own, *signature.parameters.values()], return_annotation=returned
    )
    return method
