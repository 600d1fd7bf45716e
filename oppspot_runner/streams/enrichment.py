"""Writes what providers said: facts, what is believed by them, and who was asked when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from oppspot_runner.base.jsonsafe import clean, dumps
from oppspot_runner.companies.company import Fact
from oppspot_runner.companies.items import Enriched
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.streams.mentions import without_forgotten_officers

ADD_FACTS = statement("streams/add_facts")
LOCK_COMPANIES = statement("streams/lock_companies")
MARK_ENRICHED = statement("streams/mark_enriched")
SAVE_CHECKS = statement("streams/save_checks")
UPDATE_COMPANIES = statement("streams/update_companies")


async def save_enrichment(
    db: Database, org_id: UUID | None, stream_id: UUID, page: Sequence[Enriched]
) -> None:
    """Writes a page in one transaction. Doing it again changes nothing.

    Companies that `org_id` may not see, and items of streams that are not its own, stay untouched.
    """
    own: dict[str, Any] = {"org_id": org_id}
    ids = [one.company_id for one in page]
    changed = [{"id": one.company_id, "changes": one.changes} for one in page if one.changes]
    checks = [(one.company_id, *said) for one in page for said in one.outcomes.items()]
    async with db.transaction() as tx:
        await tx.execute(LOCK_COMPANIES, {**own, "ids": ids})
        told = await without_forgotten_officers(tx, page)
        facts = [fact_row(one.company_id, fact) for one in told for fact in one.facts]
        if facts:
            await tx.execute(ADD_FACTS, {**own, "facts": dumps(clean(facts))})
        if changed:
            await tx.execute(UPDATE_COMPANIES, {**own, "companies": dumps(clean(changed))})
        if checks:
            asked, providers, outcomes = map(list, zip(*checks, strict=True))
            values = {**own, "ids": asked, "providers": providers, "outcomes": outcomes}
            await tx.execute(SAVE_CHECKS, values)
        await tx.execute(MARK_ENRICHED, {**own, "stream_id": stream_id, "ids": ids})


def fact_row(company_id: UUID, fact: Fact) -> dict[str, Any]:
    """A fact as ADD_FACTS takes it."""
    return {
        "company_id": company_id,
        "field": fact.field,
        "value": fact.value,
        "source": fact.source,
        "source_url": fact.source_url,
        "observed_at": fact.observed_at,
        "valid_from": fact.valid_from,
        "confidence": fact.confidence,
    }
