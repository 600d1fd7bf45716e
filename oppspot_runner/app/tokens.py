"""Tokens of HTTP: made, listed, rotated, revoked.

What a token is, is known when it is made, and then only to whom it was given.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.base.actor import Scope
from oppspot_runner.base.errors import ConflictError, InvalidInputError, NotFoundError
from oppspot_runner.base.payload import plain_text
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.db.prefixes import by_prefix
from oppspot_runner.db.refusals import explained

ADD = statement("access/add_token")
LIST = statement("access/list_tokens")
BY_PREFIX = statement("access/tokens_by_prefix")
REVOKE = statement("access/revoke_token")
ROTATE = statement("access/rotate_token")
HAS_GOOD = statement("access/has_good_token")
PREFIX = "opr_"
BYTES = 32
SHOWN = 8  # characters of it that are kept, to know it again
MOST_NAME = 200
OPERATORS: tuple[Scope, ...] = ("metrics", "admin")


class MadeToken(NamedTuple):
    """A new token: its row, and itself, which is nowhere else."""

    row: DictRow
    secret: str


def hash_of(token: str) -> str:
    """What is kept of a token. It is as random as a key, so it needs no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


async def create_token(
    database: Database,
    name: str,
    scope: Scope,
    org_id: UUID | None,
    *,
    good_for: timedelta | None = None,
    created_by: str | None = None,
) -> MadeToken:
    """Makes a token of an organisation; without one it is an operator's.

    Raises InvalidInputError for a name or scope that cannot be.
    """
    if org_id is None and scope not in OPERATORS:
        raise InvalidInputError(
            f"a token of scope {scope} belongs to an organisation",
            hint="Name one, or take the scope admin (or metrics) for an operator.",
        )
    told = {
        "org_id": org_id,
        "name": plain_text(name, "the name of the token", most=MOST_NAME).strip(),
        "scope": scope,
        "good_for_s": None if good_for is None else good_for.total_seconds(),
    }
    made = await _made(database, ADD, told, created_by)
    assert made is not None
    return made


async def list_tokens(
    database: Database, *, before: UUID | None = None, limit: int = 1000
) -> list[DictRow]:
    """Tokens, the newest first, from the one after `before` on."""
    return await database.fetch_all(LIST, {"before": before, "token_id": None, "limit": limit})


async def get_token(database: Database, token_id: UUID) -> DictRow:
    """One token as it stands. Raises NotFoundError."""
    row = await database.fetch_one(LIST, {"before": None, "token_id": token_id, "limit": 1})
    if row is None:
        raise NotFoundError(f"there is no token {token_id}")
    return row


async def find_token(database: Database, text: str) -> UUID:
    """The id of the token that begins so. Raises NotFoundError or InvalidInputError."""
    return await by_prefix(database, BY_PREFIX, text, "token")


async def revoke_token(database: Database, token_id: UUID) -> bool:
    """Ends a token at once; False when it had ended. Raises NotFoundError."""
    await get_token(database, token_id)
    return await database.fetch_one(REVOKE, {"token_id": token_id}) is not None


async def rotate_token(
    database: Database, token_id: UUID, *, stays: timedelta, created_by: str | None = None
) -> MadeToken:
    """Makes a token like that one, which stays good for a while and then ends.

    The new one lives as long as the old one was to. Raises NotFoundError, or ConflictError when the
    old one is good no more.
    """
    old = await get_token(database, token_id)
    told = {"token_id": token_id, "stays_s": stays.total_seconds()}
    made = await _made(database, ROTATE, told, created_by)
    if made is None:
        raise ConflictError(f"the token is {old['state']}", hint="Create another one.")
    return made


async def _made(
    database: Database, query: LiteralString, told: dict[str, Any], created_by: str | None
) -> MadeToken | None:
    secret = PREFIX + secrets.token_urlsafe(BYTES)
    kept = {"hash": hash_of(secret), "beginning": secret[:SHOWN], "created_by": created_by}
    with explained():
        row = await database.fetch_one(query, told | kept)
    return None if row is None else MadeToken(row, secret)


async def has_good_token(database: Database) -> bool:
    """Whether anybody could use HTTP with a token."""
    row = await database.fetch_one(HAS_GOOD)
    return row is not None and bool(row["there"])
