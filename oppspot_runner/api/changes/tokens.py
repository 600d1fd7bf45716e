"""Changes of tokens. What is recorded of one is never the token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.api.bodies.tokens import NewToken
from oppspot_runner.api.changing import Change
from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.app import tokens as store
from oppspot_runner.app.tokens import MadeToken
from oppspot_runner.db.acting import require_organisations

RECORDED = ("name", "scope", "org_id", "expires_at")


async def create(change: Change, wanted: NewToken) -> tuple[DictRow, str]:
    """Makes a token; its row, and itself."""
    org_id = wanted.org_id or change.actor.org_id
    if not change.actor.is_operator and org_id != change.actor.org_id:
        raise ApiError(ApiCode.FORBIDDEN, "your token makes tokens of its own organisation only")
    if org_id is not None and change.actor.is_operator:
        await require_organisations(change.database)
    good_for = None if wanted.expires_in_s is None else timedelta(seconds=wanted.expires_in_s)
    made = await store.create_token(
        change.database,
        wanted.name,
        wanted.scope,
        org_id,
        good_for=good_for,
        created_by=change.actor.name,
    )
    return await _recorded(change, "token.create", made)


async def rotate(change: Change, token_id: UUID, keep: timedelta) -> tuple[DictRow, str]:
    """Makes one in place of an old one, which stays good for a while."""
    made = await store.rotate_token(
        change.database, token_id, stays=keep, created_by=change.actor.name
    )
    return await _recorded(change, "token.rotate", made, before={"id": str(token_id)})


async def revoke(change: Change, token_id: UUID) -> bool:
    """Ends a token at once; False when it had ended."""
    before = await store.get_token(change.database, token_id)
    revoked = await store.revoke_token(change.database, token_id)
    if revoked:
        await change.record("token.revoke", "token", token_id, before=_told(before))
    return revoked


async def _recorded(
    change: Change, action: str, made: MadeToken, *, before: dict[str, Any] | None = None
) -> tuple[DictRow, str]:
    row = await store.get_token(change.database, made.row["id"])
    await change.record(action, "token", row["id"], before=before, after=_told(row))
    return row, made.secret


def _told(row: DictRow) -> dict[str, Any]:
    return {name: None if row[name] is None else str(row[name]) for name in RECORDED}
