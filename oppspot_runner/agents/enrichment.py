"""EnrichmentAgent: asks providers about the companies of a stream and records what they say.

Each page of companies is written in a transaction of its own, with a note who was asked: a retry
goes on where the last attempt stopped, and nobody is asked again before the answer is stale. What
providers say is kept as facts; the best fact of each field becomes what is believed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.goal import config_of, lock_stream
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.agents.providers import Provider, built_in
from oppspot_runner.base.errors import AgentSignal, Fail, LeaseLostError
from oppspot_runner.companies.enriching import Dossier
from oppspot_runner.companies.items import DueCompany, Outcome

Page = dict[str, dict[str, int]]  # counts by name of a provider, or of what was counted

PAGE = 100
EVIDENCE = (
    "items_updated",
    "enriched_count",
    "by_provider",
    "fields_filled",
    "coverage_before",
    "coverage_after",
    "coverage_by_field",
    "errors",
)


class EnrichConfig(BaseModel):
    """`execution_config` of a run: which providers, which companies, and how many at most."""

    model_config = ConfigDict(extra="allow")

    providers: list[str] | None = None
    company_ids: list[UUID] | None = None
    max_items: int | None = Field(None, ge=1)
    max_api_calls: int | None = Field(None, ge=0)


class EnrichmentAgent(Agent):
    """Enrichment. Subclasses may bring other `providers`; results are listed in `_results`."""

    agent_type: ClassVar[str] = "enrichment_agent"
    options: ClassVar[AgentOptions] = AgentOptions(time_limit=timedelta(minutes=30))

    def providers(self) -> tuple[Provider, ...]:
        """All providers, in the order in which they are asked."""
        return tuple(built_in())

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        """Asks about all companies that are due, page by page, and writes each page."""
        ctx, self.config = self.ctx, config_of(EnrichConfig, self.ctx)
        self.asked = self._chosen()
        self.queue: list[DueCompany] | None = None
        before: dict[str, Any] = await ctx.step("coverage_before", self._coverage)
        items = len(await ctx.items.ids())
        totals: dict[str, Counter[str]] = {}
        while (left := self._left(totals)) > 0:
            page: Page = await ctx.step("page", self._page, min(PAGE, left))
            if not page["counts"].get("items"):
                break
            for name, counts in page.items():
                totals.setdefault(name, Counter()).update(counts)
            await ctx.progress(totals["counts"]["items"], items, "companies enriched")
        after = await self._coverage()
        return await self._results(totals, items, before, after)

    def _chosen(self) -> dict[str, Provider]:
        known = {provider.name: provider for provider in self.providers()}
        names = self.config.providers if self.config.providers is not None else list(known)
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise Fail(
                f"execution_config.providers: unknown {', '.join(unknown)}; "
                f"known: {', '.join(known)}"
            )
        return {name: known[name] for name in known if name in names}

    def _left(self, totals: Mapping[str, Counter[str]]) -> int:
        done = totals["counts"]["items"] if totals else 0
        return PAGE if self.config.max_items is None else self.config.max_items - done

    async def _coverage(self) -> dict[str, Any]:
        coverage = await self.ctx.items.coverage()
        return {"share": coverage.share, "fields": dict(coverage.fields)}

    async def _due(self) -> list[DueCompany]:
        """Who is due and was not asked yet. Looked up once: it takes a look at every company."""
        if self.queue is None:
            self.queue = await self._look_up()
        return self.queue

    async def _look_up(self) -> list[DueCompany]:
        task = self.ctx.task
        due = await self.ctx.items.due(
            {name: provider.ttl for name, provider in self.asked.items()},
            since=min(task.created_at, task.started_at),
            force=self.ctx.force_execute,
            company_ids=self.config.company_ids,
        )
        return list(due)

    async def _page(self, limit: int) -> Page:
        """Asks about the next companies that are due and writes the answers; counts of them."""
        queue = await self._due()
        due, self.queue = queue[:limit], queue[limit:]
        ids = [one.company_id for one in due]
        companies = {company.id: company for company in await self.ctx.companies.load(ids)}
        recorded = await self.ctx.companies.facts(ids)
        counts: dict[str, Counter[str]] = {
            name: Counter() for name in ("counts", "fields_filled", "errors", *self.asked)
        }
        dossiers = []
        for one in due:
            if one.company_id in companies:
                facts = recorded.get(one.company_id, ())
                dossier = Dossier(companies[one.company_id], facts)
                await self._ask(dossier, one.providers, counts)
                dossiers.append(dossier)
        if dossiers:
            await self.ctx.items.save_enrichment([one.enriched for one in dossiers])
        return {name: dict(counter) for name, counter in counts.items()}

    async def _ask(
        self, dossier: Dossier, due: tuple[str, ...], counts: dict[str, Counter[str]]
    ) -> None:
        """Asks the providers in turn, those only that are due and have something to add."""
        for name, provider in self.asked.items():
            if name in due:
                outcome: Outcome = "cached"
                if provider.revises or dossier.lacks(name, provider.fields):
                    outcome = await self._answer(dossier, provider, counts["errors"])
                dossier.enriched.outcomes[name] = outcome
            counts[name][dossier.enriched.outcomes.get(name, "cached")] += 1
        enriched = dossier.enriched
        counts["counts"]["items"] += 1
        counts["counts"]["enriched"] += "ok" in enriched.outcomes.values()
        counts["counts"]["changed"] += bool(enriched.changes)
        counts["counts"]["facts"] += len(enriched.facts)
        counts["fields_filled"].update(dossier.filled())

    async def _answer(self, dossier: Dossier, provider: Provider, errors: Counter[str]) -> Outcome:
        try:
            facts = await provider.provide(dossier.company, self.ctx)
        except (AgentSignal, LeaseLostError):
            raise
        except Exception as error:  # noqa: BLE001 - one source must not stop the others
            errors[type(error).__name__] += 1
            self.ctx.log.warning("provider failed", provider=provider.name, error=str(error))
            return "error"
        own = [fact for fact in facts if fact.field in provider.fields]
        return "ok" if dossier.add(own) else "not_found"

    async def _results(
        self,
        totals: dict[str, Counter[str]],
        items: int,
        before: dict[str, Any],
        after: dict[str, Any],
    ) -> dict[str, Any]:
        counts = totals.get("counts", Counter())
        by_provider = {name: dict(totals.get(name, {})) for name in self.asked}
        errors = dict(totals.get("errors", {}))
        if errors and not any(one.keys() - {"error", "cached"} for one in by_provider.values()):
            return {"error": f"every provider failed: {errors}", "errors": errors}
        waiting = await self._due()
        wanted = items if self.config.company_ids is None else len(set(self.config.company_ids))
        return {
            "items_updated": counts["items"],
            "enriched_count": counts["enriched"],
            "companies_changed": counts["changed"],
            "facts_added": counts["facts"],
            "by_provider": by_provider,
            "fields_filled": dict(totals.get("fields_filled", {})),
            "coverage_before": before["share"],
            "coverage_after": after["share"],
            "coverage_by_field": after["fields"],
            "skipped_fresh": max(0, wanted - counts["items"] - len(waiting)),
            "errors": errors,
            "api_calls": 0,
            "cost_usd": 0.0,
            "ignored": sorted(self.config.model_extra or ()),
            "partial": bool(waiting),
            # The next run begins there; it finds the place without being told.
            "next_cursor": str(waiting[0].company_id) if waiting else None,
            "insights": [],
        }

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        """Writes the stream's progress and, when anybody was asked, an insight."""
        await lock_stream(ctx, tx)
        names = ("items_updated", "enriched_count", "coverage_after")
        if results["items_updated"]:
            await ctx.insights.set_progress(
                {"enrichment": {name: results[name] for name in names}}, tx=tx
            )
            evidence = {name: results[name] for name in EVIDENCE}
            insight = await ctx.insights.add(
                kind="enrichment", title=_title(results), evidence=evidence, tx=tx
            )
            results["insights"] = [str(insight)]
        return True


def _title(results: dict[str, Any]) -> str:
    before, after = results["coverage_before"], results["coverage_after"]
    known = f"{after:.0%} of the fields are known"
    if after > before:
        known += f", {before:.0%} before"
    return f"{results['enriched_count']} of {results['items_updated']} companies enriched: {known}"
