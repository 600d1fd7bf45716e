"""Requests that change something: one transaction each, recorded, and not done twice.

Routers with `route_class=ChangingRoute` run their POST, PUT, PATCH and DELETE handlers inside the
transaction; it is committed before the answer is sent, with the record of the change and, where
the request brought an Idempotency-Key, with the answer itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from psycopg.types.json import Jsonb

from oppspot_runner.api.access import actor_of, body_of_known
from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.api.sites import PROGRAMS
from oppspot_runner.api.state import state_of
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.base.actor import Actor
from oppspot_runner.base.jsonsafe import clean
from oppspot_runner.base.redact import redact
from oppspot_runner.db.acting import BoundDatabase, acting
from oppspot_runner.db.files import statement

ADD_AUDIT = statement("access/add_audit")
HOLD_KEY = statement("access/hold_key")
FIND_ANSWER = statement("access/find_answer")
KEEP_ANSWER = statement("access/keep_answer")
MOST_KEY = 200
JSON = "application/json"
FIRST_ERROR = 400
SAFE = {"GET", "HEAD", "OPTIONS"}
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True)
class Change:
    """A request that changes something: its transaction, and who asks.

    `database` and `client` work inside the transaction; nothing is there for others before its end.
    """

    database: BoundDatabase
    client: AsyncClient
    actor: Actor
    address: str | None

    def owner(self, wanted: UUID | None) -> UUID | None:
        """The organisation of what is to be made: an operator may name any. Raises ApiError."""
        org_id = wanted or self.actor.org_id
        if not self.actor.is_operator and org_id != self.actor.org_id:
            raise ApiError(ApiCode.FORBIDDEN, "your token works for its own organisation only")
        return org_id

    async def record(
        self,
        action: str,
        kind: str,
        target: object,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Writes down what was done, as `task.retry`, to the `target` of that `kind`."""
        row = {
            "org_id": self.actor.org_id,
            "actor": self.actor.name,
            "token_id": self.actor.token_id,
            "address": self.address,
            "action": action,
            "kind": kind,
            "target": None if target is None else str(target),
            "before": _kept(before),
            "after": _kept(after),
        }
        await self.database.execute(ADD_AUDIT, row)


def _kept(state: Mapping[str, Any] | None) -> Jsonb | None:
    return None if state is None else Jsonb(clean(redact(dict(state))))


@asynccontextmanager
async def changing(request: Request) -> AsyncIterator[Change]:
    """The transaction of a request that changes something."""
    actor = await actor_of(request)
    address = request.client.host if request.client else None
    async with acting(state_of(request).database, actor, read_only=not actor.may("run")) as bound:
        yield Change(bound, AsyncClient(bound.bound), actor, address)
    state_of(request).forget()


class ChangingRoute(APIRoute):
    """A route whose handlers of unsafe methods run in a transaction, `the_change`."""

    def get_route_handler(self) -> Handler:
        """The handler of FastAPI, inside the transaction."""
        handle = super().get_route_handler()

        async def handle_in_transaction(request: Request) -> Response:
            if request.method in SAFE:
                return await handle(request)
            if await body_of_known(request):  # before a connection is taken: the sender may be slow
                _require_json(request)
            async with changing(request) as change:
                request.state.change = change
                return await _once(request, change, handle)

        return handle_in_transaction


def _require_json(request: Request) -> None:
    if not request.url.path.startswith(PROGRAMS):
        return  # forms of pages
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON and not (kind.startswith("application/") and kind.endswith("+json")):
        raise ApiError(
            ApiCode.UNSUPPORTED_MEDIA_TYPE,
            f"the body is sent as {kind or 'nothing that has a name'}: "
            f"send JSON, with the header `Content-Type: {JSON}`",
        )


async def _once(request: Request, change: Change, handle: Handler) -> Response:
    """The answer of `handle`, or that which it gave to the same request before."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return await handle(request)
    if not 0 < len(key) <= MOST_KEY or not key.isprintable():
        raise ApiError(
            ApiCode.INVALID_INPUT, f"an Idempotency-Key has 1 to {MOST_KEY} printable characters"
        )
    which = {"owner": str(change.actor.token_id or change.actor.name), "key": key}
    fingerprint = await _fingerprint(request)
    await change.database.execute(HOLD_KEY, which)
    row = await change.database.fetch_one(FIND_ANSWER, which)
    if row is None:
        response = await handle(request)
        if response.status_code < FIRST_ERROR:
            kept = {"fingerprint": fingerprint, "status": response.status_code}
            body = _body_of(response)
            await change.database.execute(KEEP_ANSWER, {**which, **kept, "body": body})
        return response
    if row["fingerprint"] != fingerprint:
        raise ApiError(
            ApiCode.IDEMPOTENCY_KEY_REUSED,
            "this Idempotency-Key was used for another request: take a new one",
        )
    headers = {"Idempotency-Replayed": "true"}
    return Response(row["body"], row["status"], headers, JSON if row["body"] else None)


async def _fingerprint(request: Request) -> str:
    text = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(text + await request.body()).hexdigest()


def _body_of(response: Response) -> str:
    """The JSON of an answer. Raises ApiError, which undoes the change, for one that has none."""
    kind = response.headers.get("content-type")
    if kind not in (None, JSON) or isinstance(response, StreamingResponse):
        raise ApiError(ApiCode.INVALID_INPUT, "this address takes no Idempotency-Key")
    body = bytes(response.body).decode()
    if response.headers.get("cache-control") != "no-store":
        return body
    return json.dumps(redact(json.loads(body)))  # what is told once is not told again


async def _the_change(request: Request) -> Change:  # else it would be asked for in a thread
    change: Change = request.state.change
    return change


# What a handler of a `ChangingRoute` asks for.
TheChange = Annotated[Change, Depends(_the_change)]
