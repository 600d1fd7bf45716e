"""Who asks: from the token of a request to the `Actor`, and what he may.

A token comes as `Authorization: Bearer TOKEN`, or in the cookie of the dashboard.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from functools import cache
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute

from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.api.sites import (
    csrf_of,
    require_own_form,
    require_own_name,
    require_own_site,
)
from oppspot_runner.api.state import ApiState, state_of
from oppspot_runner.app.tokens import has_good_token, hash_of
from oppspot_runner.base.actor import LOCAL, Actor, Scope
from oppspot_runner.db.acting import BoundDatabase, acting
from oppspot_runner.db.files import statement

FIND_TOKEN = statement("access/find_token")
COOKIE = "oppspot_token"
LOGIN_LIMIT = 16 * 1024  # bytes: who logs in is nobody yet, and sends a token and a place
SLOW_S = 3.0  # a body that took longer: who sent it is looked at again


async def actor_of(request: Request) -> Actor:
    """Who asks. Raises ApiError when he is nobody."""
    known: Actor | None = getattr(request.state, "actor", None)
    if known is None:
        known = request.state.actor = await _identified(request, state_of(request))
    return known


async def body_of_known(request: Request) -> bytes:
    """The body, of somebody: it lies in memory, so nobody's is taken. Raises ApiError."""
    began = time.monotonic()
    await actor_of(request)
    body = await request.body()
    if time.monotonic() - began >= SLOW_S:
        request.state.actor = None  # the token may have been revoked since
    return body


class KnownRoute(APIRoute):
    """A route that takes bodies of those alone whom it knows."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of FastAPI, which would take the body first."""
        handle = super().get_route_handler()

        async def handle_known(request: Request) -> Response:
            await body_of_known(request)
            return await handle(request)

        return handle_known


async def _identified(request: Request, state: ApiState) -> Actor:
    """Browsers send cookies by themselves, and come in by themselves where no token is wanted: so
    there it is looked at which page asks."""
    token, is_cookie = token_of(request), bearer_of(request) is None
    if token is not None and not is_cookie:
        return await holder_of(request, token)
    is_open = await _is_open(state)
    if token is not None:
        try:
            holder = await holder_of(request, token)
        except ApiError:
            if not is_open:
                raise
        else:
            require_own_site(request, said=True)
            request.state.csrf = csrf_of(token)
            await require_own_form(request, request.state.csrf)
            return holder
    if not is_open:
        raise _unauthenticated("a token is wanted: send it as `Authorization: Bearer TOKEN`")
    require_own_name(request)
    require_own_site(request, said=False)
    return LOCAL


async def _is_open(state: ApiState) -> bool:
    if state.open_access:
        return True
    if not state.open_until_token:
        return False
    return not await state.has_token.of(None, lambda: has_good_token(state.database))


async def holder_of(request: Request, token: str) -> Actor:
    """Whose token that is. Raises ApiError when it is not good, and to who tries too many."""
    state = state_of(request)
    address, proof = request.client.host if request.client else "", hash_of(token)
    if wait_s := state.failures.wait_s(address, proof):
        raise ApiError(
            ApiCode.RATE_LIMIT_EXCEEDED,
            "too many tokens that are not good came from this address",
            headers={"Retry-After": str(math.ceil(wait_s))},
        )
    row = await state.database.fetch_one(FIND_TOKEN, {"hash": proof})
    is_good = row is not None and not row["revoked"] and not row["expired"]
    state.failures.count(address, proof, is_good=is_good)
    if row is None or not is_good:
        why = "unknown" if row is None else "revoked" if row["revoked"] else "expired"
        raise _unauthenticated(f"the token is {why}; `oppspot-runner tokens create` makes one")
    return Actor(row["name"], row["scope"], row["org_id"], row["id"], proof)


def _unauthenticated(text: str) -> ApiError:
    return ApiError(ApiCode.UNAUTHENTICATED, text, headers={"WWW-Authenticate": "Bearer"})


def token_of(request: Request) -> str | None:
    """The token that came with a request."""
    return bearer_of(request) or request.cookies.get(COOKIE)


def bearer_of(request: Request) -> str | None:
    """The token that came in a header, which no browser sends by itself."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() or None if kind.lower() == "bearer" else None


@cache
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


async def reading(
    request: Request, actor: Annotated[Actor, Depends(needs("read"))]
) -> AsyncIterator[BoundDatabase]:
    """A dependency: the database as whoever asks may see it."""
    async with acting(state_of(request).database, actor, read_only=True) as database:
        yield database


# The database as whoever asks may see it, in one read-only transaction: for handlers of GET.
Reading = Annotated[BoundDatabase, Depends(reading, scope="function")]
Reader = Annotated[Actor, Depends(needs("read"))]
