"""Attempts of an agent, a stream or a task, page by page."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.api.reads.looking import portion
from oppspot_runner.base.payload import read_json
from oppspot_runner.base.redact import redact
from oppspot_runner.db.acting import BoundDatabase
from oppspot_runner.db.files import statement

BROWSE = statement("executions/browse")

MOST_LOOKED_AT = 50_000


@dataclass(frozen=True)
class ExecutionFilter:
    """Which attempts are meant; what is None does not matter."""

    task_id: UUID | None = None
    agent_id: UUID | None = None
    stream_id: UUID | None = None
    status: str | None = None


async def browse(
    database: BoundDatabase, wanted: ExecutionFilter, *, limit: int, before: UUID | None = None
) -> tuple[list[DictRow], UUID | None]:
    """At most `limit` attempts with ids below `before`, the newest first; and where to go on."""
    params = {
        **asdict(wanted),
        "org_id": database.actor.org_id,
        "before": before,
        "limit": limit + 1,
        "look": MOST_LOOKED_AT,
    }
    # Never prepared: a plan for all filters would use no index for any of them.
    found = await database.bound.execute(BROWSE, params, prepare=False)
    rows, after = portion(await found.fetchall(), limit)
    return [_readable(row) for row in rows], after


def _readable(row: DictRow) -> DictRow:
    read = {name: read_json(row[name]) for name in ("results_summary", "metrics")}
    shown: DictRow = redact({**row, **read})
    return shown
