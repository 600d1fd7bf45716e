"""Drafts as people read and decide them. What is approved must be true and allowed still."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from oppspot_runner.base.errors import ConflictError, NotFoundError
from oppspot_runner.base.fitting import fitting
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.db.prefixes import by_prefix
from oppspot_runner.db.refusals import explained
from oppspot_runner.drafts.facts import Evidence, facts_of
from oppspot_runner.drafts.language import LANGUAGES, language
from oppspot_runner.drafts.sheet import Claim, Fact
from oppspot_runner.streams.companies import CompanyStore
from oppspot_runner.streams.people import PeopleStore
from oppspot_runner.streams.signals import SignalStore

BY_PREFIX = statement("drafts/by_prefix")
DECIDE = statement("drafts/decide")
LIST = statement("drafts/list")
SHOW = statement("drafts/show")

AGAIN = "Withdraw it and let the writer run again."


async def find_draft(db: Database, asked: str) -> UUID:
    """The id of a draft by its first characters. Raises NotFoundError or InvalidInputError."""
    return await by_prefix(db, BY_PREFIX, asked, "draft")


async def list_drafts(
    db: Database,
    *,
    status: str | None = None,
    channel: str | None = None,
    company_id: UUID | None = None,
    stream_id: UUID | None = None,
    before: UUID | None = None,
    limit: int,
) -> list[dict[str, Any]]:
    """Drafts, the newest first; None for any. `before` is the last one of the page before."""
    wanted = {
        "status": status,
        "channel": channel,
        "company_id": company_id,
        "stream_id": stream_id,
        "before": before,
        "limit": limit,
    }
    return await db.fetch_all(LIST, wanted)


async def show(db: Database, draft_id: UUID) -> dict[str, Any]:
    """All of a draft, and in `warnings` what speaks against approving it."""
    row = await db.fetch_one(SHOW, {"draft_id": draft_id})
    if row is None:
        raise NotFoundError(f"there is no draft {draft_id}")
    open_ = row["status"] in ("draft", "approved")
    return {**row, "warnings": await _warnings(db, row) if open_ else []}


async def decide(
    db: Database, draft_id: UUID, status: str, *, decided_by: str, reason: str | None = None
) -> dict[str, Any]:
    """Writes what somebody decided. Raises ConflictError for what cannot follow, or must not.

    What is approved, or said to be sent, rests on facts that still hold, and nobody asked not to
    be written to.
    """
    if status in ("approved", "sent_elsewhere"):
        row = await show(db, draft_id)
        if row["warnings"] and row["status"] in ("draft", "approved"):
            raise ConflictError(f"the draft cannot be {status}: {row['warnings'][0]}", hint=AGAIN)
        if (row["status"], status) == ("draft", "sent_elsewhere"):
            hint = f"Read it, then: oppspot-runner drafts approve {draft_id}."
            raise ConflictError("nobody has approved the draft yet", hint=hint)
    values = {"draft_id": draft_id, "status": status, "decided_by": decided_by, "reason": reason}
    with explained():
        decided = await db.fetch_one(DECIDE, values)
    if decided is None:
        raise NotFoundError(f"there is no draft {draft_id}")
    return decided


async def _warnings(db: Database, row: Mapping[str, Any]) -> list[str]:
    org_id, company_id = row["org_id"], row["company_id"]
    address = row["recipient_email"]
    suppressed = await PeopleStore(db, org_id).suppressed(
        emails=[address] if address else [], company_ids=[company_id]
    )
    found = []
    if company_id in suppressed.company_ids:
        found.append(f"{row['company']} is not to be written to any more")
    if suppressed.emails:
        found.append(f"{address} is not to be written to any more")
    return [*found, *(f"this holds no more: {text}" for text in await _outdated(db, row))]


async def _outdated(db: Database, row: Mapping[str, Any]) -> list[str]:
    """The facts of the draft that are known no more as they were."""
    org_id, company_id = row["org_id"], row["company_id"]
    cited = {one for claim in fitting(Claim, row["claims"]) for one in claim.fact_ids}
    told = [fact for fact in fitting(Fact, row["facts"]) if fact.id in cited]
    companies = await CompanyStore(db, org_id).load([company_id])
    if not companies or row["language"] not in LANGUAGES:
        return [fact.text for fact in told]
    signals = (await SignalStore(db, org_id).of([company_id])).get(company_id, ())
    evidence = Evidence(companies[0], signals, (), row["now"])
    known = facts_of(evidence, language(row["language"]), most=None)
    gone = [fact.text for fact in told if not any(_says(one, fact) for one in known)]
    return [*gone, *sorted(f"fact {one}" for one in cited - {fact.id for fact in told})]


def _says(now: Fact, then: Fact) -> bool:
    """Whether what is known now holds what was told: of a list, all that was on it."""
    listed = now.kind == then.kind and set(then.names) <= set(now.names)
    return now.text == then.text or bool(then.names and listed)
