"""How many connections an open `Database` holds, and that none is left behind."""

from __future__ import annotations

import asyncio

import pytest

from oppspot_runner.base.errors import DatabaseError
from oppspot_runner.db.pool import Database

OURS = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database()"


async def test_the_connection_that_tries_the_server_is_the_first_of_the_pool(dsn: str) -> None:
    async with Database(dsn, max_size=4) as database:
        assert await database.fetch_one(OURS) == {"n": 1}
        assert not database.pooled


async def test_what_fails_at_the_first_connection_leaves_none_open(dsn: str) -> None:
    database = Database(dsn, statement_timeout_s=1e10)
    with pytest.raises(DatabaseError, match="statement_timeout"):
        await database.open()
    async with Database(dsn) as other:
        assert await other.fetch_one(OURS) == {"n": 1}


async def test_a_connection_is_closed_also_by_who_is_cancelled_while_it_rolls_back(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cancelled() -> None:
        raise asyncio.CancelledError

    connection = await db.connect()
    monkeypatch.setattr(connection, "rollback", cancelled)
    with pytest.raises(asyncio.CancelledError):
        async with connection:
            raise ValueError("what is rolled back")
    assert connection.closed


async def test_what_was_begun_by_hand_is_committed_when_its_connection_goes_back(
    db: Database,
) -> None:
    async with db.connection() as connection:
        await connection.execute("BEGIN")
        await connection.execute("INSERT INTO organizations (name) VALUES ('one')")
    assert await db.fetch_all("SELECT name FROM organizations") == [{"name": "one"}]
