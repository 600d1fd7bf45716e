"""Who asks: from the token of a request to the `Actor`, and what he may.

A token comes as `Authorization: Bearer TOKEN`, or in the cookie of the dashboard.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request

from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.api.state import ApiState, state_of
from oppspot_runner.base.actor import LOCAL, Actor, Scope
from oppspot_runner.db.acting import BoundDatabase, acting
from oppspot_runner.db.files import statement

FIND_TOKEN = statement("access/find_token")
COOKIE = "oppspot_token"


async def actor_of(request: Request) -> Actor:
    """Who asks. Raises ApiError when he is nobody."""
    known: Actor | None = getattr(request.state, "actor", None)
    if known is None:
        known = request.state.actor = await _identified(request, state_of(request))
    return known


async def _identified(request: Request, state: ApiState) -> Actor:
    token = token_of(request)
    if token is None:
        if state.open_access:
            return LOCAL
        raise ApiError(
            ApiCode.UNAUTHENTICATED,
            "a token is wanted: send it as `Authorization: Bearer TOKEN`",
            headers={"WWW-Authenticate": "Bearer"},
        )
    proof = hash_of(token)
    row = await state.database.fetch_one(FIND_TOKEN, {"hash": proof})
    if row is None or row["revoked"] or row["expired"]:
        why = "unknown" if row is None else "revoked" if row["revoked"] else "expired"
        raise ApiError(
            ApiCode.UNAUTHENTICATED,
            f"the token is {why}; `oppspot-runner tokens create` makes one",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return Actor(row["name"], row["scope"], row["org_id"], row["id"], proof)


def token_of(request: Request) -> str | None:
    """The token that came with a request."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and value.strip():
        return value.strip()
    return request.cookies.get(COOKIE)


def hash_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def needs(scope: Scope) -> Callable[[Request], Awaitable[Actor]]:
    """A dependency: whoever asks may do what `scope` lets him. Every route has one."""

    async def check(request: Request) -> Actor:
        actor = await actor_of(request)
        if not actor.may(scope):
            raise ApiError(
                ApiCode.FORBIDDEN, f"this wants a token of scope {scope}; yours is {actor.scope}"
            )
        return actor

    vars(check)["scope"] = scope  # the OpenAPI file tells it
    return check


async def _reading(
    request: Request, actor: Annotated[Actor, Depends(needs("read"))]
) -> AsyncIterator[BoundDatabase]:
    async with acting(state_of(request).database, actor, read_only=True) as database:
        yield database


# The database as whoever asks may see it, in one read-only transaction: for handlers of GET.
Reading = Annotated[BoundDatabase, Depends(_reading, scope="function")]
Reader = Annotated[Actor, Depends(needs("read"))]
