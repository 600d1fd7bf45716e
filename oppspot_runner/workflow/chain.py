"""Chains of agents: opens a run when a task of a stream is claimed, goes on when tasks end.

The rules are in `sql/0003_workflow.sql`, so that they hold for whoever changes a task by hand too;
this module only calls them at the right moments, inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from oppspot_runner.base import tracing
from oppspot_runner.base.errors import Fail, LeaseLostError
from oppspot_runner.base.jsonsafe import clean, dumps
from oppspot_runner.base.task import Task
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection

OPEN_RUN = statement("workflow/open_run")
SETTLE_NODES = statement("workflow/settle_nodes")
COUNT_EXECUTIONS = statement("workflow/count_executions")
JOIN_TRACE = statement("workflow/join_trace")
UPSTREAM = statement("workflow/upstream")
EXPIRE_APPROVALS = statement("workflow/expire_approvals")


@dataclass(frozen=True)
class Settled:
    """A task of a run whose attempt ended: `state` is what it became, pending if it came back."""

    run_id: UUID
    agent_id: UUID
    state: str
    execution_id: UUID | None


async def open_run(connection: Connection, task: Task, stream_id: UUID) -> UUID:
    """Opens the run of a claimed task: its agent and all that is downstream of it.

    Raises Fail when the agents wait for each other, LeaseLostError when the task is not ours.
    """
    assert task.agent is not None
    params = {
        "task_id": task.id,
        "run_token": task.run_token,
        "stream_id": stream_id,
        "agent_id": task.agent.id,
        "payload": dumps(clean(task.payload)),
        "priority": task.priority,
        "requested_by": task.requested_by,
        "chain": task.payload.get("chain") is not False,
        "traceparent": tracing.CURRENT.get(),
    }
    try:
        async with connection.transaction():
            row = await (await connection.execute(OPEN_RUN, params)).fetchone()
    except psycopg.errors.InvalidRecursion as error:
        raise Fail(f"{error.diag.message_primary}. {error.diag.message_hint}") from None
    except psycopg.IntegrityError:
        raise Fail(f"stream {stream_id} or one of its agents was deleted meanwhile") from None
    if row is None:
        raise LeaseLostError(f"task {task.id} was taken back before its run was opened")
    run_id: UUID = row["run_id"]
    return run_id


async def join_trace(connection: Connection, task: Task) -> None:
    """Where traces are made, what depends on `task` belongs to its trace, unless to another one."""
    traceparent = tracing.CURRENT.get()
    if traceparent is not None and task.traceparent is None:
        params = {"run_id": task.run_id, "traceparent": traceparent}
        await connection.execute(JOIN_TRACE, params)


async def after(connection: Connection, settled: Sequence[Settled]) -> int:
    """Starts what became ready by these ends, and tells of tasks that came back; how many began."""
    if not settled:
        return 0
    params = {
        "run_ids": [one.run_id for one in settled],
        "agent_ids": [one.agent_id for one in settled],
        "states": [one.state for one in settled],
        "execution_ids": [one.execution_id for one in settled],
    }
    row = await (await connection.execute(SETTLE_NODES, params)).fetchone()
    assert row is not None
    started: int = row["started"]
    return started


async def expire_approvals(connection: Connection) -> None:
    """Fails the agents of runs whose approval did not come in time."""
    await connection.execute(EXPIRE_APPROVALS)


async def count_executions(
    connection: Connection, assignments: Sequence[tuple[UUID, UUID]]
) -> None:
    """Counts attempts of (stream, agent) pairs on their assignments."""
    if assignments:
        params = {
            "stream_ids": [stream for stream, _ in assignments],
            "agent_ids": [agent for _, agent in assignments],
        }
        await connection.execute(COUNT_EXECUTIONS, params)


async def upstream(connection: Connection, task: Task) -> dict[str, Any]:
    """Outputs of the agents that `task`, or the task that it replays, depended on, by agent id."""
    rows = await (await connection.execute(UPSTREAM, {"task_id": task.id})).fetchall()
    return {str(row["agent_id"]): row["output"] for row in rows}
