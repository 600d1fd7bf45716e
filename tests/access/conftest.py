"""Organisations with tokens, and transactions in their name."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest

from oppspot_runner.base.actor import Actor, Scope
from oppspot_runner.db.acting import BoundDatabase, acting
from oppspot_runner.db.pool import Database
from tests.access.worlds import World, make_world
from tests.api.conftest import api, state, token

__all__ = ["api", "state", "token"]


@dataclass
class Organisation:
    """An organisation; `acts()` is a transaction of its token."""

    database: Database
    id: UUID
    actor: Actor

    @asynccontextmanager
    async def acts(self, *, read_only: bool = False) -> AsyncIterator[BoundDatabase]:
        async with acting(self.database, self.actor, read_only=read_only) as bound:
            yield bound


async def organisation(db: Database, scope: Scope = "admin") -> Organisation:
    """A new organisation with a token."""
    proof = hashlib.sha256(secrets.token_bytes(16)).hexdigest()
    row = await db.fetch_one(
        "WITH o AS (INSERT INTO organizations (name) VALUES ('one of two') RETURNING id)"
        " INSERT INTO api_tokens (org_id, name, scope, hash, beginning)"
        " SELECT o.id, 'test', %s, %s, 'opr_' FROM o RETURNING id, org_id",
        (scope, proof),
    )
    assert row is not None
    actor = Actor("test", scope, row["org_id"], row["id"], proof)
    return Organisation(db, row["org_id"], actor)


@pytest.fixture
async def ours(db: Database) -> Organisation:
    return await organisation(db)


@pytest.fixture
async def theirs(db: Database) -> Organisation:
    return await organisation(db)


@pytest.fixture
def world(dsn: str, ours: Organisation, theirs: Organisation) -> Iterator[World]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield make_world(connection, ours.id, theirs.id)
