"""Rows of agents and streams, as operations for `Client` and `AsyncClient`.

What works for which stream after whom is in `assignments`. Knows no queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from oppspot_runner.base import payload as checks
from oppspot_runner.base.cron import cron_expression, timezone_name
from oppspot_runner.base.errors import InvalidInputError, NotFoundError
from oppspot_runner.base.pace import Strategy, pace
from oppspot_runner.base.schedule_options import schedule_options
from oppspot_runner.db.files import statement
from oppspot_runner.db.operation import Call, Operation, Rows
from oppspot_runner.db.sending import starts_run

CREATE_AGENT = statement("directory/create_agent")
UPDATE_AGENT = statement("directory/update_agent")
FIND_AGENT = statement("directory/find_agent")
AGENTS_BY_PREFIX = statement("directory/agents_by_prefix")
TASK_TYPE = statement("directory/task_type")
LIST_AGENTS = statement("directory/list_agents")
CREATE_STREAM = statement("directory/create_stream")
FIND_STREAMS = statement("directory/find_streams")
STREAMS_BY_PREFIX = statement("directory/streams_by_prefix")
LIST_STREAMS = statement("directory/list_streams")
STREAM = statement("directory/stream")
RUN_STREAM = statement("directory/run_stream")
UPDATE_STREAM = statement("directory/update_stream")

MOST_DESCRIPTION = 10_000
UTC = "UTC"


def create_agent(
    *,
    agent_type: str,
    name: str | None = None,
    configuration: Mapping[str, Any] | None = None,
    schedule_cron: str | None = None,
    schedule_timezone: str = UTC,
    description: str | None = None,
    is_active: bool = True,
    parent: UUID | str | None = None,
    org_id: UUID | str | None = None,
) -> Operation[UUID]:
    """Adds an agent and returns its id. Its name is by default its type.

    `configuration` holds what the code of the type wants to know, and run options such as
    `time_limit`. `schedule_cron` has five fields, six with seconds at the end, or is a word such as
    @daily; `configuration["schedule"]` says how it fires (misfire, overlap, limit, jitter). Raises
    InvalidInputError for a value that breaks a rule.
    """
    (row,) = yield Call(
        CREATE_AGENT,
        {
            "agent_type": checks.plain_text(agent_type, "agent_type"),
            "name": checks.plain_text(agent_type if name is None else name, "the name"),
            "description": _text(description, "the description", most=MOST_DESCRIPTION),
            "configuration": _configuration(configuration or {}),
            "is_active": is_active,
            "schedule_cron": cron_expression(schedule_cron) if schedule_cron else None,
            "schedule_timezone": timezone_name(schedule_timezone),
            "parent": None if parent is None else str(parent),
            "org_id": None if org_id is None else checks.identifier(org_id, "org_id"),
        },
    )
    made: UUID = row["id"]
    return made


def update_agent(
    agent: UUID | str,
    *,
    agent_type: str | None = None,
    name: str | None = None,
    configuration: Mapping[str, Any] | None = None,
    schedule_cron: str | None = None,
    schedule_timezone: str | None = None,
    description: str | None = None,
    is_active: bool | None = None,
) -> Operation[UUID]:
    """Changes what is given of `agent` (id, name or type); returns its id.

    An empty `schedule_cron` or `description` takes it away; `configuration` replaces the old one.
    Tasks that run already are not touched. Raises NotFoundError, and InvalidInputError.
    """
    changes = {
        "agent_type": _text(agent_type, "agent_type"),
        "name": _text(name, "the name"),
        "description": _removable(description, "the description"),
        "configuration": None if configuration is None else _configuration(configuration),
        "is_active": is_active,
        "schedule_cron": cron_expression(schedule_cron) if schedule_cron else schedule_cron,
        "schedule_timezone": None
        if schedule_timezone is None
        else timezone_name(schedule_timezone),
    }
    if all(value is None for value in changes.values()):
        raise InvalidInputError("nothing is given that should change")
    (row,) = yield Call(UPDATE_AGENT, {**changes, "agent": str(agent)})
    changed: UUID = row["id"]
    return changed


def find_agent(agent: UUID | str) -> Operation[UUID]:
    """The id of an agent by its id, name or type, or by the first characters of its id.

    Raises NotFoundError, or InvalidInputError when several are meant.
    """
    prefix = checks.uuid_range(agent) if isinstance(agent, str) else None
    if prefix is not None:
        rows = yield Call(AGENTS_BY_PREFIX, {"low": prefix[0], "high": prefix[1]})
        if rows:
            return checks.only_one([row["id"] for row in rows], f"agent {agent}")
    rows = yield Call(FIND_AGENT, {"agent": str(agent), "org_id": None})
    found: UUID = rows[0]["id"]
    return found


def agent_type_of(agent: UUID | str) -> Operation[str | None]:
    """The type of an agent (id, name or type). Raises NotFoundError."""
    (row,) = yield Call(FIND_AGENT, {"agent": str(agent), "org_id": None})
    agent_type: str | None = row["agent_type"]
    return agent_type


def task_type_of(agent: str, usual: str, org_id: UUID | str | None = None) -> Operation[str]:
    """The lane of an agent's tasks: what its row says, else `usual`. Raises NotFoundError."""
    org = None if org_id is None else checks.identifier(org_id, "org_id")
    (row,) = yield Call(TASK_TYPE, {"agent": agent, "usual": usual, "org_id": org})
    lane: str = row["task_type"]
    return lane


def list_agents(
    *, agent_type: str | None = None, org_id: UUID | str | None = None
) -> Operation[Rows]:
    """All agents, or those of a type or an organisation, by name."""
    org = None if org_id is None else checks.identifier(org_id, "org_id")
    rows = yield Call(LIST_AGENTS, {"agent_type": agent_type, "org_id": org})
    return [{**row, "configuration": checks.read_json(row["configuration"])} for row in rows]


def create_stream(
    name: str,
    *,
    goal_criteria: Mapping[str, Any] | None = None,
    target_metrics: Mapping[str, Any] | None = None,
    org_id: UUID | str | None = None,
) -> Operation[UUID]:
    """Adds a stream, a goal that agents work for, and returns its id."""
    (row,) = yield Call(
        CREATE_STREAM,
        {
            "name": checks.plain_text(name, "the name"),
            "goal_criteria": checks.object_json(goal_criteria or {}, "goal_criteria"),
            "target_metrics": checks.object_json(target_metrics or {}, "target_metrics"),
            "org_id": None if org_id is None else checks.identifier(org_id, "org_id"),
        },
    )
    made: UUID = row["id"]
    return made


def update_stream(
    stream_id: UUID,
    *,
    name: str | None = None,
    goal_criteria: Mapping[str, Any] | None = None,
    target_metrics: Mapping[str, Any] | None = None,
) -> Operation[None]:
    """Changes what is given of a stream; runs that are on keep what they started with.

    Raises NotFoundError, and InvalidInputError when nothing is given.
    """
    goal = None if goal_criteria is None else checks.object_json(goal_criteria, "goal_criteria")
    metrics = target_metrics
    changes = {
        "name": _text(name, "the name"),
        "goal_criteria": goal,
        "target_metrics": None if metrics is None else checks.object_json(metrics, "the metrics"),
    }
    if all(value is None for value in changes.values()):
        raise InvalidInputError("nothing is given that should change")
    rows = yield Call(UPDATE_STREAM, {"stream_id": stream_id, **changes})
    if not rows:
        raise NotFoundError(f"there is no stream {stream_id}")


def find_stream(stream: UUID | str) -> Operation[UUID]:
    """The id of a stream by its id or name, or by the first characters of its id.

    Raises NotFoundError, or InvalidInputError when several are meant.
    """
    named = stream if isinstance(stream, str) else None
    prefix = checks.uuid_range(str(stream))
    exact = prefix[0] if prefix is not None and prefix[0] == prefix[1] else None
    rows = yield Call(FIND_STREAMS, {"stream_id": exact, "name": named})
    if not rows and prefix is not None:
        rows = yield Call(STREAMS_BY_PREFIX, {"low": prefix[0], "high": prefix[1]})
    if not rows:
        raise NotFoundError(
            f"there is no stream {str(stream)[:200]!r}", hint="See `oppspot-runner streams list`."
        )
    return checks.only_one([row["id"] for row in rows], f"stream {stream}")


def list_streams(
    *,
    org_id: UUID | str | None = None,
    words: str | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 100,
) -> Operation[Rows]:
    """Streams, the newest first, each with its newest run; those with `words` in their names.

    `before` is where the page before ended: when its last stream was made, and its id.
    """
    org = None if org_id is None else checks.identifier(org_id, "org_id")
    before_at, before_id = before or (None, None)
    place = {"before_at": before_at, "before_id": before_id}
    return (yield Call(LIST_STREAMS, {"org_id": org, "words": words, **place, "limit": limit}))


def get_stream(stream_id: UUID) -> Operation[dict[str, Any]]:
    """One stream with its goal and progress. Raises NotFoundError."""
    rows = yield Call(STREAM, {"stream_id": stream_id})
    if not rows:
        raise NotFoundError(f"there is no stream {stream_id}")
    shown = ("goal_criteria", "target_metrics", "progress")
    return {**rows[0], **{name: checks.read_json(rows[0][name]) for name in shown}}


@starts_run
def run_stream(
    stream_id: UUID | str,
    payload: Mapping[str, Any] | None = None,
    *,
    priority: int = 5,
    requested_by: str | None = None,
    strategy: Strategy = "event",
    max_parallel: int | None = None,
) -> Operation[UUID]:
    """Starts all agents of a stream, each after those it depends on; returns the run's id.

    With the strategy "level" an agent waits for all of the levels above, with "sequential" they
    run one after the other; `max_parallel` is how many may be on at once. Raises NotFoundError,
    also when no agent of the stream runs by itself, and CycleError.
    """
    (row,) = yield Call(
        RUN_STREAM,
        {
            "stream_id": checks.identifier(stream_id, "the stream id"),
            "payload": checks.object_json(payload or {}),
            "priority": checks.whole_number(priority, "the priority", least=1, most=10),
            "requested_by": _text(requested_by, "requested_by"),
            **pace(strategy, max_parallel),
        },
    )
    run: UUID = row["id"]
    return run


def _configuration(value: Mapping[str, Any]) -> str:
    text = checks.object_json(value, "the configuration")
    schedule_options(value.get("schedule"))
    return text


def _text(value: str | None, what: str, *, most: int = checks.MOST_NAME) -> str | None:
    return None if value is None else checks.plain_text(value, what, most=most)


def _removable(value: str | None, what: str) -> str | None:
    return value if value == "" else _text(value, what, most=MOST_DESCRIPTION)
