"""`Client` and `AsyncClient`: what programs use to put work in, and to see what became of it.

Both are made of the same operations; this module only says on which connection they run.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from functools import cache, partial
from typing import Any, Self, TypeVar
from uuid import UUID

import psycopg

from oppspot_runner.app import agent_rows
from oppspot_runner.app.database import embedded_folder, given_dsn
from oppspot_runner.app.looks import Looks
from oppspot_runner.base import payload as checks
from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.base.settings import load_settings, variable_name
from oppspot_runner.db import embedded
from oppspot_runner.db.operation import Operation, awaitable, blocking
from oppspot_runner.db.pool import Database
from oppspot_runner.db.sessions import (
    AsyncSession,
    GivenAsyncSession,
    GivenSession,
    OwnAsyncSession,
    OwnSession,
)
from oppspot_runner.observe import tracing
from oppspot_runner.queue import client as tasks
from oppspot_runner.queue import producer
from oppspot_runner.queue.client import TaskState
from oppspot_runner.streams import assignments, directory
from oppspot_runner.workflow import run_events, run_state, runs
from oppspot_runner.workflow.following import Hub
from oppspot_runner.workflow.looking import look, look_async
from oppspot_runner.workflow.run_events import Page, RunEvent

R = TypeVar("R")


def trigger_agent(
    stream_id: UUID | str,
    agent: UUID | str,
    payload: Mapping[str, Any] | None = None,
    *,
    execution_config: Mapping[str, Any] | None = None,
    force_execute: bool = False,
    priority: int = 5,
    requested_by: str | None = None,
) -> Operation[UUID]:
    """Starts an agent of a stream, and after it all that depends on it; the id of its task.

    `execution_config` reaches the agent as it is; `force_execute` overrides freshness and
    inactivity. Raises NotFoundError when the agent is not assigned to the stream.
    """
    agent_id = yield from assignments.require_assigned(stream_id, agent)
    full = dict(payload or {})
    if execution_config is not None:
        full["execution_config"] = dict(execution_config)
    if force_execute:
        full["force_execute"] = True
    return (
        yield from producer.enqueue(
            agent_id, full, stream_id=stream_id, priority=priority, requested_by=requested_by
        )
    )


class Client:
    """The runner's front door for blocking code.

    `Client("postgresql://...")` has a connection of its own and commits each call; threads may
    share it and take turns. `Client(connection)` works on that psycopg connection, inside the
    caller's transaction, and never commits: a task that is enqueued with the caller's own rows is
    there with them, or not at all. `Client()` uses DATABASE_URL, else the embedded Postgres.

    All methods raise InvalidInputError, NotFoundError, ConflictError or DatabaseError, in one line;
    on the caller's connection, serialisation failures and deadlocks pass as they are.
    """

    def __init__(
        self,
        target: str | psycopg.Connection[Any] | None = None,
        *,
        schema: str | None = None,
    ) -> None:
        trace_by_environment()
        self.session: OwnSession | GivenSession
        if isinstance(target, psycopg.Connection):
            self.session = GivenSession(target, schema)
        else:
            self.session = OwnSession(*_chosen(target, schema))

    def run(self, operation: Operation[R]) -> R:
        """Runs one operation, also one that is composed of several."""
        return self.session.run(operation)

    def close(self) -> None:
        """Closes the connection, unless it is the caller's."""
        self.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    enqueue = blocking(producer.enqueue)
    enqueue_many = blocking(producer.enqueue_many)
    get = blocking(tasks.get)
    cancel = blocking(tasks.cancel)
    retry = blocking(tasks.retry)
    replay = blocking(tasks.replay)
    create_agent = blocking(agent_rows.create_agent)
    update_agent = blocking(agent_rows.update_agent)
    create_stream = blocking(directory.create_stream)
    run_stream = blocking(directory.run_stream)
    run_graph = blocking(runs.run_graph)
    get_run = blocking(run_state.get_run)
    approve_run = blocking(runs.approve_run)
    cancel_run = blocking(runs.cancel_run)
    rerun_run = blocking(runs.rerun_run)
    signal_run = blocking(runs.signal_run)
    assign_agents_to_stream = blocking(assignments.assign_agents_to_stream)
    trigger_agent = blocking(trigger_agent)

    def wait(self, task_id: UUID | str, timeout_s: float | None = None) -> TaskState:
        """The task when it has ended, or as it stands after `timeout_s` seconds.

        Raises ConflictError inside a transaction, NotFoundError when the task is gone.
        """
        self.session.refuse_wait()
        looks = Looks(timeout_s)
        while True:
            state = self.get(task_id)
            if state.ended or (pause_s := looks.pause_s()) is None:
                return state
            threading.Event().wait(pause_s)

    def follow(self, run_id: UUID | str, after: int = 0) -> Iterator[RunEvent]:
        """The events of a run after number `after`, as they come, up to the last one.

        Looks four times a second while nothing happens. Whoever breaks off can resume after the
        last number that he saw. Raises ConflictError inside a transaction, NotFoundError when the
        run or its events are gone.
        """
        self.session.refuse_wait()
        return look(lambda seq: self.run(run_events.read(run_id, seq)), after)


class AsyncClient:
    """The runner's front door for async code.

    `AsyncClient("postgresql://...")` has a pool of its own; `AsyncClient(connection)` works on that
    psycopg AsyncConnection, inside the caller's transaction, and never commits; `AsyncClient()`
    uses DATABASE_URL, else the embedded Postgres. Errors are those of `Client`.
    """

    def __init__(
        self,
        target: str | psycopg.AsyncConnection[Any] | Database | None = None,
        *,
        schema: str | None = None,
    ) -> None:
        trace_by_environment()
        self.session: AsyncSession
        if isinstance(target, psycopg.AsyncConnection):
            self.session = GivenAsyncSession(target, schema)
        elif isinstance(target, Database):
            self.session = OwnAsyncSession(target, opened=True)
        else:
            dsn, chosen = _chosen(target, schema)
            self.session = OwnAsyncSession(Database(dsn, schema=chosen), opened=False)
        self._hub: Hub | None = None

    async def run(self, operation: Operation[R]) -> R:
        """Runs one operation, also one that is composed of several."""
        return await self.session.run(operation)

    async def close(self) -> None:
        """Closes the pool, unless it is the caller's."""
        await self.session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    enqueue = awaitable(producer.enqueue)
    enqueue_many = awaitable(producer.enqueue_many)
    get = awaitable(tasks.get)
    cancel = awaitable(tasks.cancel)
    retry = awaitable(tasks.retry)
    replay = awaitable(tasks.replay)
    create_agent = awaitable(agent_rows.create_agent)
    update_agent = awaitable(agent_rows.update_agent)
    create_stream = awaitable(directory.create_stream)
    run_stream = awaitable(directory.run_stream)
    run_graph = awaitable(runs.run_graph)
    get_run = awaitable(run_state.get_run)
    approve_run = awaitable(runs.approve_run)
    cancel_run = awaitable(runs.cancel_run)
    rerun_run = awaitable(runs.rerun_run)
    signal_run = awaitable(runs.signal_run)
    assign_agents_to_stream = awaitable(assignments.assign_agents_to_stream)
    trigger_agent = awaitable(trigger_agent)

    async def wait(self, task_id: UUID | str, timeout_s: float | None = None) -> TaskState:
        """The task when it has ended, or as it stands after `timeout_s` seconds.

        Raises ConflictError inside a transaction, NotFoundError when the task is gone.
        """
        self.session.refuse_wait()
        looks = Looks(timeout_s)
        while True:
            state = await self.get(task_id)
            if state.ended or (pause_s := looks.pause_s()) is None:
                return state
            await asyncio.sleep(pause_s)

    async def follow(self, run_id: UUID | str, after: int = 0) -> AsyncGenerator[RunEvent, None]:
        """As `Client.follow`, but hears of events at once.

        All that follow by one client share one listening connection. On a connection of the
        caller's nothing listens: it is looked, as often.
        """
        self.session.refuse_wait()
        wanted = checks.identifier(run_id, "the run id")
        if isinstance(self.session, OwnAsyncSession):
            await self.session.open()
            self._hub = self._hub or Hub(self.session.database, self._page)
            events = self._hub.follow(wanted, after)
        else:
            events = look_async(partial(self._page, wanted), after)
        async with aclosing(events):
            async for event in events:
                yield event

    async def _page(self, run_id: UUID, after: int) -> Page:
        return await self.run(run_events.read(run_id, after))


@cache
def trace_by_environment() -> None:
    """Lets what clients put in be a part of traces, where the environment wants them."""
    wanted = os.environ.get(variable_name("traces"), "").lower()
    tracing.start({"true": True, "1": True, "false": False, "0": False}.get(wanted))


def _chosen(target: object, schema: str | None) -> tuple[str, str]:
    """Connection string and schema: what is given, else what the settings say."""
    if target is not None and not isinstance(target, str):
        raise InvalidInputError(
            f"a client works on a connection string or a connection, not {type(target).__name__}",
            hint="Client takes psycopg.Connection, AsyncClient psycopg.AsyncConnection.",
        )
    settings = load_settings()
    # The share in the embedded server is given back when the process ends.
    dsn = target or given_dsn(settings) or embedded.acquire(embedded_folder(settings)).dsn
    return dsn, schema or settings.schema_name
