"""One run of the relationship agent: whose people are due, and what the register says of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from oppspot_runner.agents.company_run import CompanyRun, Turn
from oppspot_runner.agents.context import Context
from oppspot_runner.agents.providers_register import known_number
from oppspot_runner.agents.register_people import Turns, people_of
from oppspot_runner.agents.totals import Totals
from oppspot_runner.agents.waterfall import CallsSpentError, CappedWeb
from oppspot_runner.base.errors import AccessDeniedError, CallError, RateLimitExceededError
from oppspot_runner.connectors.companies_house import REGISTER
from oppspot_runner.people.person import Holder

TTL = timedelta(days=30)


class RelationshipConfig(BaseModel):
    """`execution_config` of a run: which companies, and how much may be asked."""

    model_config = ConfigDict(extra="allow")

    company_ids: list[UUID] | None = None
    max_items: int | None = Field(None, ge=1)
    max_api_calls: int | None = Field(None, ge=0)


@dataclass(frozen=True)
class DuePeople:
    """A company whose people are to be asked for."""

    company_id: UUID


@dataclass(frozen=True)
class Heard:
    """What the register said of the people of a company; `number` None: it has none."""

    company_id: UUID
    number: str | None
    holders: Sequence[Holder]
    outcome: Literal["ok", "not_found", "error"]


class RelationshipRun(CompanyRun[DuePeople, Heard, Totals]):
    """Asks the register for the people of companies."""

    name = "people"
    doing = "companies asked about"

    def __init__(self, ctx: Context, config: RelationshipConfig) -> None:
        super().__init__(ctx, Totals())
        self.config = config
        self.later: list[DuePeople] = []
        self.turns = Turns()

    async def through(self, company_ids: Sequence[UUID]) -> None:
        """Asks about those of the companies that are due, or as many as it may.

        Raises what stopped it, such as RateLimitExceededError.
        """
        await self.recall()
        most, web = self.config.max_api_calls, self.ctx.http
        if most is not None:
            left = max(0, most - self.totals.counts["api_calls"])
            self.outside = replace(self.ctx, http=CappedWeb(web.calls, web.sources, most=left))
        task = self.ctx.task
        since = min(task.created_at, task.started_at)
        force = self.ctx.force_execute
        ids = await self.ctx.people.due(company_ids, TTL, since=since, force=force)
        due = [DuePeople(one) for one in ids]
        wanted = self.config.max_items
        place = len(due) if wanted is None else max(0, wanted - self.totals.counts["items"])
        self.waiting.extend(due[:place])
        self.later = due[place:]
        with suppress(CallsSpentError):
            await self.go(len(company_ids))
        self.waiting.extend(self.later)

    async def ask(self, turn: Turn[DuePeople]) -> None:
        """Asks the register for the people of one company and for their other offices."""
        company, known = turn.company, known_number(turn.company)
        number, holders = known.number if known else None, list[Holder]()
        outcome: Literal["ok", "not_found", "error"] = "not_found"
        try:
            if number is not None:
                holders = await people_of(self.outside, number, company.name, self.turns)
                outcome = "ok" if holders else "not_found"
        except (RateLimitExceededError, CallsSpentError) as error:
            self.stop(error)
            self.held.append(turn.due)
            return
        except AccessDeniedError:
            raise
        except CallError as error:
            outcome = "error"
            self.tally.errors[error.code] += 1
            self.ctx.log.warning("people_not_read", company_id=str(company.id), code=error.code)
        self.tally.counts.update({"items": 1, outcome: 1, "no_number": number is None})
        self.asked.append(Heard(company.id, number, holders, outcome))

    async def save(self, asked: Sequence[Heard], tally: Totals) -> None:
        """Writes the people of each company in a transaction of its own."""
        for one in asked:
            await self.ctx.people.save(
                one.company_id, one.number, one.holders, source=REGISTER, outcome=one.outcome
            )
