"""HackerNewsAgent: finds stories, all of a time and each once, and follows how they fare.

Reads on where the last run stopped, an hour before it, for the search learns of some stories late.
What was fetched is kept as steps: an attempt that has to wait goes on, and asks for nothing twice.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal

from pydantic import AwareDatetime, Field, model_validator

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.agents.posts import (
    PostAgent,
    PostMapper,
    PostOptions,
    cursor_name,
    read_options,
)
from oppspot_runner.agents.result_mapper import ResultMapper
from oppspot_runner.base.errors import CallError
from oppspot_runner.connectors.hacker_news import HackerNews
from oppspot_runner.connectors.story_slices import Slice
from oppspot_runner.posts.post import Counts, Post

PLATFORM = "hackernews"
OVERLAP_S = 3_600
YOUNG = timedelta(hours=48)  # the points of older stories hardly change
AT_ONCE = 16  # calls for stories that are followed

Kept = dict[str, Any]  # the result of a step


class StoryOptions(PostOptions):
    """What to look for: configuration, payload or execution_config.

    A first run goes `days` back; `since` and `until` make it one of just that time, which leaves
    the place where the next one goes on alone. `limit` is about how many new stories a run takes,
    `refresh` how many young ones it asks about again.
    """

    tags: Literal["story", "ask_hn", "show_hn", "poll"] = "story"
    days: float = Field(7, gt=0, le=3_650)
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    limit: int = Field(5_000, ge=1, le=100_000)
    refresh: int = Field(200, ge=0, le=5_000)

    @model_validator(mode="after")
    def _range(self) -> StoryOptions:
        if self.until is not None and (self.since is None or self.until <= self.since):
            raise ValueError("until wants a since before it")
        return self


class HackerNewsMapper(PostMapper):
    """Saves stories."""

    platform = PLATFORM
    key = "stories"


class HackerNewsAgent(PostAgent):
    """Hacker News. See the module's docstring; results are those of PostAgent and `further`."""

    agent_type: ClassVar[str] = "hackernews"
    options: ClassVar[AgentOptions] = AgentOptions(time_limit=timedelta(minutes=30))
    mapper: ClassVar[ResultMapper | None] = HackerNewsMapper()
    key: ClassVar[str] = "stories"
    wanted: StoryOptions

    def create_initial_state(self, ctx: Context) -> dict[str, Any]:
        """The agent's name, and what it looks for."""
        self.wanted = read_options(StoryOptions, ctx)
        return {"agent_name": ctx.agent.name, "goals": self.wanted.goals}

    async def read(self, found: list[Post]) -> None:
        """All stories of a time, the older first, until there are enough new ones."""
        plan: Kept = await self.ctx.step("plan", self._plan)
        self.newest = {query: begin for begin, query, _ in plan["queries"]}
        fresh = 0
        for begin, query, goes_on in plan["queries"]:
            waiting = [Slice(begin - OVERLAP_S if goes_on else begin, plan["until"])]
            while waiting:
                if fresh >= self.wanted.limit:
                    self.partial = True
                    return
                part = waiting.pop()
                kept: Kept | None = await self.ctx.step("stories", self._stories, query, part)
                if kept is None:
                    waiting.extend(reversed(part.halves() or ()))
                    continue
                stories = [Post.model_validate(one) for one in kept["posts"]]
                times = [int(story.posted_at.timestamp()) for story in stories]
                fresh += sum(time > begin for time in times)
                self.newest[query] = max([self.newest[query], *times])
                self.tally.update(kept["missed"])
                found.extend(stories)
                await self.ctx.progress(len(found), None, "stories read")

    async def _plan(self) -> Kept:
        """From when on each query is to be asked, those first that are furthest behind."""
        until = self.wanted.until or self.ctx.task.started_at + timedelta(seconds=1)
        first = self.wanted.since or until - timedelta(days=self.wanted.days)
        queries: list[tuple[int, str, bool]] = []
        for query in self.wanted.goals or [""]:
            seen = None if self.wanted.since else await self._cursor(query)
            queries.append((int((seen or first).timestamp()), query, seen is not None))
        return {"until": math.ceil(until.timestamp()), "queries": sorted(queries)}

    async def _stories(self, query: str, part: Slice) -> Kept | None:
        read = await HackerNews(self.ctx.http).stories(query, part, self.wanted.tags)
        if read is None:
            return None
        return {
            "posts": [story.model_dump(mode="json") for story in read.posts],
            "missed": {"drifted": read.drifted, "unreachable": read.unreachable},
        }

    async def further(self, posts: list[Post]) -> dict[str, Any]:
        """How known stories fare that were not read now, and where the next run goes on."""
        self.counts: list[Counts] = []
        if self.wanted.since is None and self.wanted.refresh:
            seen = {story.external_id for story in posts}
            kept: Kept = await self.ctx.step("follow", self._follow, seen)
            self.counts = [Counts(**one) for one in kept["counts"]]
            self.errors.update(kept["errors"])
        return {
            "updated": 0,
            "unreachable": self.tally["unreachable"],
            "next_cursor": datetime.fromtimestamp(min(self.newest.values()), UTC).isoformat(),
        }

    async def _follow(self, seen: set[str]) -> Kept:
        """Asks about young stories; what is not answered is left for the next run."""
        young = await self.ctx.posts.young(PLATFORM, YOUNG, self.wanted.refresh)
        waiting = [external_id for external_id in young if external_id not in seen]
        source = HackerNews(self.ctx.http)
        counts: list[Counts] = []
        errors: Counter[str] = Counter()

        async def ask() -> None:
            while waiting and not errors:
                try:
                    found = await source.counts(waiting.pop(0))
                except CallError as error:
                    errors[error.code] += 1
                else:
                    counts.extend([found] if found else [])

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(ask())
        return {"counts": [asdict(one) for one in counts], "errors": dict(errors)}

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        """Saves stories, how others fare, and the place where the next run goes on."""
        if not await super().save_results(ctx, tx, results):
            return False
        results["updated"] = await ctx.posts.update_counts(PLATFORM, self.counts, tx=tx)
        if self.wanted.since is None:
            for query, newest in self.newest.items():
                seen_until = datetime.fromtimestamp(newest, UTC)
                await ctx.posts.move_cursor(ctx.agent.id, self._place(query), seen_until, tx=tx)
        return True

    async def _cursor(self, query: str) -> datetime | None:
        return await self.ctx.posts.cursor(self.ctx.agent.id, self._place(query))

    def _place(self, query: str) -> str:
        return cursor_name(PLATFORM, self.wanted.tags, query)
