"""Head counts of UK companies, and how they grow, out of the accounts that the register keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any, ClassVar

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.providers_register import Stated, known_number, note_drift, register_of
from oppspot_runner.base.errors import InvalidInputError, MalformedAnswerError
from oppspot_runner.companies.company import Company, Fact
from oppspot_runner.companies.growth import StatedCount, yearly_growth
from oppspot_runner.connectors.accounts import read_head_counts
from oppspot_runner.connectors.companies_house import DOCUMENTS, REGISTER
from oppspot_runner.tools.threads import in_thread

OF_ACCOUNTS = 0.9
FILINGS_TRIED = 3  # the newest accounts may be on paper only


class Accounts:
    """Head counts of two years out of the newest accounts, and the growth between them."""

    name: ClassVar[str] = "accounts"
    fields: ClassVar[tuple[str, ...]] = ("employees", "employee_growth", "growth_rate")
    ttl: ClassVar[timedelta] = timedelta(days=90)
    revises: ClassVar[bool] = False
    web_source: ClassVar[str] = REGISTER

    async def provide(self, company: Company, ctx: Context) -> list[Fact]:
        known = known_number(company)
        if known is None:
            return []
        register = register_of(ctx)
        filings = await register.filings(known.number, ["accounts"], size=FILINGS_TRIED)
        note_drift(ctx, filings)
        for filing in filings.items:
            document = filing.document_id and await register.document(filing.document_id)
            if document:
                # Some are of many megabytes.
                counts = await in_thread(partial(_read, document.content))
                fact = Stated(self.name, known, document.fetched_at, "/filing-history")
                return _facts_of_counts(counts, company, fact) if counts else []
        return []


def _read(content: bytes) -> list[StatedCount]:
    try:
        return read_head_counts(content)
    except InvalidInputError as error:
        raise MalformedAnswerError(str(error), source=DOCUMENTS, status=200) from None


def _facts_of_counts(counts: Sequence[StatedCount], company: Company, fact: Stated) -> list[Fact]:
    newest = counts[0]
    growth = yearly_growth(_with_earlier(counts, company))
    noted = {
        "percent": growth.percent,
        "reason": growth.reason,
        "counts": [{"as_of": one.as_of.isoformat(), "count": one.count} for one in counts],
    }
    facts = [fact("employee_growth", noted, OF_ACCOUNTS, newest.as_of)]
    if newest.count:
        facts.append(fact("employees", newest.count, OF_ACCOUNTS, newest.as_of))
    if growth.percent is not None:
        facts.append(fact("growth_rate", growth.percent, OF_ACCOUNTS, newest.as_of))
    return facts


def _with_earlier(counts: Sequence[StatedCount], company: Company) -> list[StatedCount]:
    """The counts, and those of older accounts for other days: the newest filing wins."""
    whole = {one.as_of: one for one in counts}
    for fact in company.recorded:
        if (fact.field, fact.source) == ("employee_growth", Accounts.name):
            for one in _counts_in(fact.value):
                whole.setdefault(one.as_of, one)
    return list(whole.values())


def _counts_in(value: Any) -> list[StatedCount]:
    given = value.get("counts") if isinstance(value, Mapping) else None
    try:
        return [StatedCount(date.fromisoformat(one["as_of"]), one["count"]) for one in given or ()]
    except (KeyError, TypeError, ValueError):
        return []
