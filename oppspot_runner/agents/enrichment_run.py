"""One run of the enrichment agent through the companies that are due, over all its attempts.

Each company is written as soon as it is done, in a short transaction, with a note who was asked: a
retry goes on where the last attempt stopped. Companies that need nobody outside are written by the
page. Several are on their way at once, in the order of their places.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.providers import Provider
from oppspot_runner.agents.steps import NOT_KNOWN
from oppspot_runner.agents.tally import Tally
from oppspot_runner.agents.waterfall import CallsSpentError, CappedWeb, Waterfall
from oppspot_runner.base.errors import Snooze
from oppspot_runner.companies.company import Company
from oppspot_runner.companies.enriching import Dossier
from oppspot_runner.companies.items import DueCompany

PAGE = 100  # companies that need nobody outside, in one transaction
ABREAST = 5  # companies on their way at once
SPARE_S = 30.0  # what is left of the time when no further company is begun


class EnrichConfig(BaseModel):
    """`execution_config` of a run: which providers, which companies, and how many at most."""

    model_config = ConfigDict(extra="allow")

    providers: list[str] | None = None
    company_ids: list[UUID] | None = None
    max_items: int | None = Field(None, ge=1)
    max_api_calls: int | None = Field(None, ge=0)


class EnrichmentRun:
    """Asks `providers` about the companies of the stream; `totals` is what came of it so far."""

    def __init__(self, ctx: Context, providers: Sequence[Provider], config: EnrichConfig) -> None:
        self.ctx = ctx
        self.config = config
        self.providers = providers
        self.totals = Tally()
        self.waiting: deque[DueCompany] = deque()
        self._stopped: Exception | None = None
        self._noting = asyncio.Lock()
        self._noted = 0  # in this attempt
        self._requests = 0  # in this attempt, as far as they are noted

    async def begin(self) -> None:
        """Adds up what earlier attempts did, and looks up who is due."""
        await self._recall()
        self.waterfall = Waterfall(self.providers, self._capped())
        self.left = self.config.max_items
        if self.left is not None:
            self.left = max(0, self.left - self.totals.counts["items"])
        self.waiting.extend(await self._due())

    async def finish(self, items: int) -> None:
        """Goes through all who are due, out of `items` in the stream, or as far as it may.

        Raises what stopped it, such as RateLimitExceededError; what is done by then is written.
        """
        await asyncio.gather(*(self._work(items) for _ in range(ABREAST)))
        if self._stopped is not None and not isinstance(self._stopped, CallsSpentError):
            raise self._stopped

    async def _recall(self) -> None:
        while True:
            self._free, kept = await self.ctx.recall("enriched")
            if kept is NOT_KNOWN:
                return
            self.totals.add(Tally.of(kept))

    def _capped(self) -> Context:
        """What providers are given: the same, with no more requests than the run may make."""
        most, web = self.config.max_api_calls, self.ctx.web
        if most is not None:
            left = max(0, most - self.totals.counts["api_calls"])
            web = CappedWeb(web.calls, web.sources, most=left)
        return replace(self.ctx, web=web)

    async def _due(self) -> Sequence[DueCompany]:
        task = self.ctx.task
        return await self.ctx.items.due(
            {provider.name: provider.ttl for provider in self.providers},
            since=min(task.created_at, task.started_at),
            outside=[one.name for one in self.providers if one.web_source is not None],
            force=self.ctx.force_execute,
            company_ids=self.config.company_ids,
        )

    async def _work(self, items: int) -> None:
        while self._stopped is None and (batch := self._next()):
            try:
                await self._enrich(batch)
            except Exception as error:  # noqa: BLE001 - the others end what they are at first
                self._stop(error)
            else:
                done = self.totals.counts["items"]
                await self.ctx.progress(done, items, "companies enriched")

    def _stop(self, reason: Exception) -> None:
        if self._stopped is None:
            self._stopped = reason

    def _next(self) -> list[DueCompany]:
        """The next company, or page of companies that need nobody outside."""
        if self._noted and self.waiting and self.ctx.time_left < SPARE_S:
            self._stop(Snooze(after=1, reason="the time is over, the rest comes next"))
            return []
        most = PAGE if self.left is None else min(PAGE, self.left)
        batch: list[DueCompany] = []
        while self.waiting and len(batch) < most:
            outside = self.waterfall.goes_outside(self.waiting[0].providers)
            if outside and batch:
                break
            batch.append(self.waiting.popleft())
            if outside:
                break
        if self.left is not None:
            self.left -= len(batch)
        return batch

    async def _enrich(self, batch: Sequence[DueCompany]) -> None:
        ids = [one.company_id for one in batch]
        companies = {company.id: company for company in await self.ctx.companies.load(ids)}
        recorded = await self.ctx.companies.facts(ids)
        tally, dossiers = Tally(), list[Dossier]()
        for one in batch:
            company: Company | None = companies.get(one.company_id)
            if company is None:
                continue  # deleted since
            dossier = Dossier(company, recorded.get(one.company_id, ()))
            dossiers.append(dossier)
            before = self.totals.begun.get(str(one.company_id))
            if before is None:  # else those who are not due were asked in this very run
                self.waterfall.note_fresh(one.providers, tally)
            held = await self.waterfall.ask(dossier, one.providers, tally)
            tally.looked_at(dossier, whole=held is None, before=before)
            if held is not None:
                self._stop(held)
                self.waiting.appendleft(one)
        asked = [one.enriched for one in dossiers if one.enriched.outcomes]
        if asked:
            await self.ctx.items.save_enrichment(asked)
        await self._note(tally)

    async def _note(self, tally: Tally) -> None:
        """Keeps the counts of what was written, for the attempts that come."""
        async with self._noting:
            made = sum(self.waterfall.ctx.web.requests.values())
            tally.counts["api_calls"] += made - self._requests
            self._requests = made
            await self.ctx.journal.remember(self._free, tally.as_json())
            self._free, _ = await self.ctx.recall("enriched")
            self.totals.add(tally)
            self._noted += 1
