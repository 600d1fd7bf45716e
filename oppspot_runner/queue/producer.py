"""Putting tasks in, one or many, as operations for `Client` and `AsyncClient`.

Everything that can be wrong with a value is said before the database is asked. Knows no agent code
and no stream: an agent is a row that is named by its id, its name or its type.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any, Final, Literal, TypeAlias, TypedDict, Unpack, get_args
from uuid import UUID

from pydantic import BaseModel

from oppspot_runner.base import payload as checks
from oppspot_runner.base.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    OppspotError,
)
from oppspot_runner.base.task import DEFAULT_TASK_TYPE
from oppspot_runner.db.files import statement
from oppspot_runner.db.operation import Call, Operation
from oppspot_runner.db.sending import sending
from oppspot_runner.queue.ids import TaskIds

ENQUEUE = statement("tasks/enqueue")
ADD = statement("tasks/add")

# Of one statement: a few 100 ms of work, some MB of text.
MOST_ROWS = 5_000
MOST_CHARACTERS = 4 * 1024 * 1024
MOST_RETRIES = 1_000
MOST_KEY = {"unique_key": checks.MOST_NAME, "limit_key": 200}  # characters

Payload: TypeAlias = Mapping[str, Any] | BaseModel
OnConflict: TypeAlias = Literal["skip", "replace", "raise"]

MISSING: Final[Any] = object()
# What the database says of a task that it does not add.
FAULTS: Mapping[str, tuple[type[OppspotError], str | None]] = {
    "missing": (NotFoundError, "See `oppspot-runner agents list` and `streams list`."),
    "invalid": (InvalidInputError, None),
    "conflict": (
        ConflictError,
        "Wait for its end or cancel it, use another key, or another on_conflict.",
    ),
}


class TaskOptions(TypedDict, total=False):
    """What can be said of a task besides its agent and its payload; see `enqueue`."""

    priority: int
    scheduled_for: datetime | None
    at: datetime | None
    stream_id: UUID | str | None
    max_retries: int | None
    task_type: str | None
    limit_key: str | None
    requested_by: str | None
    org_id: UUID | str | None


def enqueue(
    agent: UUID | str,
    payload: Payload | None = None,
    *,
    unique_key: str | None = None,
    on_conflict: OnConflict = "skip",
    **options: Unpack[TaskOptions],
) -> Operation[UUID]:
    """Adds a task for `agent` (id, name or type) and returns the task's id.

    `priority` is 1 to 10, 10 first (by default 5); `scheduled_for`, or `at` for short, is when it
    is due (now); `stream_id` the stream it works for; `max_retries` and `task_type` are the agent's
    own by default; tasks of one `limit_key` share the limits of that key (by default that in the
    payload's field which the agent's configuration names); `requested_by` is for people; `org_id`
    is whose data it may see (the agent's).

    While a task with the same `unique_key` waits or runs, no other is added; `on_conflict` says
    what happens instead: "skip" returns its id, "replace" gives it this payload, priority, time,
    limit key and number of retries if it still waits, "raise" refuses.

    Raises InvalidInputError for a value that breaks a rule, NotFoundError for an unknown agent or
    stream, ConflictError that names the task that has the key.
    """
    task = {
        **checked_options(**options),
        "agent": agent_name(agent),
        "payload": checks.object_json({} if payload is None else payload),
        "unique_key": checked_key(unique_key),
        "on_conflict": _choice(on_conflict),
    }
    lane = str(task["task_type"] or DEFAULT_TASK_TYPE)
    return (yield from sending(_enqueued(task), lane, lambda made: {"ids": [made]}))


def _enqueued(task: Mapping[str, Any]) -> Operation[UUID]:
    (found,) = yield Call(ENQUEUE, task)
    made: UUID = found["id"]
    return made


def enqueue_many(
    agent: UUID | str,
    payloads: Iterable[Payload],
    *,
    unique_keys: Iterable[str | None] | None = None,
    limit_keys: Iterable[str | None] | None = None,
    on_conflict: OnConflict = "skip",
    **options: Unpack[TaskOptions],
) -> Operation[TaskIds]:
    """Adds a task for each payload; their ids in the same order. All are added, or none.

    `payloads` may be a generator: it is read in portions, and only the ids are kept, 16 bytes each.
    `unique_keys` and `limit_keys`, when given, have one for each payload. The other options are
    those of `enqueue`.
    """
    common = {**checked_options(**options), "agent": agent_name(agent)}
    made = TaskIds()
    for rows in portions(_rows(payloads, unique_key=unique_keys, limit_key=limit_keys)):
        result = yield from add(rows, on_conflict, common)
        if result.refused:
            raise result.refused[0].error
        made.extend(result.ids)
    return made


@dataclass(frozen=True)
class Refused:
    """A row that was not added: its place among those given, from 0, and why."""

    place: int
    error: OppspotError


@dataclass(frozen=True)
class Added:
    """What became of rows. For a key that was taken the id is that of the task that has it."""

    ids: list[UUID]  # of rows that were not refused
    added: int
    skipped: int
    replaced: int
    refused: list[Refused]


def add(
    rows: Sequence[str], on_conflict: OnConflict, options: Mapping[str, Any]
) -> Operation[Added]:
    """Adds the tasks of `rows` (see `row`) in one statement; what a row leaves out `options` say.

    A row that cannot be added is in the answer with its error, and harms the others not.
    """
    lane = str(options.get("task_type") or DEFAULT_TASK_TYPE)
    added = _added(rows, on_conflict, options)
    return (yield from sending(added, lane, lambda made: {"ids": made.ids}))


def _added(
    rows: Sequence[str], on_conflict: OnConflict, options: Mapping[str, Any]
) -> Operation[Added]:
    texts = {"rows": f"[{','.join(rows)}]", "on_conflict": _choice(on_conflict)}
    (found,) = yield Call(ADD, {"agent": None, **options, **texts})
    refused = [
        Refused(place - 1, FAULTS[kind][0](fault, hint=FAULTS[kind][1]))
        for place, kind, fault in zip(
            found["fault_places"], found["fault_kinds"], found["faults"], strict=True
        )
    ]
    counts = {name: found[name] for name in ("added", "skipped", "replaced")}
    return Added(found["ids"], **counts, refused=refused)


def row(payload: str, **options: Any) -> str:
    """A row for `add`: `payload` is the text of a JSON object, `options` columns of the task."""
    given = {name: value for name, value in options.items() if value is not None}
    others = json.dumps(given, default=str)[1:-1] if given else ""
    return f'{{"payload":{payload}{"," if others else ""}{others}}}'


def portions(rows: Iterable[str]) -> Iterator[list[str]]:
    """`rows` in lists that one statement can take."""
    some: list[str] = []
    characters = 0
    for one in rows:
        some.append(one)
        characters += len(one)
        if len(some) == MOST_ROWS or characters > MOST_CHARACTERS:
            yield some
            some, characters = [], 0
    if some:
        yield some


def checked_options(
    *,
    priority: int | None = None,
    scheduled_for: datetime | None = None,
    at: datetime | None = None,
    stream_id: UUID | str | None = None,
    max_retries: int | None = None,
    task_type: str | None = None,
    requested_by: str | None = None,
    org_id: UUID | str | None = None,
    limit_key: str | None = None,
) -> dict[str, Any]:
    """The options of a task by column; None is the default. Raises InvalidInputError."""
    if at is not None and scheduled_for is not None:
        raise InvalidInputError("`at` and `scheduled_for` mean the same: give one of them")
    due = at or scheduled_for
    return {
        "priority": _number(priority, "the priority", least=1, most=10),
        "scheduled_for": None if due is None else checks.moment(due, "scheduled_for"),
        "stream_id": None if stream_id is None else checks.identifier(stream_id, "stream_id"),
        "max_retries": _number(max_retries, "max_retries", least=0, most=MOST_RETRIES),
        "task_type": _text(task_type, "task_type"),
        "requested_by": _text(requested_by, "requested_by"),
        "org_id": None if org_id is None else checks.identifier(org_id, "org_id"),
        "limit_key": _text(limit_key, "limit_key", most=MOST_KEY["limit_key"]),
    }


def checked_key(key: str | None) -> str | None:
    """`key` if it can be a unique_key. Raises InvalidInputError."""
    return _text(key, "unique_key")


def agent_name(agent: UUID | str) -> str:
    """The id, name or type of an agent as text. Raises InvalidInputError for anything else."""
    if isinstance(agent, str):
        return checks.plain_text(agent, "the agent")
    return str(checks.identifier(agent, "the agent"))


def _rows(payloads: Iterable[Payload], **keys: Iterable[str | None] | None) -> Iterator[str]:
    given = {name: of_each for name, of_each in keys.items() if of_each is not None}
    for place, (payload, *own) in enumerate(
        zip_longest(payloads, *given.values(), fillvalue=MISSING), start=1
    ):
        for name, key in zip(given, own, strict=True):
            if (key is MISSING) != (payload is MISSING):
                what = name.replace("_", " ")
                raise InvalidInputError(f"there are not as many {what}s as payloads")
        text = checks.object_json(payload, f"payload {place}")
        named = zip(given, own, strict=True)
        yield row(text, **{name: _text(key, name, most=MOST_KEY[name]) for name, key in named})


def _number(value: int | None, what: str, *, least: int, most: int) -> int | None:
    return None if value is None else checks.whole_number(value, what, least=least, most=most)


def _text(value: str | None, what: str, *, most: int = checks.MOST_NAME) -> str | None:
    return None if value is None else checks.plain_text(value, what, most=most)


def _choice(on_conflict: str) -> str:
    if on_conflict not in get_args(OnConflict):
        raise InvalidInputError(f"on_conflict is {on_conflict!r}, not skip, replace or raise")
    return on_conflict
