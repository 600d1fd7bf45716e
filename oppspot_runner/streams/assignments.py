"""Which agents work for a stream and after whom, as operations for `Client` and `AsyncClient`.

Agents that wait for each other are refused before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from typing import Any, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from oppspot_runner.base import payload as checks
from oppspot_runner.base.errors import ConflictError, CycleError, InvalidInputError, NotFoundError
from oppspot_runner.base.schedule_options import frequency, schedule_options
from oppspot_runner.db.files import statement
from oppspot_runner.db.operation import Call, Operation, Rows

FIND_AGENT = statement("directory/find_agent")
HOLD_STREAM = statement("directory/hold_stream")
ASSIGN = statement("directory/assign")
ASSIGNMENTS = statement("directory/assignments")
MISSING = statement("directory/missing_dependencies")
CYCLE = statement("directory/cycle")
IS_ASSIGNED = statement("directory/is_assigned")
UNASSIGN = statement("directory/unassign")

R = TypeVar("R")

INT4_MOST = 2**31 - 1
JSONPATH = "jsonpath"  # in each error of Postgres about one


class AssignmentTerms(BaseModel):
    """How an agent takes part in a stream. What is None keeps its value, or the default at first.

    Agents are named by id, name or type. `execution_order` only breaks ties: what an agent waits
    for is `depends_on_agent_ids`. With `auto_execute` False it is only started by hand.
    `execution_frequency` (hourly, daily, weekly, realtime, manual or a cron expression) starts it,
    in the way that `schedule_options` say. What the
    other columns do: docs/guides/workflows.md; an empty `condition` takes it away.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    assignment_role: str | None = Field(None, min_length=1, max_length=200)
    execution_order: int | None = Field(None, ge=-INT4_MOST, le=INT4_MOST)
    is_active: bool | None = None
    auto_execute: bool | None = None
    execution_frequency: str | None = Field(None, min_length=1, max_length=200)
    schedule_options: dict[str, Any] | None = None
    depends_on_agent_ids: tuple[UUID | str, ...] | None = None
    condition: str | None = Field(None, max_length=10_000)
    on_failure: Literal["skip", "run", "fail"] | None = None
    requires_approval: bool | None = None
    approval_timeout: timedelta | None = Field(None, gt=timedelta(0))
    max_parallel: int | None = Field(None, ge=1, le=INT4_MOST)

    @field_validator("execution_frequency")
    @classmethod
    def _is_frequency(cls, value: str | None) -> str | None:
        return None if value is None else _checked(frequency, value)

    @field_validator("schedule_options")
    @classmethod
    def _are_options(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        _checked(schedule_options, value)
        return value


class Assignment(AssignmentTerms):
    """One agent's part in a stream."""

    agent_id: UUID | str


def assign_agents_to_stream(
    stream_id: UUID | str, assignments: Sequence[Mapping[str, Any] | Assignment]
) -> Operation[list[UUID]]:
    """Assigns agents to a stream; returns the ids of the assignments, in the order given.

    Each is a mapping with the fields of `Assignment`. Agents that are assigned already are
    changed, others of the stream stay. All are written, or none. Raises CycleError when agents
    would wait for each other, InvalidInputError, and NotFoundError.
    """
    wanted = [_assignment(one, place) for place, one in enumerate(assignments, start=1)]
    stream = checks.identifier(stream_id, "the stream id")
    held = yield Call(HOLD_STREAM, {"stream_id": stream})
    if not held:
        raise NotFoundError(
            f"there is no stream {stream}", hint="See `oppspot-runner streams list`."
        )
    made: list[UUID] = []
    agents: list[UUID] = []
    for one in wanted:
        agent, row = yield from _assign(stream, held[0]["org_id"], one)
        if agent in agents:
            raise InvalidInputError(f"agent {one.agent_id} is given twice")
        agents.append(agent)
        made.append(row)
    yield from _check_graph(stream, agents)
    return made


def unassign_agent(stream_id: UUID, agent_id: UUID) -> Operation[None]:
    """Takes an agent out of a stream. Runs that are on keep the graph that they started with.

    Raises NotFoundError when it is not there, ConflictError while others of the stream depend on
    it.
    """
    yield Call(HOLD_STREAM, {"stream_id": stream_id})
    rows = yield Call(ASSIGNMENTS, {"stream_id": stream_id})
    depending = [str(row["agent_name"]) for row in rows if agent_id in row["depends_on_agent_ids"]]
    if depending:
        raise ConflictError(
            f"{', '.join(depending)} would wait for an agent that is not there",
            hint="Take that dependency away first.",
        )
    if not (yield Call(UNASSIGN, {"stream_id": stream_id, "agent_id": agent_id})):
        raise NotFoundError(f"agent {agent_id} is not assigned to stream {stream_id}")


def list_assignments(stream_id: UUID) -> Operation[Rows]:
    """The agents of a stream in their order, each with the names of what it depends on."""
    return (yield Call(ASSIGNMENTS, {"stream_id": stream_id}))


def require_assigned(stream_id: UUID | str, agent: UUID | str) -> Operation[UUID]:
    """The id of `agent`. Raises NotFoundError when it is not assigned to the stream."""
    stream = checks.identifier(stream_id, "the stream id")
    (found,) = yield Call(FIND_AGENT, {"agent": str(agent), "org_id": None})
    (row,) = yield Call(IS_ASSIGNED, {"stream_id": stream, "agent_id": found["id"]})
    if not row["assigned"]:
        raise NotFoundError(
            f"agent {found['name'] or found['id']} is not assigned to stream {stream}",
            hint="Assign it with `oppspot-runner streams assign`.",
        )
    agent_id: UUID = found["id"]
    return agent_id


def _assign(stream: UUID, org_id: UUID | None, one: Assignment) -> Operation[tuple[UUID, UUID]]:
    agent = yield from _agent(one.agent_id, org_id)
    depends_on = None
    if one.depends_on_agent_ids is not None:
        depends_on = []
        for name in one.depends_on_agent_ids:
            depends_on.append((yield from _agent(name, org_id)))
    columns = one.model_dump(exclude={"agent_id", "depends_on_agent_ids", "schedule_options"})
    options = one.schedule_options
    columns["schedule_options"] = None if options is None else checks.object_json(options)
    columns |= {"stream_id": stream, "agent_id": agent, "depends_on": depends_on}
    try:
        (row,) = yield Call(ASSIGN, columns)
    except InvalidInputError as error:
        raise _of_condition(error, one.condition) from None
    return agent, row["id"]


def _of_condition(error: InvalidInputError, condition: str | None) -> InvalidInputError:
    """What Postgres says of a jsonpath, with the option that it stands in."""
    if JSONPATH not in str(error):
        return error
    return InvalidInputError(
        f"the condition {condition!r} is not a jsonpath: {error}",
        hint="Write a path such as --condition '$.output.found > 0'.",
    )


def _agent(name: UUID | str, org_id: UUID | None) -> Operation[UUID]:
    (row,) = yield Call(FIND_AGENT, {"agent": str(name), "org_id": org_id})
    if row["org_id"] is not None and row["org_id"] != org_id:
        raise InvalidInputError(
            f"agent {row['name'] or name} belongs to organisation {row['org_id']}, "
            f"the stream to {org_id or 'none'}"
        )
    found: UUID = row["id"]
    return found


def _check_graph(stream: UUID, agents: list[UUID]) -> Operation[None]:
    missing = yield Call(MISSING, {"stream_id": stream, "agent_ids": agents})
    if missing:
        agent, needed = missing[0]["agent"], missing[0]["needed"]
        raise InvalidInputError(
            f"{agent} depends on {needed}, which is not assigned to the stream",
            hint=f"Assign {needed} as well, or leave out the dependency.",
        )
    (found,) = yield Call(CYCLE, {"stream_id": stream})
    if found["names"]:
        raise CycleError(found["names"])


def _checked(check: Callable[[Any], R], value: Any) -> R:
    try:
        return check(value)
    except InvalidInputError as error:
        raise ValueError(error.one_line()) from None


def _assignment(given: Mapping[str, Any] | Assignment, place: int) -> Assignment:
    if isinstance(given, Assignment):
        return given
    try:
        return Assignment.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else "the whole"
        near = get_close_matches(field, Assignment.model_fields, 1)
        unknown = first["type"] == "extra_forbidden" and near
        raise InvalidInputError(
            f"assignment {place}: {field}: {first['msg'].removeprefix('Value error, ')}",
            hint=f"Did you mean {near[0]}?" if unknown else None,
        ) from None
