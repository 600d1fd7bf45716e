"""Schemas that are not ours yet, many in one database: a database for each test would cost more
than the tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import NamedTuple
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from oppspot_runner.db.migrate import migrate
from oppspot_runner.db.pool import Database
from tests.conftest import create_database, drop_database
from tests.db.old_tables import Session
from tests.runner.conftest import registry

__all__ = ["registry"]


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


@pytest.fixture(scope="module")
def shared_dsn(server: str) -> Iterator[str]:
    """Connection string of a database that the tests of a module share."""
    name = f"oppspot_shared_{uuid4().hex[:8]}"
    yield create_database(server, name)
    drop_database(server, name)


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
