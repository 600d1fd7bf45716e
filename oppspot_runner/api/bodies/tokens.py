"""What is sent and answered of tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from oppspot_runner.api.values import Text
from oppspot_runner.app.tokens import MOST_NAME
from oppspot_runner.base.actor import Scope

ONE_DAY_S = 86_400
MOST_S = 3_153_600_000  # a hundred years


class TokenBody(BaseModel):
    """A token, without itself."""

    id: UUID
    org_id: UUID | None = Field(description="Whose rows it sees; null: an operator's, sees all.")
    org_name: str | None
    name: str
    scope: Scope
    state: Literal["good", "expired", "revoked"]
    beginning: str = Field(description="Its first characters.")
    created_at: datetime
    created_by: str | None
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")
    revoked_at: datetime | None


class NewToken(BaseModel):
    """A token that is to be made."""

    name: Annotated[Text, Field(min_length=1, max_length=MOST_NAME)]
    scope: Scope = "read"
    org_id: UUID | None = Field(
        None, description="Whose rows it sees; your own without it. Operators: null is all."
    )
    expires_in_s: int | None = Field(None, ge=1, le=MOST_S, description="Null: good for ever.")


class Rotation(BaseModel):
    """How the old token ends when another one takes its place."""

    keep_s: int = Field(ONE_DAY_S, ge=0, le=MOST_S, description="Seconds that it stays good.")


class MadeTokenBody(TokenBody):
    """A new token. `token` is it, told this once."""

    token: str


class TokenRevoked(BaseModel):
    """`revoked` is false when it had ended before."""

    id: UUID
    revoked: bool
