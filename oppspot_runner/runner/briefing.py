"""What an attempt needs to know before its agent runs, or the reason why it cannot run.

Every problem of what people put into rows is raised as Fail with a sentence for the task's
error_message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ValidationError
from structlog.typing import FilteringBoundLogger

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.agents.ports import ModelCalls, ToolCalls, WebCalls
from oppspot_runner.agents.registry import Definition, Registry
from oppspot_runner.agents.stores import Stores
from oppspot_runner.agents.web import WebAccess
from oppspot_runner.agents.work_time import WorkTime
from oppspot_runner.backends.backend import Briefing
from oppspot_runner.base.errors import Fail, OppspotError
from oppspot_runner.base.task import AgentRow, StreamRow, Task
from oppspot_runner.base.validation import first_fault
from oppspot_runner.base.wording import BAD_PAYLOAD
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import store
from oppspot_runner.queue.journal import TaskJournal
from oppspot_runner.workflow import chain

STREAM = statement("workflow/stream")
DEFAULT_MAX_RETRIES = 3  # of the column: it says nothing, so the agent's own number counts


@dataclass(frozen=True)
class Ports:
    """Makes what a task asks: stores for (task, stream), models for (task, journal, stream).

    `sources` are those that the web can ask.
    """

    stores: Callable[[Task, UUID | None], Stores]
    models: Callable[[Task, TaskJournal, UUID | None], ModelCalls]
    tools: Callable[[Task, TaskJournal], ToolCalls]
    web: Callable[[Task, UUID | None], WebCalls]
    sources: frozenset[str] = frozenset()


def chosen_definition(registry: Registry, task: Task) -> tuple[Definition, AgentOptions]:
    """The code and options for a task. Raises Fail with the reason when it cannot run."""
    if task.payload_error:
        raise Fail(task.payload_error)
    agent = task.agent
    if agent is None:
        raise Fail("the task has no agent: its agent_id is NULL")
    if not agent.agent_type:
        raise Fail(f"the agent {agent.name or agent.id} has no agent_type")
    if not agent.is_active and task.payload.get("force_execute") is not True:
        raise Fail(f"the agent {agent.name or agent.id} is inactive")
    try:
        definition = registry.find(agent.agent_type)
        return definition, definition.options.overridden(agent.configuration)
    except OppspotError as error:
        raise Fail(error.one_line()) from None


def max_retries(task: Task, options: AgentOptions) -> int:
    """How many errors the task may have: the row's number, unless it is the column's default."""
    return options.max_retries if task.max_retries == DEFAULT_MAX_RETRIES else task.max_retries


@dataclass(frozen=True)
class Surroundings:
    """What a task for a stream works within: the stream, and outputs of the agents before it."""

    stream: StreamRow | None = None
    upstream: dict[str, Any] = field(default_factory=dict)


async def begin(database: Database, task: Task) -> bool:
    """Says that a task which waited to run alone begins now; False when it was taken back."""
    async with database.connection() as connection:
        return await store.begin(connection, task)


async def surroundings(database: Database, task: Task) -> Surroundings:
    """Loads what a task for a stream is to know and opens its run. Raises Fail."""
    stream = await stream_of(database, task)
    return Surroundings(stream, await _join_run(database, task, stream))


def brief(
    ports: Ports,
    task: Task,
    chosen: tuple[Definition, AgentOptions],
    around: Surroundings,
    journal: TaskJournal,
    log: Callable[[], FilteringBoundLogger],
) -> Briefing:
    """All that the agent is to know. Raises Fail."""
    definition, options = chosen
    agent, stream = task.agent, around.stream
    stream_id = stream.id if stream else None
    assert agent is not None
    ctx = Context(
        task=task,
        agent=agent,
        stream=stream,
        payload=task.payload,
        goal_context=_goal_context(task, stream),
        upstream=around.upstream,
        deadline=task.started_at + options.time_limit,
        _log=log,
        journal=journal,
        execution_config=_object(task, "execution_config"),
        force_execute=task.payload.get("force_execute") is True,
        work_time=WorkTime(options.soft_limit_s, options.time_limit.total_seconds()),
        _model_calls=ports.models(task, journal, stream_id),
        _tool_calls=ports.tools(task, journal),
        http=WebAccess(ports.web(task, stream_id), ports.sources),
        stores=ports.stores(task, stream_id),
    )
    return Briefing(definition, options, ctx, _input(definition, task, agent))


def _input(definition: Definition, task: Task, agent: AgentRow) -> BaseModel | None:
    if definition.input_model is None:
        return None
    try:
        return definition.input_model.model_validate(task.payload)
    except ValidationError as error:
        fault = first_fault(error, "the payload")
        raise Fail(f"{BAD_PAYLOAD} {agent.agent_type}: {fault}") from None


async def stream_of(database: Database, task: Task) -> StreamRow | None:
    """The stream that a task works for, if any. Raises Fail for one that is not there."""
    stream_id = task.stream_id or _payload_stream_id(task)
    if stream_id is None:
        return None
    row = await database.fetch_one(STREAM, {"stream_id": stream_id, "org_id": task.org_id})
    if row is None:
        whose = f"organisation {task.org_id}" if task.org_id else "a task without organisation"
        raise Fail(f"there is no stream {stream_id} for {whose}")
    return StreamRow(
        id=row["id"],
        org_id=row["org_id"],
        name=row["name"],
        goal_criteria=row["goal_criteria"] or {},
        target_metrics=row["target_metrics"] or {},
    )


def _payload_stream_id(task: Task) -> UUID | None:
    given = task.payload.get("stream_id")
    if given is None:
        return None
    try:
        return UUID(given)
    except (ValueError, TypeError, AttributeError):
        raise Fail(f"payload.stream_id is not a uuid: {str(given)[:80]!r}") from None


async def _join_run(database: Database, task: Task, stream: StreamRow | None) -> dict[str, Any]:
    opens = stream is not None and task.run_id is None
    knows = task.run_id is not None or task.replay_of is not None
    if not opens and not knows:
        return {}
    async with database.connection() as connection:
        if stream is not None and opens:
            await chain.open_run(connection, task, stream.id)
        elif task.run_id is not None:
            await chain.join_trace(connection, task)
        return await chain.upstream(connection, task) if knows else {}


def _goal_context(task: Task, stream: StreamRow | None) -> dict[str, Any]:
    given = _object(task, "goal_context")
    if stream is None:
        return given
    own = {"goal_criteria": stream.goal_criteria, "target_metrics": stream.target_metrics}
    return {**own, **given}


def _object(task: Task, key: str) -> dict[str, Any]:
    given = task.payload.get(key)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise Fail(f"payload.{key} is not an object")
    return given
