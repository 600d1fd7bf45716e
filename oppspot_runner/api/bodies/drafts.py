"""Drafts: what may be said to companies."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from oppspot_runner.api.values import ShownObject, Text
from oppspot_runner.base.fitting import fitting
from oppspot_runner.drafts.sheet import Channel, Claim, Fact

DraftStatus = Literal["draft", "approved", "rejected", "sent_elsewhere", "withdrawn"]


class DraftBody(BaseModel):
    """A draft in a list. Nothing sends it."""

    id: UUID
    org_id: UUID | None
    stream_id: UUID | None
    company_id: UUID
    company: str
    channel: Channel
    recipient: str | None
    recipient_email: str | None
    subject: str
    status: DraftStatus
    written_by: str
    model: str | None
    decided_by: str | None
    decided_at: datetime | None
    created_at: datetime


# Anybody may write them by SQL: entries of other shapes are left out.
Claims = Annotated[list[Claim], BeforeValidator(partial(fitting, Claim))]
Facts = Annotated[list[Fact], BeforeValidator(partial(fitting, Fact))]


class DraftShown(DraftBody):
    """A draft with its words, and what each claim rests on.

    `warnings` say what speaks against approving it.
    """

    language: str
    tone: str
    sender: ShownObject
    body: str
    cta: str
    claims: Claims
    facts: Facts
    repairs: int
    reason: str | None
    agent_id: UUID | None
    task_id: UUID | None
    warnings: list[str]


class WhyNot(BaseModel):
    """Why a draft is rejected or withdrawn; kept with it."""

    model_config = ConfigDict(extra="forbid")

    reason: Text | None = Field(None, max_length=500)
