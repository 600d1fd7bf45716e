"""Breakers of agents: open and close as attempts end, and hold tasks back by their limit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.base.breaker import Breaker
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection, Database

COUNT = statement("breakers/count")
LIST = statement("breakers/list")
CLOSE = statement("breakers/close")


Change = Literal["opened", "closed"]


@dataclass(frozen=True)
class AttemptError:
    """An error of an attempt that began at `started_at`, and when the agent's breaker opens."""

    agent_id: UUID
    started_at: datetime
    error: str
    breaker: Breaker


async def count(
    connection: Connection, errors: Sequence[AttemptError], mended: Collection[UUID]
) -> dict[UUID, Change]:
    """Counts errors of agents, and forgets those of other agents, `mended` by a success.

    Returns agents whose breaker opened (also again, by a try that failed) or closed.
    """
    if not errors and not mended:
        return {}
    params = {
        "mended": list(mended),
        "agents": [one.agent_id for one in errors],
        "starts": [one.started_at for one in errors],
        "errors": [one.error for one in errors],
        "most": [one.breaker.failures for one in errors],
        "open_for": [one.breaker.open_s for one in errors],
    }
    rows = await (await connection.execute(COUNT, params)).fetchall()
    return {row["agent_id"]: row["breaker"] for row in rows}


async def open_breakers(database: Database, agent_id: UUID | None = None) -> list[DictRow]:
    """Agents that are held back after errors in a row, those first that are so longest."""
    return await database.fetch_all(LIST, {"agent_id": agent_id})


async def close(database: Database, agent_id: str) -> bool:
    """Lets all tasks of the agent start again and forgets its errors; False: it was not open."""
    return await database.fetch_one(CLOSE, {"key": agent_id}) is not None
