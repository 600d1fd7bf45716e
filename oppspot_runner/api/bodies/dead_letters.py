"""Dead letters, as requests and answers have them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from oppspot_runner.api.bodies.bulk import MOST_CHANGED
from oppspot_runner.api.bodies.tasks import Masked
from oppspot_runner.api.values import Text
from oppspot_runner.queue.dead_letters import Filter


class DeadLetterQuery(BaseModel):
    """Which dead letters are meant; what is left out does not matter."""

    model_config = ConfigDict(extra="forbid")

    agent_id: UUID | None = None
    type: Text | None = Field(None, description="A task_type or an agent_type.")
    org_id: UUID | None = Field(None, description="For operators: of this organisation.")
    error: Text | None = Field(None, description="A part of the message, in any case.")
    since: AwareDatetime | None = Field(None, description="Failed from then on.")

    def wanted(self, fingerprint: str | None = None) -> Filter:
        """As reading functions take it."""
        values = {name: getattr(self, name) for name in DeadLetterQuery.model_fields}
        return Filter(**values, fingerprint=fingerprint)


class PageQuery(DeadLetterQuery):
    """Which dead letters, and how many of them."""

    limit: Annotated[int, Query(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Query(max_length=1000)] = None


class DeadLetterGroup(BaseModel):
    """Tasks whose messages differ only in ids, numbers and quoted values."""

    fingerprint: str
    error_pattern: str
    tasks: int
    first_seen: datetime | None
    last_seen: datetime | None
    last_id: UUID
    last_error: Masked
    agents: list[str]


class DeadLetterGroups(BaseModel):
    """Groups, those first that failed last. Unless `complete`, only the newest were looked at."""

    items: list[DeadLetterGroup]
    complete: bool


class DeadLetter(BaseModel):
    """A task that failed for good."""

    id: UUID
    agent_id: UUID | None
    agent_name: str
    task_type: str
    attempts: int
    crash_count: int
    failed_at: datetime | None
    fingerprint: str
    error_message: Masked


class DeadLetterFilter(DeadLetterQuery):
    """Which dead letters are meant, also those of a group."""

    fingerprint: Text | None = None


class ChangeDeadLetters(BaseModel):
    """Which ones: those of `ids`, or those that match `filter`, at most `limit` of them."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_CHANGED)] | None = None
    filter: DeadLetterFilter | None = None
    limit: int = Field(MOST_CHANGED, ge=1, le=MOST_CHANGED)
    cursor: str | None = Field(None, max_length=1000)
    dry_run: bool = Field(False, description="Only says which tasks are meant.")


class DiscardDeadLetters(ChangeDeadLetters):
    """Which ones, and why."""

    reason: Text = "discarded"
