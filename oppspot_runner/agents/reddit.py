"""RedditAgent: finds posts in subreddits, or in all of Reddit.

Reddit gives keys on request only, and lists about a thousand posts at most, the newest first. A run
reads until what the last one saw; each page is kept as a step, so that an attempt that has to wait
asks for nothing twice.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.agents.posts import (
    PostAgent,
    PostMapper,
    PostOptions,
    cursor_name,
    read_options,
    split_at_commas,
)
from oppspot_runner.agents.result_mapper import ResultMapper
from oppspot_runner.base.errors import AccessDeniedError, Fail, SourceNotConfiguredError
from oppspot_runner.connectors.reddit import REDDIT, Reddit
from oppspot_runner.posts.post import Post

FORBIDDEN = 403
MOST_QUERY = 512  # characters of a search, as Reddit documents
OVERLAP = timedelta(hours=1)
EVERYWHERE = ""  # in the place of a subreddit
POLICY = (
    "Reddit gives keys on request only (Responsible Builder Policy), and not to everybody. Set"
    " OPPSPOT_REDDIT_CLIENT_ID, OPPSPOT_REDDIT_CLIENT_SECRET and OPPSPOT_REDDIT_USER_AGENT where"
    " the runner runs; without them the agent `hackernews` works, which needs no key."
)

Kept = dict[str, Any]  # the result of a step


def _subreddits(given: Any) -> Any:
    names = split_at_commas(given)
    return [_subreddit(one) for one in names] if isinstance(names, list) else names


def _subreddit(given: Any) -> Any:
    return re.sub(r"^/?r/|/$", "", given) if isinstance(given, str) else given


class RedditOptions(PostOptions):
    """What to look for: configuration, payload or execution_config.

    Without subreddits all of Reddit is searched. `query` is in Reddit's own words; without it the
    goals are searched for; without either, subreddits are listed. `limit` is for each subreddit.
    """

    subreddits: Annotated[
        list[Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{2,21}$")]],
        BeforeValidator(_subreddits),
        Field(max_length=100),
    ] = Field(default_factory=list)
    query: str | None = Field(None, min_length=1, max_length=MOST_QUERY)
    sort: Literal["new", "hot", "top", "relevance", "comments"] = "new"
    time_filter: Literal["hour", "day", "week", "month", "year", "all"] = "week"
    limit: int = Field(100, ge=1, le=1_000)
    min_score: int | None = None
    include_nsfw: bool = False

    @property
    def searches(self) -> list[str]:
        """What is searched for, in as many searches as it takes."""
        if self.query:
            return [self.query]
        packed: list[str] = []
        for goal in self.goals:
            words = goal.replace('"', " ").split()
            phrase = f'"{" ".join(words)}"' if len(words) > 1 else "".join(words)
            longer = f"{packed[-1]} OR {phrase}" if packed else phrase
            packed[-1:] = [longer] if len(longer) <= MOST_QUERY else [*packed[-1:], phrase]
        return packed

    def check(self) -> None:
        """Raises Fail for what cannot be searched."""
        if not self.searches and not self.subreddits:
            raise Fail("the search cannot be made: name subreddits, goals or a query")
        if not self.searches and self.sort in ("relevance", "comments"):
            raise Fail(
                f"the search cannot be made: without goals or a query there is no {self.sort}"
            )


class RedditMapper(PostMapper):
    """Saves posts."""

    platform = "reddit"
    key = "posts"


class RedditAgent(PostAgent):
    """Reddit. See the module's docstring; results are those of PostAgent and `further`."""

    agent_type: ClassVar[str] = "reddit"
    options: ClassVar[AgentOptions] = AgentOptions(time_limit=timedelta(minutes=30))
    mapper: ClassVar[ResultMapper | None] = RedditMapper()
    wanted: RedditOptions

    def create_initial_state(self, ctx: Context) -> dict[str, Any]:
        """The agent's name, and what it looks for."""
        self.wanted = read_options(RedditOptions, ctx)
        self.wanted.check()
        return {"agent_name": ctx.agent.name, "goals": self.wanted.goals}

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        """As any PostAgent, where there is a key, and a subreddit that can be read."""
        self.skipped: dict[str, str] = {}
        self.newest: dict[str, datetime] = {}
        if not self.ctx.http.configured(REDDIT):
            return self.failed(
                SourceNotConfiguredError("reddit has no key", source=REDDIT, hint=POLICY)
            )
        results = await super().execute_agent(state)
        if "error" not in results and len(self.skipped) == len(self._places()):
            told = "; ".join(f"{place}: {reason}" for place, reason in self.skipped.items())
            return {**results, "error": f"nothing could be read: {told}", "retry": False}
        return results

    async def read(self, found: list[Post]) -> None:
        """The posts of one subreddit after the other."""
        source = Reddit(self.ctx.http)
        for place in self._places():
            for asked in self.wanted.searches or [""]:
                name = cursor_name(REDDIT, place, asked)
                seen: str | None = await self.ctx.step("since", self._since, name)
                since = datetime.fromisoformat(seen) if seen else None
                await self._read(source, place, asked, since, found)
            await self.ctx.progress(len(found), None, "posts read")

    async def _read(
        self, source: Reddit, place: str, asked: str, since: datetime | None, found: list[Post]
    ) -> None:
        """Page by page, until the last one, the limit, or what the run before this saw."""
        name, after = cursor_name(REDDIT, place, asked), None
        left = self.wanted.limit
        while left > 0:
            page: Kept = await self.ctx.step("page", self._page, source, place, asked, after)
            if "skipped" in page:
                self.skipped[place or "all of Reddit"] = page["skipped"]
                return
            posts = [Post.model_validate(one) for one in page["posts"]]
            times = [post.posted_at for post in posts]
            found.extend(posts[:left])
            left -= len(posts)
            self.tally["drifted"] += page["drifted"]
            if posts:
                self.newest[name] = max(self.newest.get(name, times[0]), *times)
            after = page["after"]
            is_seen = since is not None and posts and min(times) < since - OVERLAP
            if after is None or not posts or is_seen:
                return
        self.partial = True

    async def _page(self, source: Reddit, place: str, asked: str, after: str | None) -> Kept:
        order = {"sort": str(self.wanted.sort), "time_filter": str(self.wanted.time_filter)}
        try:
            page = await (
                source.search(asked, place or None, after=after, **order)
                if asked
                else source.listing(place, after=after, **order)
            )
        except AccessDeniedError as error:
            if error.status != FORBIDDEN:
                raise
            return {"skipped": "private or quarantined, or Reddit does not let us (403)"}
        if page is None:
            return {"skipped": "banned, or there is no such subreddit (404)"}
        posts = [post.model_dump(mode="json") for post in page.posts]
        return {"posts": posts, "drifted": page.drifted, "after": page.after}

    def fits(self, post: Post) -> bool:
        """By score, and whether it is for adults."""
        enough = self.wanted.min_score is None or post.score >= self.wanted.min_score
        return enough and (self.wanted.include_nsfw or not post.payload.get("over_18"))

    async def further(self, posts: list[Post]) -> dict[str, Any]:
        """Which subreddits could not be read."""
        return {"skipped": self.skipped}

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        """Saves posts, and how far each subreddit was read."""
        if not await super().save_results(ctx, tx, results):
            return False
        if self.wanted.sort == "new":
            for name, newest in self.newest.items():
                await ctx.posts.move_cursor(ctx.agent.id, name, newest, tx=tx)
        return True

    async def _since(self, name: str) -> str | None:
        """When the newest post was written that an earlier run saw."""
        if self.wanted.sort != "new":
            return None
        seen = await self.ctx.posts.cursor(self.ctx.agent.id, name)
        return seen.isoformat() if seen else None

    def _places(self) -> list[str]:
        return self.wanted.subreddits or [EVERYWHERE]
