"""Connections that say nothing: given up by us, and by the server."""

from __future__ import annotations

import psycopg
import pytest

from oppspot_runner.db import pool
from oppspot_runner.db.pool import Database, SilenceError
from tests.chaos.proxy import Proxy


async def test_a_server_that_does_not_answer_is_given_up_with_all_connections_to_it(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "LATE_S", 0.1)
    async with Proxy(dsn) as proxy, Database(proxy.dsn, statement_timeout_s=0.5) as database:
        async with database.connection() as first, database.connection() as second:
            assert first is not second
        proxy.half_open(1.0)
        with pytest.raises(SilenceError, match="no answer within"):
            await database.ping()
        await database.ping()
        await database.ping()


async def test_the_rows_of_a_client_that_froze_in_its_transaction_are_free_soon(
    db: Database,
) -> None:
    made = await db.fetch_one("INSERT INTO ai_agents (name) VALUES ('a') RETURNING id")
    assert made is not None
    lock = "SELECT FROM ai_agents WHERE id = %(id)s FOR UPDATE"
    async with await Database(db.dsn, statement_timeout_s=0.3).connect() as frozen:
        await frozen.execute("BEGIN")
        await frozen.execute(lock, made)
        await db.execute(lock, made)
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            await frozen.execute("SELECT 1")
