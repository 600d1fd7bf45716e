"""Agents, as they are configured."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.api.paging import decode
from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.base.payload import identifier, plain_text, read_json
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database

LIST = statement("agents/list")


async def list_agents(
    database: Database,
    *,
    limit: int,
    cursor: str | None = None,
    agent_type: str | None = None,
    is_active: bool | None = None,
) -> list[DictRow]:
    """Agents by name, after those that `cursor` names. `sorted_by` is a part of the cursor."""
    after = decode(cursor, 2)
    filters = {
        "agent_type": None if agent_type is None else plain_text(agent_type, "agent_type"),
        "is_active": is_active,
        "after_name": after[0] if after else None,
        "after_id": identifier(after[1], "the cursor") if after else None,
    }
    return await _rows(database, limit=limit, **filters)


async def show_agent(database: Database, agent_id: UUID) -> DictRow:
    """One agent. Raises NotFoundError."""
    rows = await _rows(database, limit=1, id=agent_id)
    if not rows:
        raise NotFoundError(f"there is no agent {agent_id}")
    return rows[0]


async def _rows(database: Database, **given: Any) -> list[DictRow]:
    filters = dict.fromkeys(("id", "agent_type", "is_active", "after_name", "after_id"))
    rows = await database.fetch_all(LIST, {**filters, **given})
    return [{**row, "configuration": _object(row["configuration"])} for row in rows]


def _object(text: str | None) -> dict[str, Any]:
    found = read_json(text)
    return found if isinstance(found, dict) else {}
