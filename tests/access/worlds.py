"""Two organisations and nobody, each with a row in every table; what is there of the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from tests.access.planting import new_mark, plant

TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r'"
    " AND relnamespace = current_schema()::regnamespace ORDER BY 1"
)


@dataclass
class Owner:
    """An organisation, or nobody, and its rows."""

    org: UUID | None
    ids: dict[str, UUID]
    mark: str


@dataclass
class World:
    """`ours` asks; `others` are another organisation and nobody."""

    connection: psycopg.Connection[Any]
    ours: Owner
    others: list[Owner]
    tables: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.tables = [row[0] for row in self.connection.execute(TABLES)]

    @property
    def marks(self) -> list[str]:
        """What must be in no answer."""
        return [other.mark for other in self.others]

    def of_others(self) -> dict[str, list[str]]:
        """All rows that are theirs, or name what is theirs."""
        shared = {self.others[1].ids["company"], self.others[1].ids["other"]}
        words = [str(i) for one in self.others for i in one.ids.values() if i not in shared]
        return self.rows("|".join(words + self.marks))

    def rows(self, pattern: str = "") -> dict[str, list[str]]:
        """All rows as text; but for when tokens were used last."""
        found = {}
        for table in self.tables:
            row = "to_jsonb(t)"
            if table == "api_tokens":
                row += " - 'last_used_at'"
            query = f"SELECT ({row})::text FROM {table} t WHERE ({row})::text ~ %s ORDER BY 1"
            found[table] = [line[0] for line in self.connection.execute(query, (pattern,))]  # type: ignore[arg-type]
        return found


def make_world(connection: psycopg.Connection[Any], ours: UUID, theirs: UUID) -> World:
    """Plants all rows."""
    owners = []
    for org in (ours, theirs, None):
        mark = new_mark()
        owners.append(Owner(org, plant(connection, org, mark), mark))
    return World(connection, owners[0], owners[1:])


def difference(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, set[str]]:
    """Rows that are only in one of two states, by table."""
    found = {table: set(before[table]) ^ set(after[table]) for table in before}
    return {table: rows for table, rows in found.items() if rows}
