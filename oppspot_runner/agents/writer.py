"""writer_agent: writes drafts to companies for people to read. Nothing sends them.

A draft says only what the fact sheet holds. A model may find the words; what it answers goes
through drafts/validator.py, is given back to it twice at most, and else the template writes. Each
company is a step: what is written is written once, whatever ends the attempt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.goal import options_of
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.agents.writer_run import Draftsman, Outcome, WriterConfig
from oppspot_runner.base.errors import Fail, Snooze

SPARE_S = 60.0  # what is left of the time when no further company is begun
EVIDENCE = ("drafts_created", "repaired", "by_template", "rejected", "skipped")


class WriterAgent(Agent):
    """Drafts. `_results` lists what it returns."""

    agent_type: ClassVar[str] = "writer_agent"
    options: ClassVar[AgentOptions] = AgentOptions(time_limit=timedelta(minutes=30))

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        """Writes to one company after the other, each draft as soon as it is ready."""
        config = options_of(WriterConfig, self.ctx, "nothing can be written")
        due: list[str] = await self.ctx.step("due", self._due, config)
        draftsman = Draftsman(self.ctx, config)
        done: list[Outcome] = []
        for number, company_id in enumerate(due, 1):
            if sum(one.draft_id is not None for one in done) == config.max_drafts:
                break
            if done and self.ctx.time_left < SPARE_S:
                raise Snooze(after=1, reason="the time is over, the rest comes next")
            kept: dict[str, Any] = await self.ctx.step(
                f"draft {company_id}", draftsman.write, UUID(company_id)
            )
            done.append(Outcome.model_validate(kept))
            await self.ctx.progress(number, len(due), "companies looked at")
        return _results(done, len(due))

    async def _due(self, config: WriterConfig) -> list[str]:
        if self.ctx.stream is None and config.company_ids is None:
            raise Fail("whom to write to? Give stream_id, or execution_config.company_ids")
        found = await self.ctx.drafts.due(
            config.channel,
            priority=config.priority,
            min_score=config.min_score,
            company_ids=config.company_ids,
        )
        return [str(one) for one in found]

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        """Writes an insight of the stream when there are new drafts to read."""
        if ctx.stream is not None and results["drafts_created"]:
            count = results["drafts_created"]
            insight = await ctx.insights.add(
                kind="drafts",
                title=f"{count} draft{'s' if count > 1 else ''} to read and to decide",
                evidence={name: results[name] for name in (*EVIDENCE, "draft_ids")},
                tx=tx,
            )
            results["insights"] = [str(insight)]
        return True


def _results(done: Sequence[Outcome], due: int) -> dict[str, Any]:
    rejected: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    for one in done:
        rejected.update(one.rejected)
        if one.skipped is not None:
            skipped[one.skipped] += 1
    if left := due - len(done):
        skipped["max_drafts"] = left
    written = [one for one in done if one.draft_id is not None]
    costs = [one.cost_usd for one in done]
    return {
        "drafts_created": len(written),
        "draft_ids": [one.draft_id for one in written],
        "repaired": sum(one.repairs > 0 and not one.by_template for one in written),
        "by_template": sum(one.by_template for one in written),
        "rejected": dict(sorted(rejected.items())),
        "skipped": dict(sorted(skipped.items())),
        "companies": len(done),
        "tokens": sum(one.tokens for one in done),
        "cost_usd": None if None in costs else round(sum(map(float, filter(None, costs))), 6),
        "insights": [],
    }
