"""Changes of streams, and of who works for them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from oppspot_runner.api.bodies.streams import NewStream, RunOfStream, StreamChanges
from oppspot_runner.api.changing import Change
from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.streams import assignments, directory
from oppspot_runner.streams.assignments import Assignment, AssignmentTerms

RECORDED = ("name", "goal_criteria", "target_metrics")


async def create(change: Change, wanted: NewStream) -> dict[str, Any]:
    """Makes a stream. Raises InvalidInputError."""
    made = await change.client.create_stream(
        wanted.name,
        goal_criteria=wanted.goal_criteria,
        target_metrics=wanted.target_metrics,
        org_id=change.owner(wanted.org_id),
    )
    stream = await change.client.run(directory.get_stream(made))
    await change.record("stream.create", "stream", made, after=_told(stream))
    return stream


async def update(change: Change, stream_id: UUID, wanted: StreamChanges) -> dict[str, Any]:
    """Changes what is given of a stream. Raises NotFoundError, InvalidInputError."""
    before = await change.client.run(directory.get_stream(stream_id))
    await change.client.run(directory.update_stream(stream_id, **wanted.model_dump()))
    after = await change.client.run(directory.get_stream(stream_id))
    told = {"before": _told(before), "after": _told(after)}
    await change.record("stream.update", "stream", stream_id, **told)
    return after


async def run(change: Change, stream_id: UUID, wanted: RunOfStream) -> UUID:
    """Starts all agents of a stream; the run. Raises NotFoundError, CycleError."""
    made = await change.client.run_stream(
        stream_id, requested_by=change.actor.name, **wanted.model_dump()
    )
    after = {"run_id": str(made), **wanted.model_dump()}
    await change.record("stream.run", "stream", stream_id, after=after)
    return made


async def assign(change: Change, stream_id: UUID, wanted: Assignment) -> dict[str, Any]:
    """Lets an agent work for a stream, or changes how it does; the assignment.

    Raises NotFoundError, InvalidInputError, and CycleError that spells the cycle out.
    """
    agent_id = await change.client.run(directory.find_agent(wanted.agent_id))
    before = await _assignment(change, stream_id, agent_id)
    named = wanted.model_copy(update={"agent_id": agent_id})
    await change.client.assign_agents_to_stream(stream_id, [named])
    after = await _assignment(change, stream_id, agent_id)
    assert after is not None
    action = "stream.assign" if before is None else "stream.reassign"
    await change.record(action, "stream", stream_id, before=before, after=after)
    return after


async def reassign(
    change: Change, stream_id: UUID, agent_id: UUID, wanted: AssignmentTerms
) -> dict[str, Any]:
    """Changes how an agent works for a stream. Raises as `assign`, and when it does not."""
    if await _assignment(change, stream_id, agent_id) is None:
        raise NotFoundError(f"agent {agent_id} is not assigned to stream {stream_id}")
    return await assign(change, stream_id, Assignment(agent_id=agent_id, **wanted.model_dump()))


async def unassign(change: Change, stream_id: UUID, agent_id: UUID) -> None:
    """Takes an agent out of a stream. Raises NotFoundError; ConflictError while others need it."""
    before = await _assignment(change, stream_id, agent_id)
    await change.client.run(assignments.unassign_agent(stream_id, agent_id))
    await change.record("stream.unassign", "stream", stream_id, before=before)


async def _assignment(change: Change, stream_id: UUID, agent_id: UUID) -> dict[str, Any] | None:
    rows = await change.client.run(assignments.list_assignments(stream_id))
    return next((row for row in rows if row["agent_id"] == agent_id), None)


def _told(stream: dict[str, Any]) -> dict[str, Any]:
    return {name: stream[name] for name in RECORDED}
