"""OpportunityBot: finds companies that match the stream's goal and adds the best to the stream.

Searches the companies that the organisation knows already and, where its key is set, the register
of UK companies. Criteria filter, the score ranks. Adds until the target is reached and changes
nothing that is there, so a second run, or two at once, find the stream as one would leave it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.goal import lock_stream
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.agents.register_search import FromRegister, look_in_register
from oppspot_runner.agents.search_config import OWN, search_config, search_goal
from oppspot_runner.base.errors import Fail
from oppspot_runner.companies.criteria import GoalCriteria
from oppspot_runner.companies.items import ScoredCompany
from oppspot_runner.companies.qualifying import (
    Candidate,
    below_bar,
    changes,
    look_at,
    missed_by,
    near_misses,
    relaxed,
    shown_misses,
    without_duplicates,
)
from oppspot_runner.companies.scoring import Scorer
from oppspot_runner.companies.scoring_criteria import Rubric
from oppspot_runner.companies.scoring_model import HIGH_QUALITY_CENTS, MODEL
from oppspot_runner.companies.search import Hit, Search, SearchPage, Want
from oppspot_runner.connectors.companies_house import REGISTER

DEFAULT_TARGET = 50
PAGE = 500
MOST_CANDIDATES = 1_000  # that are ranked; more when more are wanted
MOST_PAGES = 200  # of one search, some milliseconds each
MOST_COUNTED = 500  # companies that a relaxed goal is counted up to
MOST_BEST = 5  # companies named in the insight


@dataclass
class Found:
    """What a search came to. `cursor` is where it stopped, None when it saw everything."""

    matches: list[Candidate] = field(default_factory=list)
    near: list[Candidate] = field(default_factory=list)
    cursor: UUID | None = None


class OpportunityBot(Agent):
    """Discovery. See the module's docstring; results are listed in `_results`."""

    agent_type: ClassVar[str] = "opportunity_bot"
    options: ClassVar[AgentOptions] = AgentOptions(time_limit=timedelta(minutes=10))

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        """Searches, ranks and chooses; writes nothing."""
        self.config = search_config(self.ctx)
        self.goal = search_goal(self.ctx)
        metrics = self.goal.metrics
        self.target = self.config.limit or metrics.companies_to_find or DEFAULT_TARGET
        self.scorer = self._scorer(self.goal.criteria)
        found = Found()
        if OWN in self.config.asked:
            found = await self._search(self.goal.criteria, self._bound(), self.config.cursor)
            found.near += await self._near()
        self.register = await self._ask_register()
        matches, duplicates = without_duplicates([*found.matches, *self.register.matches])
        self.found = [one.company.id for one in found.matches]
        qualified, below = below_bar(matches, metrics.min_quality_score or 0.0)
        there = [one for one in matches if one.in_stream]
        self.best = [one for one in qualified if not one.in_stream]
        self.best = self.best[: max(0, self.target - len(there))]
        known = [one for one in below if one.company.id not in self.register.ids]
        self.misses = near_misses([*found.near, *known])
        self.shortfall = await self._shortfall(qualified, found)
        return await self._results(found, matches, qualified, duplicates)

    async def _ask_register(self) -> FromRegister:
        """What the register knows. Raises where nobody else is asked and it cannot be."""
        if REGISTER not in self.config.asked:
            return FromRegister()
        found = await look_in_register(self.ctx, self.goal.criteria, self.scorer, self._bound())
        if found.error is not None and OWN not in self.config.asked:
            raise found.error
        return found

    def _scorer(self, criteria: GoalCriteria) -> Scorer:
        return Scorer(Rubric.of(criteria), self.ctx.task.started_at, "discovery")

    def _bound(self) -> int:
        return max(self.target, MOST_CANDIDATES)

    async def _search(self, criteria: GoalCriteria, most: int, after: UUID | None = None) -> Found:
        """Pages through what the statement finds, up to `most` matches."""
        scorer, found = self._scorer(criteria), Found(cursor=after)
        search = Search.of(scorer.rubric, scorer.now)
        for _ in range(MOST_PAGES):
            left = most - len(found.matches)
            page = await self._find(search, "match", found.cursor, min(PAGE, left))
            for one in await self._look(page.hits, scorer):
                if one.kind != "other":
                    (found.matches if one.kind == "match" else found.near).append(one)
            found.cursor = page.cursor
            await self.ctx.progress(len(found.matches), None, "companies that match")
            if found.cursor is None or len(found.matches) >= most:
                break
        return found

    async def _near(self) -> list[Candidate]:
        """Near misses outside the ranges, or unknown where a must wants to know."""
        search = Search.of(self.scorer.rubric, self.scorer.now)
        hits = await self._hits(search, "near", PAGE)
        return [one for one in await self._look(hits, self.scorer) if one.kind == "near"]

    async def _hits(self, search: Search, want: Want, most: int) -> list[Hit]:
        hits: list[Hit] = []
        after = None
        for _ in range(MOST_PAGES):
            page = await self._find(search, want, after, min(PAGE, most - len(hits)))
            hits += page.hits
            after = page.cursor
            if after is None or len(hits) >= most:
                break
        return hits

    async def _find(self, search: Search, want: Want, after: UUID | None, limit: int) -> SearchPage:
        stream = self.ctx.stream
        if stream is None:
            raise Fail("the opportunity bot works on a stream, but the task has no stream_id")
        return await self.ctx.companies.find(
            search, stream_id=stream.id, want=want, after=after, limit=limit
        )

    async def _look(self, hits: list[Hit], scorer: Scorer) -> list[Candidate]:
        in_stream = {hit.id for hit in hits if hit.in_stream}
        companies = await self.ctx.companies.load([hit.id for hit in hits])
        await asyncio.sleep(0)  # a page is some 50 ms of arithmetic
        return [look_at(one, scorer, in_stream=one.id in in_stream) for one in companies]

    async def _ruled_out(self) -> Counter[str]:
        search = Search.of(self.scorer.rubric, self.scorer.now)
        hits = await self._hits(search, "ruled_out", MOST_CANDIDATES)
        return Counter(hit.ruled_out for hit in hits if hit.ruled_out)

    async def _shortfall(self, qualified: list[Candidate], found: Found) -> dict[str, Any] | None:
        """Why there are fewer than asked: what one change of the goal at a time would bring."""
        if (
            len(qualified) >= self.target
            or found.cursor is not None
            or OWN not in self.config.asked
        ):
            return None
        narrow = changes(self.misses)
        known = {one.company.id for one in found.matches}
        wide = Counter[str]()
        for change, criteria in relaxed(self.goal.criteria).items():
            wider = await self._search(criteria, MOST_COUNTED)
            wide[change] = sum(one.company.id not in known for one in wider.matches)
        ways = [*narrow.most_common(), *wide.most_common()]  # small changes first
        reasons = [{"change": change, "more": more} for change, more in ways if more]
        return {
            "asked": self.target,
            "found": len(qualified),
            "reasons": reasons,
            "text": _sentence(len(qualified), self.target, reasons),
        }

    async def _results(
        self, found: Found, matches: list[Candidate], qualified: list[Candidate], duplicates: int
    ) -> dict[str, Any]:
        there = sum(one.in_stream for one in matches)
        self.chosen = qualified[: self.target]
        cents = [one.score.cents for one in self.chosen]
        unknown = Counter(name for one in matches for name in one.unknown)
        return {
            "companies_found": len(matches),
            "items_created": 0 if self.config.dry_run else len(self.best),
            "qualified_count": len(qualified),
            "avg_quality_score": round(sum(cents) / len(cents) / 100, 2) if cents else 0.0,
            "high_quality_count": sum(one >= HIGH_QUALITY_CENTS for one in cents),
            "already_in_stream": there,
            "duplicates_skipped": duplicates + there,
            "by_source": self._by_source(matches),
            "skipped_sources": self._skipped(),
            "disqualified": dict(await self._ruled_out()) if OWN in self.config.asked else {},
            "unknown_fields": dict(unknown),
            "near_miss_count": len(self.misses),
            "near_misses_by": dict(missed_by(self.misses)),
            "near_misses": shown_misses(self.misses),
            "shortfall": self.shortfall,
            "ignored": [*self.goal.ignored, *(self.config.model_extra or ())],
            "dry_run": self.config.dry_run,
            "errors": dict(self.register.errors),
            "schema_drift": self.register.drifted,
            "api_calls": sum(self.ctx.http.requests.values()),
            "most_candidates": self._bound(),
            "partial": found.cursor is not None or self.register.partial,
            "next_cursor": str(found.cursor) if found.cursor else None,
            "insights": [],
        }

    def _by_source(self, matches: list[Candidate]) -> dict[str, int]:
        new = sum(one.company.id in self.register.ids for one in matches)
        counts = {OWN: len(matches) - new, REGISTER: new}
        return {name: counts[name] for name in self.config.asked if name not in self._skipped()}

    def _skipped(self) -> dict[str, str]:
        """Sources that were not asked, or not to the end, and why."""
        return {REGISTER: self.register.why_not} if self.register.why_not else {}

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        """Adds the best companies, an insight and the stream's progress; corrects the counts."""
        if self.config.dry_run:
            return True
        await lock_stream(ctx, tx)
        ids = await self._add_new(ctx, tx)
        self.chosen = [_with_id(one, ids) for one in self.chosen]
        best = [_with_id(one, ids) for one in self.best]
        added = await ctx.items.add(
            [ScoredCompany(one.company, one.score) for one in best],
            found=[*self.found, *ids.values()],
            target=self.target,
            model_version=MODEL.version,
            now=self.scorer.now,
            agent_id=ctx.agent.id,
            tx=tx,
        )
        if added:
            await ctx.items.renumber(tx)
        results["items_created"] = len(added)
        state = {
            "found": results["companies_found"],
            "qualified": results["qualified_count"],
            "target": self.target,
        }
        await ctx.insights.set_progress({"discovery": state}, tx=tx)
        insight = await ctx.insights.add(
            kind="discovery", title=self._title(), evidence=self._evidence(state), tx=tx
        )
        results["insights"] = [str(insight)]
        return True

    async def _add_new(self, ctx: Context, tx: Any) -> Mapping[UUID, UUID]:
        """Adds those of the best that only the register knew; their ids by the passing ones."""
        new = [one.company for one in self.best if one.company.id in self.register.ids]
        return await ctx.companies.add(new, source=REGISTER, tx=tx) if new else {}

    def _title(self) -> str:
        if self.shortfall:
            return str(self.shortfall["text"])
        return f"{len(self.chosen)} companies for the goal, the best of those that match"

    def _evidence(self, state: dict[str, Any]) -> dict[str, Any]:
        return {
            **state,
            "criteria": self.goal.criteria.model_dump(mode="json", exclude_defaults=True),
            "best": [
                {
                    "company_id": str(one.company.id),
                    "name": one.company.name,
                    "score": one.score.value,
                    "reasons": [reason["text"] for reason in one.score.reasons],
                }
                for one in self.chosen[:MOST_BEST]
            ],
            "near_misses": shown_misses(self.misses[:MOST_BEST]),
            "shortfall": self.shortfall,
        }


def _with_id(one: Candidate, ids: Mapping[UUID, UUID]) -> Candidate:
    new = ids.get(one.company.id)
    return one if new is None else replace(one, company=replace(one.company, id=new))


def _sentence(found: int, target: int, reasons: list[dict[str, Any]]) -> str:
    ways = ", ".join(f"{reason['change']} for {reason['more']} more" for reason in reasons[:3])
    return f"only {found} of {target} companies found" + (f": {ways}" if ways else "")
