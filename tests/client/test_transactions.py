"""On whose connection a client works, and who commits."""

from __future__ import annotations

import os
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from oppspot_runner.app.client import AsyncClient, Client
from oppspot_runner.base.errors import ConfigurationError, ConflictError, NotFoundError
from oppspot_runner.db.pool import Database
from tests.client.conftest import one


def test_the_caller_s_transaction_decides(
    dsn: str, look: psycopg.Connection[Any], agent: UUID
) -> None:
    with psycopg.connect(dsn) as mine:
        Client(mine).enqueue(agent)
        assert one(look, "SELECT count(*) FROM agent_tasks") == 0
        mine.rollback()
        Client(mine).enqueue(agent)
        mine.commit()
    assert one(look, "SELECT count(*) FROM agent_tasks") == 1


def test_rows_of_the_caller_and_the_task_come_together(
    dsn: str, look: psycopg.Connection[Any], agent: UUID
) -> None:
    look.execute("CREATE TABLE orders (id integer)")
    with psycopg.connect(dsn, row_factory=namedtuple_row) as mine:
        mine.execute("INSERT INTO orders VALUES (1)")
        client = Client(mine)
        client.enqueue(agent)
        with pytest.raises(NotFoundError):
            client.enqueue("nobody")
        assert one(look, "SELECT count(*) FROM orders") == 0
        mine.execute("INSERT INTO orders VALUES (2)")
    assert one(look, "SELECT count(*) FROM orders") == 2
    assert one(look, "SELECT count(*) FROM agent_tasks") == 1


def test_in_autocommit_mode_each_call_is_committed(
    dsn: str, look: psycopg.Connection[Any], agent: UUID
) -> None:
    with psycopg.connect(dsn, autocommit=True) as mine:
        Client(mine).enqueue(agent)
        assert one(look, "SELECT count(*) FROM agent_tasks") == 1
        with mine.transaction(force_rollback=True):
            Client(mine).enqueue(agent)
    assert one(look, "SELECT count(*) FROM agent_tasks") == 1


async def test_an_async_transaction_decides_too(db: Database) -> None:
    async with await psycopg.AsyncConnection.connect(db.dsn) as mine:
        client = AsyncClient(mine)
        agent = await client.create_agent(agent_type="digest")
        with pytest.raises(NotFoundError):
            await client.enqueue("nobody")
        await client.enqueue(agent)
        assert await db.fetch_all("SELECT id FROM agent_tasks") == []
        await mine.commit()
    assert len(await db.fetch_all("SELECT id FROM agent_tasks")) == 1


async def test_a_database_that_is_open_already_can_be_shared(db: Database) -> None:
    async with AsyncClient(db) as client:
        await client.create_agent(agent_type="digest")
    assert len(await db.fetch_all("SELECT id FROM ai_agents")) == 1


def test_inside_a_transaction_nobody_can_wait(dsn: str, agent: UUID) -> None:
    with psycopg.connect(dsn) as mine:
        client = Client(mine)
        task = client.enqueue(agent)
        with pytest.raises(ConflictError, match="cannot be waited for inside a transaction"):
            client.wait(task)


def test_serialisation_failures_pass_as_they_are(dsn: str, agent: UUID) -> None:
    with psycopg.connect(dsn) as mine, psycopg.connect(dsn, autocommit=True) as other:
        mine.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        mine.execute("SELECT FROM agent_tasks")
        Client(other).enqueue(agent, unique_key="k")
        with pytest.raises(psycopg.errors.SerializationFailure):
            Client(mine).enqueue(agent, unique_key="k")


def test_a_connection_that_leads_elsewhere_is_refused(dsn: str) -> None:
    with (
        psycopg.connect(dsn) as mine,
        pytest.raises(ConfigurationError, match="leads to 'public', not to 'tasks'"),
    ):
        Client(mine, schema="tasks").enqueue("digest")


def test_a_connection_that_broke_in_between_is_replaced(
    client: Client, look: psycopg.Connection[Any], agent: UUID
) -> None:
    client.enqueue(agent)
    look.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    client.enqueue(agent)
    assert one(look, "SELECT count(*) FROM agent_tasks") == 2


async def test_a_pool_that_broke_in_between_is_replaced(
    async_client: AsyncClient, db: Database
) -> None:
    agent = await async_client.create_agent(agent_type="digest")
    await db.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await async_client.enqueue(agent)
    assert len(await db.fetch_all("SELECT id FROM agent_tasks")) == 1


def test_a_forked_process_gets_a_connection_of_its_own(
    client: Client, look: psycopg.Connection[Any], agent: UUID
) -> None:
    client.enqueue(agent)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            client.enqueue(agent)
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    client.enqueue(agent)
    assert one(look, "SELECT count(*) FROM agent_tasks") == 3


def test_a_closed_client_opens_again_when_it_is_used(client: Client, agent: UUID) -> None:
    client.close()
    client.close()
    assert client.get(client.enqueue(agent)).status == "pending"
