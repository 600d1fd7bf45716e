"""The application without a server: requests go straight to it, to a real database."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx2
import pytest

from oppspot_runner.agents.registry import registry
from oppspot_runner.api.application import build_application
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database

MakeToken = Callable[..., Awaitable[dict[str, str]]]


@pytest.fixture
def state(db: Database) -> ApiState:
    # Nothing is kept: tests change things by SQL.
    return ApiState(db, Settings(_env_file=None), registry, open_access=True, keep_s=0)


@pytest.fixture
async def api(state: ApiState) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that asks as an operator, unless a request brings a token."""
    transport = httpx2.ASGITransport(app=build_application(state), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


@pytest.fixture
def token(db: Database) -> MakeToken:
    """Makes a token; returns the header that carries it."""

    async def make(scope: str = "read", org_id: UUID | None = None, **more: Any) -> dict[str, str]:
        secret = "opr_" + secrets.token_urlsafe(24)
        row = {
            "name": f"{scope} of {org_id}",
            "scope": scope,
            "org_id": org_id,
            "hash": hashlib.sha256(secret.encode()).hexdigest(),
            "expires_at": more.get("expires_at"),
        }
        await db.execute(
            "INSERT INTO api_tokens (name, scope, org_id, hash, beginning, expires_at) VALUES "
            "(%(name)s, %(scope)s, %(org_id)s, %(hash)s, 'opr_', %(expires_at)s)",
            row,
        )
        return {"Authorization": f"Bearer {secret}"}

    return make
