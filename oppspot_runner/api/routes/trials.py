"""Testing agents: at once, and nothing of it is kept."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from oppspot_runner.api.access import KnownRoute, needs
from oppspot_runner.api.bodies.agents import model_of
from oppspot_runner.api.bodies.executions import ExecuteAgent, Tested
from oppspot_runner.api.errors import ApiCode
from oppspot_runner.api.reads.agents import show_agent
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.state import state_of
from oppspot_runner.api.waiting import failure
from oppspot_runner.app.agent_rows import payload_of
from oppspot_runner.app.trial import agent_of, try_agent
from oppspot_runner.base.actor import Actor
from oppspot_runner.db.acting import acting

router = Routes(tags=["agents"], route_class=KnownRoute)


@router.post("/api/v1/agents/{agent_id}/test", response_model=Tested)
async def test(
    agent_id: UUID,
    body: ExecuteAgent,
    request: Request,
    actor: Annotated[Actor, Depends(needs("run"))],
) -> Tested | Response:
    """Runs an agent at once, in this process, and keeps nothing of it.

    It may be inactive. Tools that do something are not called; a wait ends it, and so does a
    minute. What models cost is charged to the budgets.
    """
    state = state_of(request)
    async with acting(state.database, actor, read_only=True) as database:
        row = await show_agent(database, agent_id)
    trial = await try_agent(
        state.database,
        state.settings,
        state.registry,
        agent_of(row, actor.org_id),
        payload_of(row["agent_type"], body.input),
    )
    if trial.output is None:
        said = trial.error or "it has no output"
        return failure(
            f"the test of agent {agent_id} failed", said, trial.tool, ApiCode.TEST_FAILED
        )
    return Tested(
        agent_id=agent_id,
        model=model_of(row["agent_type"], row["configuration"]),
        test_input=body.input,
        test_output=trial.output,
        timestamp=trial.at,
        tokens_used=trial.tokens,
        cost_usd=trial.cost_usd,
        conversation_history=trial.history,
    )
