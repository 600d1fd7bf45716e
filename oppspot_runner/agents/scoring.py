"""ScoringAgent: scores all companies of a stream, explains every score, and puts them in order.

One query loads the stream, a pure function scores (companies/scoring.py has the formula), one
statement writes the scores and one the positions, all in the finishing transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.goal import config_of, goal_of, lock_stream
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.base.errors import Fail, InvalidInputError
from oppspot_runner.companies.company import Company
from oppspot_runner.companies.items import Item, score_row
from oppspot_runner.companies.scoring import Score, Scorer
from oppspot_runner.companies.scoring_changes import ScoreTally, changed
from oppspot_runner.companies.scoring_criteria import Rubric
from oppspot_runner.companies.scoring_model import MODEL, Stage, reweigh

BREATH = 200  # companies between two looks at the event loop: about 20 ms
MOST_BEST = 5


class ScoreConfig(BaseModel):
    """`execution_config` of a run: the stage, and weights that differ from the usual ones.

    Without a stage it is `full` once a watcher has looked at a company of the stream.
    """

    model_config = ConfigDict(extra="allow")

    stage: Stage | None = None
    weights: dict[str, float] = Field(default_factory=dict)


class ScoringAgent(Agent):
    """Scoring. `ScoreTally.results` lists what it returns."""

    agent_type: ClassVar[str] = "scoring_agent"
    options: ClassVar[AgentOptions] = AgentOptions(time_limit=timedelta(minutes=10))

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        """Loads and scores; writes nothing."""
        self.config = config_of(ScoreConfig, self.ctx)
        self.scorer, ignored = self._scorer(self.config.stage or await self._usual_stage())
        items = await self.ctx.items.load()
        self.rows: list[str] = []
        tally = ScoreTally()
        for number, item in enumerate(items, start=1):
            score = self.scorer.score(item.company, item.signals)
            tally.add(item, score)
            self.rows.append(score_row(item.id, score, changed=changed(item, score)))
            if number % BREATH == 0:
                await asyncio.sleep(0)
        self.best = self._best(items, tally)
        return {
            **tally.results(),
            "stage": self.scorer.stage,
            "model_version": self.scorer.model.version,
            "ignored": ignored,
            "insights": [],
        }

    async def _usual_stage(self) -> Stage:
        return "full" if await self.ctx.items.is_watched() else "enriched"

    def _scorer(self, stage: Stage) -> tuple[Scorer, list[str]]:
        goal = goal_of(self.ctx)
        own = self.ctx.agent.configuration.get("weights") or {}
        if not isinstance(own, dict):
            raise Fail("the agent's configuration has an unusable weights: wanted an object")
        weights = {**own, **self.config.weights}
        try:
            model, criteria = reweigh(MODEL, goal.criteria, weights)
        except InvalidInputError as error:
            raise Fail(error.one_line()) from None
        scorer = Scorer(
            Rubric.of(criteria),
            self.ctx.task.started_at,
            stage,
            tuple(goal.metrics.required_signals or ()),
            model,
        )
        return scorer, [*goal.ignored, *sorted(self.config.model_extra or ())]

    def _best(self, items: Sequence[Item], tally: ScoreTally) -> list[dict[str, Any]]:
        """The best companies with their reasons, for the insight."""
        places = {company_id: place for place, company_id in enumerate(tally.best(MOST_BEST))}
        found = [item for item in items if item.company.id in places]
        found.sort(key=lambda item: places[item.company.id])
        return [
            _shown(item.company, self.scorer.score(item.company, item.signals)) for item in found
        ]

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        """Writes scores, positions, progress and an insight."""
        await lock_stream(ctx, tx)
        await ctx.items.save_scores(
            self.rows,
            stage=self.scorer.stage,
            model_version=self.scorer.model.version,
            now=self.scorer.now,
            tx=tx,
        )
        await ctx.items.renumber(tx)
        names = ("items_updated", "avg_quality_score", "high_quality_count", "by_priority")
        state = {name: results[name] for name in names}
        await ctx.insights.set_progress({"scoring": state}, tx=tx)
        evidence = {**state, "distribution": results["distribution"], "best": self.best}
        insight = await ctx.insights.add(
            kind="scoring", title=_title(results), evidence=evidence, tx=tx
        )
        results["insights"] = [str(insight)]
        return True


def _shown(company: Company, score: Score) -> dict[str, Any]:
    return {
        "company_id": str(company.id),
        "name": company.name,
        "score": score.value,
        "confidence": score.confidence,
        "reasons": [reason["text"] for reason in score.reasons if reason["points"]],
    }


def _title(results: dict[str, Any]) -> str:
    return (
        f"{results['items_updated']} companies scored, {results['high_quality_count']} of them "
        f"4.0 or better, {results['avg_quality_score']:.2f} on average"
    )
