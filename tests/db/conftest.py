"""Schemas that are not ours yet, many in one database: a database for each test would cost more
than the tests. Some hold the tables of before, with rows as odd as people have them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from oppspot_runner.db.migrate import migrate
from oppspot_runner.db.pool import Database
from tests.conftest import create_database, drop_database
from tests.db.old_tables import Session, create_old_tables, insert, old_task, tasks
from tests.runner.conftest import registry

__all__ = ["registry"]


# Columns of old tasks; what is not named is NULL.
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
ODD = {
    "nothing": {},
    "priority 0": {"priority": 0},
    "priority 11": {"priority": 11},
    "a list": {"payload": []},
    "a text": {"payload": "x"},
    "never": {"scheduled_for": "infinity"},
    "always": {"scheduled_for": "-infinity", "created_at": "-infinity"},
    "less than nothing": {"retry_count": -1, "max_retries": -1},
    "huge": {"retry_count": 2**31 - 1, "max_retries": 2**31 - 1},
    "no type": {"task_type": ""},
    "an error": {"error_message": "x" * 9000, "created_at": LONG_AGO, "priority": 7},
}


class Place(NamedTuple):
    """An empty schema, and an autocommit session whose search_path leads there."""

    dsn: str
    schema: str
    session: Session

    def migrate(self) -> list[str]:
        """Runs `migrate` to its end; what it applied."""

        async def work() -> list[str]:
            async with Database(self.dsn, schema=self.schema, max_size=1) as database:
                return await migrate(database)

        return asyncio.run(work())


@pytest.fixture(scope="session")
def shared_dsn(server: str) -> Iterator[str]:
    """Connection string of a database that tests share, each with schemas of its own."""
    name = f"oppspot_shared_{uuid4().hex[:8]}"
    yield create_database(server, name)
    drop_database(name)


@pytest.fixture
def place(shared_dsn: str) -> Iterator[Place]:
    """An empty schema of this test alone."""
    schema = f"t_{uuid4().hex[:12]}"
    with psycopg.connect(shared_dsn, autocommit=True) as session:
        session.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        go_to(session, schema)
        yield Place(shared_dsn, schema, session)


def go_to(session: Session, schema: str) -> None:
    """Leads the session's search_path to a schema."""
    session.execute("SELECT set_config('search_path', quote_ident(%s), false)", (schema,))


class Old(NamedTuple):
    """An old schema with one organisation and one agent."""

    place: Place
    session: Session
    org: UUID
    agent: UUID

    def task(self, **columns: Any) -> UUID:
        return old_task(self.session, self.agent, **columns)

    def adopt(self) -> dict[UUID, Any]:
        """Migrates; the tasks afterwards."""
        assert "0002_queue" in self.place.migrate()
        return tasks(self.session)


def make_old(place: Place, **options: Any) -> Old:
    create_old_tables(place.session, **options)
    organization = insert(place.session, "organizations")
    return Old(place, place.session, organization, insert(place.session, "ai_agents"))


@pytest.fixture(params=[True, False], ids=["foreign-keys", "no-foreign-keys"])
def old(place: Place, request: pytest.FixtureRequest) -> Old:
    return make_old(place, foreign_keys=request.param, names=request.param)


@pytest.fixture
def plain(place: Place) -> Old:
    return make_old(place)
