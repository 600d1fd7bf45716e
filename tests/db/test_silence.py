"""Connections that say nothing: given up by us, and by the server."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest

from oppspot_runner.db import pool
from oppspot_runner.db.pool import Database
from oppspot_runner.db.quiet import SilenceError
from tests.chaos.proxy import Proxy


@pytest.mark.slow
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


@pytest.mark.slow
async def test_who_waits_for_an_answer_does_not_look_up_meanwhile(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, looks = asyncio.get_running_loop(), 0
    add_reader = loop.add_reader

    def counted(*given: Any) -> None:
        nonlocal looks
        looks += 1
        add_reader(*given)

    async with db.connection() as pooled, await db.connect() as own:
        monkeypatch.setattr(loop, "add_reader", counted)
        for connection in (pooled, own):
            await connection.execute("SELECT pg_sleep(1)")
    assert 2 <= looks <= 6  # psycopg's own pace would make twenty
