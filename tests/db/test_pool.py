"""How many connections an open `Database` holds, and that none is left behind."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from oppspot_runner.base.actor import LOCAL
from oppspot_runner.base.errors import DatabaseError
from oppspot_runner.db.acting import acting
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


async def test_several_statements_at_once_leave_a_good_connection_whatever_becomes_of_them(
    dsn: str,
) -> None:
    fine, broken, long = "SELECT 1 AS one", "SELECT 1 / 0", "SELECT pg_sleep(60)"
    async with Database(dsn, max_size=1) as database:
        assert await database.fetch_each((fine, None), (fine, None)) == [[{"one": 1}]] * 2
        for _ in range(2):
            with pytest.raises(psycopg.errors.DivisionByZero):
                await database.fetch_each((fine, None), (broken, None), (fine, None))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await database.fetch_each((fine, None), (long, None), (fine, None))
        for read_only in (True, False):  # without a transaction around them, and in one
            with pytest.raises(psycopg.errors.DivisionByZero):
                async with acting(database, LOCAL, read_only=read_only) as bound:
                    await bound.fetch_each((fine, None), (broken, None))
        async with asyncio.timeout(10):
            assert await database.fetch_each((fine, None)) == [[{"one": 1}]]
