"""Executing agents."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from oppspot_runner.api.access import needs
from oppspot_runner.api.afterwards import then
from oppspot_runner.api.bodies.agents import model_of
from oppspot_runner.api.bodies.executions import (
    ExecuteAgent,
    ExecuteInStream,
    Execution,
    QueuedExecution,
    StreamExecution,
)
from oppspot_runner.api.changes import executions as changes
from oppspot_runner.api.changing import ChangingRoute, TheChange
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.waiting import MOST_WAIT_S, WAIT, wait_for_end

router = Routes(tags=["agents"], route_class=then(wait_for_end))
of_streams = Routes(tags=["streams"], route_class=ChangingRoute)

Wait = Annotated[
    float,
    Query(alias=WAIT, ge=0, le=MOST_WAIT_S, allow_inf_nan=False, description="Seconds to wait."),
]


@router.post(
    "/api/v1/agents/{agent_id}/execute",
    status_code=202,
    responses={
        200: {"model": Execution, "description": "It completed."},
        202: {"description": "It has not ended yet, and goes on."},
    },
    dependencies=[Depends(needs("run"))],
)
async def execute(
    agent_id: UUID, body: ExecuteAgent, change: TheChange, wait_s: Wait = MOST_WAIT_S
) -> Execution:
    """Executes an agent and waits for its end.

    Whoever leaves cancels nothing. An execution that failed is an error, whose message names the
    task.
    """
    agent, task = await changes.execute(change, agent_id, body.input)
    return Execution(
        task_id=task.id,
        agent_id=agent_id,
        model=model_of(agent["agent_type"], agent["configuration"]),
        input=body.input,
        output=None,
        tokens_used=0,
        cost_usd=0.0,
        state=task.status,
        created_at=task.created_at,
    )


@of_streams.post(
    "/api/streams/{stream_id}/agents/{agent_id}/execute", dependencies=[Depends(needs("run"))]
)
async def execute_in_stream(
    stream_id: UUID, agent_id: UUID, change: TheChange, body: ExecuteInStream | None = None
) -> StreamExecution:
    """Starts an agent of a stream, and after it all that depends on it."""
    wanted = body or ExecuteInStream()
    promised = await changes.execute_in_stream(change, stream_id, agent_id, wanted)
    return StreamExecution(execution=QueuedExecution.model_validate(promised))
