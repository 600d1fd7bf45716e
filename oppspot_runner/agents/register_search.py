"""Finds companies in the UK register that may meet a goal, as companies of ours would look."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.providers_register import (
    CONFIDENCE,
    Register,
    place_of,
    register_of,
)
from oppspot_runner.base.errors import SourceError
from oppspot_runner.companies.company import Company, Fact
from oppspot_runner.companies.company_numbers import uk_company_number
from oppspot_runner.companies.criteria import GoalCriteria
from oppspot_runner.companies.names import MOST_NAME, clean_name, normalise_name
from oppspot_runner.companies.qualifying import Candidate, look_at
from oppspot_runner.companies.register_questions import COUNTRY, Questions, register_questions
from oppspot_runner.companies.scoring import Scorer
from oppspot_runner.companies.sic import sic_code
from oppspot_runner.companies.statuses import normalise_status
from oppspot_runner.connectors.companies_house import REGISTER, public_page
from oppspot_runner.connectors.companies_house_answers import FoundCompany
from oppspot_runner.connectors.sources import not_configured

SIZE = 500  # companies in an answer
BREATH = 200  # companies between two looks at the event loop: about 20 ms
MOST_CALLS = 40  # less than the register lets through at once
OVERSEAS = ("FC", "SF", "NF", "OE")  # numbers of companies that only have a branch here


@dataclass
class FromRegister:
    """Companies that only the register knows, as candidates; `why_not` says what is missing."""

    matches: list[Candidate] = field(default_factory=list)
    drifted: int = 0
    partial: bool = False
    why_not: str = ""
    error: SourceError | None = None

    @cached_property
    def ids(self) -> set[UUID]:
        """The ids that they have in this run only."""
        return {one.company.id for one in self.matches}

    @property
    def errors(self) -> dict[str, int]:
        """Codes of what went wrong, with how often. A missing key is no error."""
        return {self.error.code: 1} if self.error and self.partial else {}


async def look_in_register(
    ctx: Context, criteria: GoalCriteria, scorer: Scorer, most: int
) -> FromRegister:
    """What the register knows of companies that `criteria` look for, and we do not know yet.

    Where it cannot be asked, or fails, there is what it said before. Raises
    RateLimitExceededError: the task goes on later.
    """
    found = FromRegister()
    if not ctx.http.configured(REGISTER):
        found.error = not_configured(REGISTER)
        found.why_not = found.error.one_line()
        return found
    questions = register_questions(criteria, scorer.now.date())
    search = RegisterSearch(ctx, questions, most)
    found.why_not = questions.why_not
    try:
        await search.run()
    except SourceError as error:
        found.error, found.why_not, found.partial = error, error.one_line(), True
    companies = list(search.found.values())
    known = await ctx.companies.known(companies) if companies else set()
    for place, company in enumerate(companies):
        if place % BREATH == 0:
            await asyncio.sleep(0)
        candidate = look_at(company, scorer)
        if candidate.kind == "match" and company.company_number not in known:
            found.matches.append(candidate)
    found.drifted, found.partial = search.drifted, found.partial or search.partial
    return found


class RegisterSearch:
    """Asks `questions` until `most` companies are known; `partial` says that there may be more."""

    def __init__(self, ctx: Context, questions: Questions, most: int) -> None:
        self.questions = questions
        self.most = most
        self.found: dict[str, Company] = {}
        self.drifted = 0
        self.partial = False
        self._register = register_of(ctx)
        self._calls = 0

    async def run(self) -> None:
        """Fills `found`, by number. Raises what a source raises."""
        for question in self.questions.asked:
            await self._between(question, self.questions.first, self.questions.last)

    async def _between(self, question: Mapping[str, str], first: int, last: int) -> None:
        """Asks about the years from `first` to `last`; halves them where one answer cannot hold
        all, the younger half first."""
        spans = deque([(first, last)])
        while spans:
            if len(self.found) >= self.most or self._calls >= MOST_CALLS:
                self.partial = True
                return
            first, last = spans.popleft()
            if await self._ask(question, first, last, 0) <= SIZE:
                continue
            if first == last:
                await self._rest_of(question, first)
                continue
            middle = (first + last) // 2
            spans.extendleft([(first, middle), (middle + 1, last)])

    async def _rest_of(self, question: Mapping[str, str], year: int) -> None:
        start = SIZE
        while len(self.found) < self.most and self._calls < MOST_CALLS:
            total = await self._ask(question, year, year, start)
            start += SIZE
            if start >= total:
                return
        self.partial = True

    async def _ask(self, question: Mapping[str, str], first: int, last: int, start: int) -> int:
        """Takes what one answer holds; how many there are in all."""
        self._calls += 1
        years = {"incorporated_from": f"{first}-01-01", "incorporated_to": f"{last}-12-31"}
        listing = await self._register.advanced_search(
            {**question, **years}, size=SIZE, start=start
        )
        self.drifted += listing.drifted
        for one in listing.items:
            company = _company(one, listing.seen_at)
            if company is None:
                self.drifted += 1
            elif company.company_number:
                self.found.setdefault(company.company_number, company)
        return listing.total


def _company(one: FoundCompany, seen_at: datetime) -> Company | None:
    """What the register says, with the facts behind it; None without a usable name or number."""
    name, number = clean_name(one.company_name), uk_company_number(one.company_number)
    if not name or len(name) > MOST_NAME or number is None:
        return None
    country = None if number.startswith(OVERSEAS) else COUNTRY
    codes = [code for text in one.sic_codes or () if (code := sic_code(text))]
    stated = {
        "company_number": number,
        "status": normalise_status(one.company_status or ""),
        "country": country,
        "sic_codes": tuple(codes),
        "incorporated": one.date_of_creation,
        **place_of(one.address),
    }
    values: dict[str, Any] = {field: value for field, value in stated.items() if value}
    page = public_page(number)
    facts = {
        field: Fact(field, value, Register.name, CONFIDENCE, seen_at, page)
        for field, value in values.items()
    }
    return Company(uuid4(), name, seen_at, name_norm=normalise_name(name)).with_values(
        values, facts
    )
