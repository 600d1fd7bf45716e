"""Tokens: list, show, make, rotate, revoke. For admins, of their own organisation."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from fastapi import Depends, Response

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies.tokens import (
    MadeTokenBody,
    NewToken,
    Rotation,
    TokenBody,
    TokenRevoked,
)
from oppspot_runner.api.changes import tokens as changes
from oppspot_runner.api.changing import ChangingRoute, TheChange
from oppspot_runner.api.paging import Cursor, Limit, Page, page_as, place_after
from oppspot_runner.api.routing import Routes
from oppspot_runner.app import tokens as store

router = Routes(prefix="/api/v1/tokens", tags=["tokens"], route_class=ChangingRoute)
ADMIN = [Depends(needs("admin"))]


@router.get("", dependencies=ADMIN)
async def list_(database: Reading, limit: Limit = 50, cursor: Cursor = None) -> Page[TokenBody]:
    """Tokens, the newest first. A token itself is told by none of them."""
    place = place_after(cursor, UUID)
    before = None if place is None else place[0]
    rows = await store.list_tokens(database, before=before, limit=limit + 1)
    return page_as(TokenBody, rows, limit, lambda row: (row["id"],))


@router.get("/{token_id}", dependencies=ADMIN)
async def show(token_id: UUID, database: Reading) -> TokenBody:
    """One token."""
    return TokenBody.model_validate(await store.get_token(database, token_id))


@router.post("", dependencies=ADMIN)
async def create(wanted: NewToken, change: TheChange, response: Response) -> MadeTokenBody:
    """Makes a token. It is told in this answer alone."""
    response.headers["Cache-Control"] = "no-store"
    row, secret = await changes.create(change, wanted)
    return MadeTokenBody.model_validate({**row, "token": secret})


@router.post("/{token_id}/rotate", dependencies=ADMIN)
async def rotate(
    token_id: UUID, change: TheChange, response: Response, wanted: Rotation | None = None
) -> MadeTokenBody:
    """Makes a token in place of an old one, which stays good for a while: a day, unless told."""
    response.headers["Cache-Control"] = "no-store"
    keep = timedelta(seconds=(wanted or Rotation()).keep_s)
    row, secret = await changes.rotate(change, token_id, keep)
    return MadeTokenBody.model_validate({**row, "token": secret})


@router.post("/{token_id}/revoke", dependencies=ADMIN)
async def revoke(token_id: UUID, change: TheChange) -> TokenRevoked:
    """Ends a token at once."""
    return TokenRevoked(id=token_id, revoked=await changes.revoke(change, token_id))
