"""Events of a run as people read them: in order, from any number on, up to the last one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.base import payload as checks
from oppspot_runner.base.errors import InvalidInputError, NotFoundError
from oppspot_runner.base.jsonsafe import clean, is_deep
from oppspot_runner.db.files import statement
from oppspot_runner.db.operation import Call, Operation

READ = statement("run_events/read")

EventType = Literal[
    "status", "log", "progress", "output_chunk", "output", "completed", "error", "cancelled"
]
LAST: frozenset[EventType] = frozenset(("completed", "error", "cancelled"))
ENDED = frozenset(("completed", "failed", "cancelled"))
WHOSE = ("agent_id", "agent_name", "task_id", "attempt")  # where it is not of the run as a whole
MOST_UNREADABLE = 200  # characters that are shown


@dataclass(frozen=True)
class RunEvent:
    """Something that happened in a run. `seq` counts from 1; resume after it.

    `data` holds what the type brings: `status` (with `error` or `reason`), `level` and `message`
    of a log line, `done`, `total` and `message` of progress, `chunk`, `output`, `results` by agent
    id, `error`. Without `agent_id` the event is of the run as a whole.
    """

    run_id: UUID
    seq: int
    type: EventType
    agent_id: UUID | None
    agent_name: str | None
    task_id: UUID | None
    attempt: int | None
    created_at: datetime
    data: dict[str, Any]

    @property
    def is_last(self) -> bool:
        """Whether it tells how the run ended."""
        return self.type in LAST

    def flat(self) -> dict[str, Any]:
        """One object with `type`, what the type brings and the rest, as it goes over the wire."""
        brought = {key: value for key, value in self.data.items() if key not in WHOSE}
        known = {key: value for key in WHOSE if (value := getattr(self, key)) is not None}
        head = {"seq": self.seq, "type": self.type, "run_id": self.run_id}
        return {**brought, **head, **known, "created_at": self.created_at}

    @cached_property
    def as_json(self) -> str:
        """The same as JSON in one line: made once for all who follow."""
        try:
            return _JSON.encode(self.flat())
        except ValueError:  # a number that Python takes for infinite
            return _JSON.encode(clean(self.flat()))


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


_JSON = json.JSONEncoder(default=_text, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True)
class Page:
    """Some events in a row, and how the run stood when they were read."""

    run_status: str
    last_seq: int
    events: tuple[RunEvent, ...] = field(default=())

    @property
    def is_newest(self) -> bool:
        """Whether nothing came after it yet."""
        return not self.events or self.events[-1].seq >= self.last_seq

    @property
    def is_end(self) -> bool:
        """Whether nothing will come after it."""
        if self.events:
            return self.events[-1].is_last
        return self.run_status in ENDED


def read(run_id: UUID | str, after: int = 0) -> Operation[Page]:
    """The events of a run after number `after`, at most some hundred at once.

    Raises NotFoundError when there is no such run, or when it ended and its events are gone.
    """
    wanted = checks.identifier(run_id, "the run id")
    rows = yield Call(READ, {"run_id": wanted, "after": checked_after(after)})
    if not rows:
        raise NotFoundError(f"there is no run {wanted}", hint="See `oppspot-runner runs list`.")
    first = rows[0]
    events = tuple(_event(row) for row in rows if row["seq"] is not None)
    page = Page(first["run_status"], first["last_event"], events)
    if not events and page.is_end and (after < page.last_seq or page.last_seq == 0):
        raise NotFoundError(
            f"the events of run {wanted} are gone: it ended {page.run_status} long ago",
            hint=f"Look at it with `oppspot-runner runs show {wanted}`.",
        )
    return page


def checked_after(after: int) -> int:
    """`after` if it is a number of an event or 0. Raises InvalidInputError."""
    if not 0 <= after < 2**63:
        raise InvalidInputError(
            f"after is {after!r}", hint="Give the number of the last event that you saw, or 0."
        )
    return after


def _event(row: DictRow) -> RunEvent:
    data = row["data"]
    if not isinstance(data, dict):  # what Python cannot read comes as text
        data = {"unreadable": str(data)[:MOST_UNREADABLE]}
    if row["type"] == "output":
        data = {**data, "output": row["output"]}
    elif row["type"] in LAST:
        data = {**data, "results": row["results"] or {}}
    if is_deep(data):
        data = clean(data)
    names = ("run_id", "seq", "type", "agent_id", "agent_name", "task_id", "attempt", "created_at")
    return RunEvent(**{name: row[name] for name in names}, data=data)
