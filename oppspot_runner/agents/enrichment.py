"""EnrichmentAgent: asks providers about the companies of a stream and records what they say.

What providers say is kept as facts; the best fact of each field becomes what is believed. Nobody is
asked again before the answer is stale. Where a source must not be asked more for now, the task is
snoozed and goes on later where it stopped; company_run.py has how.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, ClassVar

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.enrichment_run import EnrichConfig, EnrichmentRun
from oppspot_runner.agents.goal import config_of, goal_of, lock_stream
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.agents.providers import Provider, conclusions, on_record
from oppspot_runner.agents.providers_accounts import Accounts
from oppspot_runner.agents.providers_register import Officers, Register
from oppspot_runner.agents.providers_website import Website
from oppspot_runner.base.errors import Fail
from oppspot_runner.companies.items import score_row
from oppspot_runner.companies.scoring import Scorer
from oppspot_runner.companies.scoring_changes import changed
from oppspot_runner.companies.scoring_criteria import Rubric
from oppspot_runner.companies.scoring_model import MODEL
from oppspot_runner.connectors.sources import not_configured

EVIDENCE = (
    "items_updated",
    "enriched_count",
    "by_provider",
    "fields_filled",
    "coverage_before",
    "coverage_after",
    "coverage_by_field",
    "skipped_providers",
    "errors",
)


class EnrichmentAgent(Agent):
    """Enrichment. Subclasses may bring other `providers`; results are listed in `_results`."""

    agent_type: ClassVar[str] = "enrichment_agent"
    options: ClassVar[AgentOptions] = AgentOptions(time_limit=timedelta(minutes=30))

    def providers(self) -> tuple[Provider, ...]:
        """All providers, in the order in which they are asked."""
        return (*on_record(), Register(), Officers(), Accounts(), Website(), *conclusions())

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        """Asks about all companies that are due, and writes each of them."""
        self.config = config_of(EnrichConfig, self.ctx)
        self.skipped: dict[str, str] = {}
        # Not kept by the agent, which may come back from another process.
        run = EnrichmentRun(self.ctx, self._chosen(), self.config)
        before: dict[str, Any] = await self.ctx.step("coverage_before", self._coverage)
        self.items = len(await self.ctx.items.ids())
        await run.begin()
        await run.finish(self.items)
        self.lowered = await self._lowered(set(run.totals.closed))
        return self._results(run, before, await self._coverage())

    def _chosen(self) -> list[Provider]:
        """The providers that are wanted and can be asked."""
        known = {provider.name: provider for provider in self.providers()}
        names = self.config.providers if self.config.providers is not None else list(known)
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise Fail(
                f"execution_config.providers: unknown {', '.join(unknown)}; "
                f"known: {', '.join(known)}"
            )
        wanted = [provider for name, provider in known.items() if name in names]
        for provider in wanted:
            source = provider.web_source
            if source is not None and not self.ctx.http.configured(source):
                self.skipped[provider.name] = not_configured(source).one_line()
        usable = [provider for provider in wanted if provider.name not in self.skipped]
        if wanted and not usable:
            raise Fail(" ".join(dict.fromkeys(self.skipped.values())))
        return usable

    async def _coverage(self) -> dict[str, Any]:
        coverage = await self.ctx.items.coverage()
        return {"share": coverage.share, "fields": dict(coverage.fields)}

    async def _lowered(self, closed: Collection[str]) -> list[str]:
        """The score 0, with its reason, of companies that turned out to be closed."""
        if not closed:
            return []
        try:
            rubric = Rubric.of(goal_of(self.ctx).criteria)
        except Fail:  # the goal cannot be read: the agents that need it say so
            return []
        scorer = Scorer(rubric, self.ctx.task.started_at, "discovery")
        items = [one for one in await self.ctx.items.load() if str(one.company.id) in closed]
        return [
            score_row(one.id, score, changed=changed(one, score))
            for one in items
            if rubric.disqualified(one.company, {})
            for score in (scorer.score(one.company),)
        ]

    def _results(
        self, run: EnrichmentRun, before: dict[str, Any], after: dict[str, Any]
    ) -> dict[str, Any]:
        totals, waterfall, waiting = run.totals, run.waterfall, run.waiting
        errors, shut = dict(totals.errors), waterfall.shut
        if errors and not totals.answered:
            if shut:
                raise next(iter(shut.values()))
            return {"error": f"every provider failed: {errors}", "errors": errors}
        ids = self.config.company_ids
        wanted = self.items if ids is None else len(set(ids))
        return {
            "items_updated": totals.counts["items"],
            "enriched_count": totals.counts["enriched"],
            "companies_changed": totals.counts["changed"],
            "facts_added": totals.counts["facts"],
            "by_provider": {
                name: dict(totals.by_provider.get(name, {})) for name in waterfall.providers
            },
            "fields_filled": dict(totals.fields_filled),
            "coverage_before": before["share"],
            "coverage_after": after["share"],
            "coverage_by_field": after["fields"],
            "skipped_fresh": max(0, wanted - totals.counts["items"] - len(waiting)),
            "skipped_providers": {**self.skipped, **waterfall.shut_out()},
            "closed_count": len(totals.closed),
            "errors": errors,
            "api_calls": totals.counts["api_calls"],
            "cost_usd": 0.0,
            "ignored": sorted(self.config.model_extra or ()),
            "partial": bool(waiting or errors),
            # The next run begins there; it finds the place without being told.
            "next_cursor": str(waiting[0].company_id) if waiting else None,
            "insights": [],
        }

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        """Writes the stream's progress and, when anybody was asked, an insight."""
        await lock_stream(ctx, tx)
        if self.lowered:
            await ctx.items.save_scores(
                self.lowered,
                stage="discovery",
                model_version=MODEL.version,
                now=ctx.task.started_at,
                tx=tx,
            )
            await ctx.items.renumber(tx)
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
