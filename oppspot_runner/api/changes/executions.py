"""Starting agents: one by itself, or one of a stream with all that depends on it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.api.bodies.executions import ExecuteInStream
from oppspot_runner.api.changing import Change
from oppspot_runner.api.reads.agents import show_agent
from oppspot_runner.app.agent_rows import payload_of
from oppspot_runner.db.files import statement
from oppspot_runner.queue.client import TaskState

PROMISE = statement("executions/promise")


async def execute(change: Change, agent_id: UUID, given: Any) -> tuple[DictRow, TaskState]:
    """Puts a task in that gives `given` to the agent. The agent, and the task."""
    agent = await show_agent(change.database, agent_id)
    payload = payload_of(agent["agent_type"], given)
    task_id = await change.client.enqueue(
        agent_id, payload, requested_by=change.actor.name, org_id=change.actor.org_id
    )
    await change.record("agent.execute", "agent", agent_id, after={"task_id": str(task_id)})
    return agent, await change.client.get(task_id)


async def execute_in_stream(
    change: Change, stream_id: UUID, agent_id: UUID, wanted: ExecuteInStream
) -> DictRow:
    """Starts an agent of a stream, and after it what depends on it; the execution that is promised.

    Raises NotFoundError where it is not assigned to the stream.
    """
    task_id = await change.client.trigger_agent(
        stream_id,
        agent_id,
        execution_config=wanted.execution_config,
        force_execute=wanted.force_execute,
        requested_by=change.actor.name,
    )
    promised = await change.database.fetch_one(PROMISE, {"task_id": task_id})
    assert promised is not None
    after = {"stream_id": str(stream_id), "task_id": str(task_id)}
    await change.record("agent.execute", "agent", agent_id, after=after)
    return promised
