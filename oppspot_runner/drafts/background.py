"""What passes between the writer and the table of drafts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from oppspot_runner.drafts.sheet import Draft, Sheet

Priority = Literal["critical", "high", "medium", "low"]


@dataclass(frozen=True)
class Background:
    """Why a company has its score, the hashes of what it was written before, and where its signals
    can be read, by their titles."""

    reasons: Sequence[Mapping[str, Any]]
    hashes: frozenset[str]
    pages: Mapping[str, str]


@dataclass(frozen=True)
class NewDraft:
    """A draft that may be shown to people. Without `by_model` the template wrote it."""

    company_id: UUID
    sheet: Sheet
    draft: Draft
    prompt_hash: str
    model: str | None
    by_model: bool
    repairs: int
