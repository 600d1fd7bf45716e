"""One run of the enrichment agent: who is due, and what is asked and written about each."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from oppspot_runner.agents.company_run import CompanyRun, Turn
from oppspot_runner.agents.context import Context
from oppspot_runner.agents.providers import Provider
from oppspot_runner.agents.tally import Tally
from oppspot_runner.agents.waterfall import CallsSpentError, CappedWeb, Waterfall
from oppspot_runner.companies.enriching import Dossier
from oppspot_runner.companies.items import DueCompany


class EnrichConfig(BaseModel):
    """`execution_config` of a run: which providers, which companies, and how many at most."""

    model_config = ConfigDict(extra="allow")

    providers: list[str] | None = None
    company_ids: list[UUID] | None = None
    max_items: int | None = Field(None, ge=1)
    max_api_calls: int | None = Field(None, ge=0)


class EnrichmentRun(CompanyRun[DueCompany, Dossier, Tally]):
    """Asks `providers` about the companies of the stream."""

    name = "enriched"
    doing = "companies enriched"

    def __init__(self, ctx: Context, providers: Sequence[Provider], config: EnrichConfig) -> None:
        super().__init__(ctx, Tally())
        self.providers = providers
        self.config = config

    async def begin(self) -> None:
        """Adds up what earlier attempts did, and looks up who is due."""
        await self.recall()
        self.outside = self._capped()
        self.waterfall = Waterfall(self.providers, self.outside)
        due = await self._due()
        most = self.config.max_items
        left = len(due) if most is None else max(0, most - self.totals.counts["items"])
        self.waiting.extend(due[:left])
        self.later = due[left:]

    async def finish(self, items: int) -> None:
        """Goes through all who are due, out of `items` in the stream, or as far as it may.

        Raises what stopped it, such as RateLimitExceededError; what is done by then is written.
        """
        with suppress(CallsSpentError):
            await self.go(items)
        self.waiting.extend(self.later)

    def _capped(self) -> Context:
        """What providers are given: the same, with no more requests than the run may make."""
        most, web = self.config.max_api_calls, self.ctx.http
        if most is not None:
            left = max(0, most - self.totals.counts["api_calls"])
            web = CappedWeb(web.calls, web.sources, most=left)
        return replace(self.ctx, http=web)

    async def _due(self) -> Sequence[DueCompany]:
        task = self.ctx.task
        return await self.ctx.items.due(
            {provider.name: provider.ttl for provider in self.providers},
            since=min(task.created_at, task.started_at),
            outside=[one.name for one in self.providers if one.web_source is not None],
            force=self.ctx.force_execute,
            company_ids=self.config.company_ids,
        )

    async def ask(self, turn: Turn[DueCompany]) -> None:
        """Asks those who are due, as long as nobody holds up the run."""
        due, dossier = turn.due, Dossier(turn.company)
        before = self.totals.begun.get(str(due.company_id))
        tally = Tally()
        if before is None:  # else those who are not due were asked in this very run
            self.waterfall.note_fresh(due.providers, tally)
        held = await self.waterfall.ask(dossier, due.providers, tally)
        tally.looked_at(dossier, whole=held is None, before=before)
        self.tally.add(tally)
        if dossier.enriched.outcomes:
            self.asked.append(dossier)
        if held is not None:
            self.stop(held)
            self.held.append(due)

    async def save(self, asked: Sequence[Dossier], tally: Tally) -> None:
        """Writes what providers said in one transaction."""
        await self.ctx.items.save_enrichment([one.enriched for one in asked])
