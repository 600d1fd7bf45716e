"""What agents of platforms share: their options, what they make of posts, how posts are saved."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, Field

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.goal import goal_of, options_of
from oppspot_runner.agents.post_signals import THRESHOLD, sightings_of
from oppspot_runner.agents.result_mapper import ResultMapper
from oppspot_runner.base.errors import CallError, RateLimitExceededError
from oppspot_runner.posts.intents import IntentRules
from oppspot_runner.posts.mentions import candidates
from oppspot_runner.posts.post import Post, once_each
from oppspot_runner.posts.relevance import Yardstick

O = TypeVar("O", bound="PostOptions")  # noqa: E741 - options

AT_ONCE = 100  # posts that are looked at before others get their turn
MOST_SHOWN = 50  # posts in the output; all are in the table
MOST_NAME = 200  # characters of the name of a cursor
MOST_TEXT = 500  # characters of a text in the output


def split_at_commas(given: Any) -> Any:
    """A list, also where it is written as one text; an empty text is an empty list."""
    if not isinstance(given, str):
        return given
    return [part.strip() for part in given.split(",")] if given.strip() else []


Words = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=200)]],
    BeforeValidator(split_at_commas),
    Field(max_length=50),
]


class PostOptions(BaseModel):
    """What people say about every search for posts.

    `goals` are words or phrases, a list or separated by commas; `intents` phrases by rule.
    """

    goals: Words = Field(default_factory=list)
    intents: dict[str, list[str]] = Field(default_factory=dict)


def read_options(model: type[O], ctx: Context) -> O:
    """The agent's configuration, under the payload, under `execution_config`.

    Without goals those of the stream count: its keywords. Raises Fail naming the bad field.
    """
    options = options_of(model, ctx, "the search cannot be made")
    if not options.goals and ctx.stream is not None:
        options.goals = list(goal_of(ctx).criteria.keywords or ())
    return options


class PostAgent(Agent):
    """An agent that finds posts: a subclass reads them, and says what else its results hold.

    `wanted`, its options, are there when `read` is called. `key` is the name of the posts there.
    """

    key: ClassVar[str] = "posts"
    wanted: PostOptions

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        """Reads posts and looks at them; writes nothing.

        An error before anything was read ends the attempt, one after it is counted. Being limited
        is a snooze in any case: the steps keep what was read.
        """
        self.tally: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.partial = False
        found: list[Post] = []
        try:
            await self.read(found)
        except RateLimitExceededError:
            raise
        except CallError as error:
            if not found:
                return self.failed(error)
            self.errors[error.code] += 1
            self.partial = True
        posts = once_each(found)
        self.tally["duplicates"] = len(found) - len(posts)
        posts = await look_at(self.ctx, [post for post in posts if self.fits(post)], self.wanted)
        further = await self.further(posts)
        return {**self._counted(posts), **further}

    @abstractmethod
    async def read(self, found: list[Post]) -> None:
        """Adds posts to `found` as they are read. Raises CallError."""

    def fits(self, post: Post) -> bool:
        """Whether a post is what is looked for."""
        return True

    async def further(self, posts: list[Post]) -> dict[str, Any]:
        """What else the results hold."""
        return {}

    def failed(self, error: CallError) -> dict[str, Any]:
        """An expected fault of the outside as a result, or the error itself where that says when
        to try again."""
        if error.retry_after_s is not None:
            raise error
        return {
            "error": f"{error.code}: {error.one_line()}",
            "retry": error.retried,
            self.key: [],
        }

    def _counted(self, posts: list[Post]) -> dict[str, Any]:
        companies = {one.company_id for post in posts for one in post.companies}
        intents = Counter(one.rule for post in posts for one in post.intents)
        return {
            self.key: [post.model_dump(mode="json") for post in posts],
            f"{self.key}_found": len(posts),
            f"{self.key}_saved": 0,
            "duplicates": self.tally["duplicates"],
            "matched_companies": len(companies),
            "matched_intents": dict(intents),
            "schema_drift": self.tally["drifted"],
            "errors": dict(self.errors),
            "api_calls": sum(self.ctx.http.requests.values()),
            "partial": self.partial,
        }


async def look_at(ctx: Context, posts: Sequence[Post], options: PostOptions) -> list[Post]:
    """The posts with what is made of them: intents, relevance, companies. The best come first."""
    rules = IntentRules(options.intents)
    yardstick = Yardstick(options.goals, ctx.task.started_at)
    for start in range(0, len(posts), AT_ONCE):
        part = posts[start : start + AT_ONCE]
        await asyncio.sleep(0)
        found = await ctx.posts.companies_in([candidates(post) for post in part])
        for post, companies in zip(part, found, strict=True):
            measured = yardstick.measure(post)
            post.relevance, post.reasons = measured.value, measured.reasons
            post.intents = [] if post.removed else rules.found_in(post)
            post.companies = list(companies)
    return sorted(posts, key=lambda post: (-(post.relevance or 0), post.external_id))


def cursor_name(*parts: str) -> str:
    """What a search is called where it is kept how far it has read."""
    name = ":".join(parts)
    digest = sha256(name.encode()).hexdigest()
    return name if len(name) <= MOST_NAME else f"{parts[0]}:{digest}"


class PostMapper(ResultMapper):
    """Saves the posts that are in the results under `key` with what they say of companies, and
    leaves the best to be shown.

    Those that were there already are brought up to date and counted as duplicates. One that the
    database refuses is a warning; where it refuses all of them, the attempt has failed.
    """

    key: ClassVar[str] = "posts"

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        posts = [Post.model_validate(one) for one in results[self.key]]
        saved = await ctx.posts.save(self.platform, posts, agent_id=ctx.agent.id, tx=tx)
        for external_id, reason in saved.refused.items():
            ctx.log.warning("a post was not saved", external_id=external_id, reason=reason)
        results[self.key] = [_shown(post) for post in posts if not post.removed][:MOST_SHOWN]
        results[f"{self.key}_saved"] = len(saved.new)
        results["duplicates"] = results.get("duplicates", 0) + len(saved.known)
        results["not_saved"] = len(saved.refused)
        kept = (post for post in posts if post.external_id not in saved.refused)
        found = sightings_of(self.platform, kept)
        new = await ctx.signals.add(found, threshold=THRESHOLD, now=ctx.task.started_at, tx=tx)
        results["signals_created"] = len(new)
        return len(saved.refused) < len(posts) or not posts


def _shown(post: Post) -> dict[str, Any]:
    shown = post.model_dump(mode="json", exclude={"payload", "removed"})
    return {**shown, "text": post.text[:MOST_TEXT]}
