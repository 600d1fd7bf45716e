"""What the fixture `runner` is: a runner that does what is due when the test says so.

Both kinds are made of the same parts; this module only says how they are waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import psycopg
from pydantic import BaseModel

from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.function import AgentFunction
from oppspot_runner.agents.registry import registry
from oppspot_runner.app.client import AsyncClient, Client
from oppspot_runner.app.default_client import forget_default_client
from oppspot_runner.base.errors import ConflictError, InvalidInputError, OppspotError
from oppspot_runner.db.files import statement
from oppspot_runner.db.operation import Call, Operation
from oppspot_runner.db.sessions import OwnSession
from oppspot_runner.queue import client as tasks
from oppspot_runner.queue import producer
from oppspot_runner.queue.client import TaskState
from oppspot_runner.streams import directory
from oppspot_runner.testing.attempts import Attempt, Notebook
from oppspot_runner.testing.clock import Clock, Moment
from oppspot_runner.testing.stepping import stepper

ENQUEUED = statement("testing/enqueued")
HAS_AGENT = statement("testing/has_agent")

R = TypeVar("R")

FIRST = 10  # the highest priority

AnyAgent: TypeAlias = AgentFunction | type[Agent] | UUID | str


class BaseRunner:
    """What both kinds of runners share: `dsn` leads to the database of the test, `clock` is its
    time."""

    def __init__(self, dsn: str, clock: Clock) -> None:
        self.dsn = dsn
        self.clock = clock
        self._notebook = Notebook(clock)

    @property
    def attempts(self) -> list[Attempt]:
        """All attempts of this test in the order of their ends, also where the task comes back."""
        return list(self._notebook.attempts)

    async def _drain(self, until: Moment | None) -> list[Attempt]:
        to = self.clock.now if until is None else self.clock.moment(until)
        if to < self.clock.now:
            raise InvalidInputError(
                f"drain(until={to.isoformat()}) is in the past: it is {self.clock.now.isoformat()}",
                hint="`runner.clock.set(...)` sets the clock back.",
            )
        before = len(self._notebook.attempts)
        async with stepper(self.dsn, self._notebook) as runner:
            await runner.drain(to)
        return [one for one in self._notebook.attempts[before:] if one.ended]

    async def _attempt(self, task_id: UUID) -> Attempt:
        def made() -> list[Attempt]:
            return [one for one in self._notebook.attempts if one.task_id == task_id]

        async with stepper(self.dsn, self._notebook) as runner:
            await runner.run_until(lambda: bool(made()))
        if not made():
            raise ConflictError(
                f"task {task_id} was put in and cannot run now",
                hint=f"`oppspot-runner tasks explain {task_id}` says why, on `runner.dsn`.",
            )
        return made()[0]


class AsyncRunner(BaseRunner):
    """A runner for async tests. Its agents run in the event loop of the test."""

    def __init__(self, dsn: str, clock: Clock, session: OwnSession) -> None:
        super().__init__(dsn, clock)
        self.client: AsyncClient = _LoopClient(session)

    async def drain(self, until: Moment | None = None) -> list[Attempt]:
        """Runs all tasks that are due, one after the other; the attempts that ended tasks.

        With `until` time passes: whatever becomes due by then runs at its time, and the clock
        stands at `until` afterwards. Errors of agents are not raised: they are in what is returned,
        and in the report of a test that fails. Raises InvalidInputError for a time in the past,
        ConflictError for a task that comes back for ever at one time.
        """
        return await self._drain(until)

    async def run(
        self,
        agent: AnyAgent,
        payload: Mapping[str, Any] | BaseModel | None = None,
        **options: Any,
    ) -> Attempt:
        """Makes one attempt of a new task for `agent`, now, and returns it.

        `options` are those of `Client.enqueue`, and `configuration`: with it, or where nobody made
        an agent of that name, one is made. What is due before the task runs before it. What the
        agent raises is raised here, as it was; an error without an exception is an OppspotError.
        Raises ConflictError when the task cannot run now.
        """
        __tracebackhide__ = True
        task_id = await self.client.run(_put_in(agent, payload, **options))
        return _good(await self._attempt(task_id))

    async def enqueued(self, agent: AnyAgent | None = None) -> list[TaskState]:
        """Tasks that wait, of one agent or of all, those first that come first."""
        return await self.client.run(_enqueued(agent))


class Runner(BaseRunner):
    """A runner for tests that are plain functions; its methods are those of `AsyncRunner`."""

    def __init__(self, dsn: str, clock: Clock, session: OwnSession) -> None:
        super().__init__(dsn, clock)
        self.client = Client(dsn)
        self.client.session = session

    def drain(self, until: Moment | None = None) -> list[Attempt]:
        """As `AsyncRunner.drain`."""
        return asyncio.run(self._drain(until))

    def run(
        self,
        agent: AnyAgent,
        payload: Mapping[str, Any] | BaseModel | None = None,
        **options: Any,
    ) -> Attempt:
        """As `AsyncRunner.run`."""
        __tracebackhide__ = True
        task_id = self.client.run(_put_in(agent, payload, **options))
        return _good(asyncio.run(self._attempt(task_id)))

    def enqueued(self, agent: AnyAgent | None = None) -> list[TaskState]:
        """As `AsyncRunner.enqueued`."""
        return self.client.run(_enqueued(agent))


@contextmanager
def opened_runner(dsn: str, *, is_async: bool) -> Iterator[Runner | AsyncRunner]:
    """A runner on a database whose clock can be set. Closes at its end what it opened, also for
    `agent.enqueue(...)`."""
    session = OwnSession(dsn, "public")
    with psycopg.connect(dsn, autocommit=True) as connection:
        clock = Clock(connection)
        forget_default_client()
        try:
            yield (AsyncRunner if is_async else Runner)(dsn, clock, session)
        finally:
            forget_default_client()
            session.close()
            registry.forget_local()


class _ThreadSession:
    """Operations of coroutines on one blocking connection: nothing of it belongs to an event loop,
    so that nothing is left open where a test ends its own."""

    def __init__(self, session: OwnSession) -> None:
        self.session = session

    async def run(self, operation: Operation[R]) -> R:
        return await asyncio.to_thread(self.session.run, operation)

    async def close(self) -> None:
        """Leaves the connection to whoever opened it."""

    def refuse_wait(self) -> None:
        """Nobody's transaction is on."""


class _LoopClient(AsyncClient):
    def __init__(self, session: OwnSession) -> None:
        self.session = _ThreadSession(session)
        self._hub = None


def _good(attempt: Attempt) -> Attempt:
    __tracebackhide__ = True
    if attempt.exception is not None:
        raise attempt.exception
    if attempt.error is not None and attempt.ended:
        raise OppspotError(attempt.error)
    return attempt


def _called(agent: AnyAgent) -> str:
    match agent:
        case UUID() | str():
            return str(agent)
        case _:
            return str(agent.agent_type)


def _put_in(
    agent: AnyAgent,
    payload: Mapping[str, Any] | BaseModel | None,
    configuration: Mapping[str, Any] | None = None,
    **options: Any,
) -> Operation[UUID]:
    meant: UUID | str = _called(agent)
    (row,) = yield Call(HAS_AGENT, {"agent": meant})
    if configuration is not None or not row["found"]:
        meant = yield from directory.create_agent(
            agent_type=str(meant), configuration=configuration
        )
    return (yield from producer.enqueue(meant, payload, **{"priority": FIRST, **options}))


def _enqueued(agent: AnyAgent | None) -> Operation[list[TaskState]]:
    name = None if agent is None else _called(agent)
    rows = yield Call(ENQUEUED, {"agent": name})
    found = []
    for row in rows:
        found.append((yield from tasks.get(row["id"])))  # noqa: PERF401 - a generator's own yields
    return found
