"""Which agents work for a stream, after whom and how."""

from __future__ import annotations

from uuid import UUID

from fastapi import Depends

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies.streams import AssignmentBody, Assignments
from oppspot_runner.api.changes import streams as changes
from oppspot_runner.api.changing import ChangingRoute, TheChange
from oppspot_runner.api.routes.streams import stream_of
from oppspot_runner.api.routing import Routes
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.streams.assignments import Assignment, AssignmentTerms, list_assignments

router = Routes(
    prefix="/api/v1/streams/{stream_id}/agents",
    tags=["stream agents"],
    route_class=ChangingRoute,
)


@router.get("", dependencies=[Depends(needs("read"))])
async def list_(stream_id: UUID, database: Reading) -> Assignments:
    """The agents of a stream in their order, each with those that it depends on."""
    await stream_of(database, stream_id)
    rows = await AsyncClient(database).run(list_assignments(stream_id))
    return Assignments.model_validate({"items": rows})


@router.post("", dependencies=[Depends(needs("admin"))])
async def assign(stream_id: UUID, wanted: Assignment, change: TheChange) -> AssignmentBody:
    """Lets an agent work for a stream, or changes how it does.

    What is not given stays. Agents that would wait for each other are refused, with their names.
    """
    return AssignmentBody.model_validate(await changes.assign(change, stream_id, wanted))


@router.patch("/{agent_id}", dependencies=[Depends(needs("admin"))])
async def change_(
    stream_id: UUID, agent_id: UUID, wanted: AssignmentTerms, change: TheChange
) -> AssignmentBody:
    """Changes how an agent works for a stream. What is not given stays."""
    row = await changes.reassign(change, stream_id, agent_id, wanted)
    return AssignmentBody.model_validate(row)


@router.delete("/{agent_id}", status_code=204, dependencies=[Depends(needs("admin"))])
async def remove(stream_id: UUID, agent_id: UUID, change: TheChange) -> None:
    """Takes an agent out of a stream, unless others of it depend on it."""
    await changes.unassign(change, stream_id, agent_id)
