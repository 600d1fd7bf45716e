"""Clients on a migrated database, and agents made on the spot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest

from oppspot_runner.app.client import AsyncClient, Client


@pytest.fixture
def client(dsn: str) -> Iterator[Client]:
    with Client(dsn, schema="public") as client:
        yield client


@pytest.fixture
async def async_client(dsn: str) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(dsn, schema="public") as client:
        yield client


@pytest.fixture
def look(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """Somebody else's connection: sees what is committed."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def agent(client: Client) -> UUID:
    return client.create_agent(agent_type="digest", name="Daily digest")


def one(connection: psycopg.Connection[Any], query: LiteralString, *values: Any) -> Any:
    """The first column of the only row."""
    row = connection.execute(query, values).fetchone()
    assert row is not None
    return row[0]
