"""Asks Reddit for posts, as an application that it gave a key."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from oppspot_runner.base.errors import RateLimitExceededError
from oppspot_runner.base.web import Answer, Parameter, Web
from oppspot_runner.connectors.drift import each, whole
from oppspot_runner.posts.post import Post

REDDIT = "reddit"
SITE = "https://www.reddit.com"
PAGE = 100
LATEST = 253_402_300_800  # the year 10,000, which no date reaches
GONE = ("[deleted]", "[removed]")
KEPT = ("upvote_ratio", "link_flair_text", "over_18", "stickied", "locked", "subreddit_subscribers")


class Submission(BaseModel):
    """A post as Reddit has it."""

    id: str = Field(pattern=r"^[a-z0-9]+$")
    title: str = Field(min_length=1)
    subreddit: str
    permalink: str = Field(pattern=r"^/")
    created_utc: float = Field(ge=0, lt=LATEST)
    selftext: str = ""
    author: str | None = None
    url: str | None = None
    score: int = 0
    num_comments: int = 0
    edited: Annotated[float, Field(gt=1, lt=LATEST)] | bool = False
    is_self: bool = False
    over_18: bool = False
    removed_by_category: str | None = None
    upvote_ratio: float | None = None
    link_flair_text: str | None = None
    stickied: bool = False
    locked: bool = False
    subreddit_subscribers: int | None = None

    def post(self) -> Post:
        """The submission as a post. Of one that was taken away the words are gone."""
        removed = self.removed_by_category is not None or self.selftext in GONE
        edited = None if isinstance(self.edited, bool) else _time(self.edited).isoformat()
        return Post(
            external_id=self.id,
            title=self.title,
            link=SITE + self.permalink,
            url=None if self.is_self else self.url,
            author=None if self.author in GONE else self.author,
            community=self.subreddit,
            text="" if removed else self.selftext,
            score=self.score,
            comments=max(0, self.num_comments),
            posted_at=_time(self.created_utc),
            removed=removed,
            payload={"edited_at": edited, **self.model_dump(include=set(KEPT))},
        )


class Child(BaseModel):
    """An entry of a listing: posts have the kind t3."""

    kind: str
    data: Any


class ListingData(BaseModel):
    """What a listing holds; `after` is where the next page begins, None on the last one."""

    children: list[Child]
    after: str | None = None


class Listing(BaseModel):
    """A page of things."""

    data: ListingData


@dataclass(frozen=True)
class PostPage:
    """Posts of a page, how many could not be read, and where the next page begins, if any."""

    posts: list[Post]
    drifted: int
    after: str | None


class Reddit:
    """Reddit, asked through `web`.

    Heeds what Reddit says of calls that are left: without one it raises RateLimitExceededError
    instead of asking.
    """

    def __init__(self, web: Web) -> None:
        self.web = web
        self._wait_s: float | None = None

    async def search(
        self,
        query: str,
        subreddit: str | None = None,
        *,
        sort: str = "new",
        time_filter: str = "week",
        after: str | None = None,
    ) -> PostPage | None:
        """Posts in which `query` is found, of a subreddit or of all; None: no such subreddit."""
        words = {"q": query, "sort": sort, "t": time_filter, "syntax": "lucene", "type": "link"}
        if subreddit is None:
            return await self._page("search", words, after)
        return await self._page(f"r/{subreddit}/search", {**words, "restrict_sr": "true"}, after)

    async def listing(
        self,
        subreddit: str,
        *,
        sort: str = "new",
        time_filter: str = "week",
        after: str | None = None,
    ) -> PostPage | None:
        """Posts of a subreddit: `new`, `hot` or `top`; None: there is no such subreddit."""
        return await self._page(f"r/{subreddit}/{sort}", {"t": time_filter}, after)

    async def _page(
        self, path: str, params: Mapping[str, Parameter], after: str | None
    ) -> PostPage | None:
        if self._wait_s is not None:
            raise RateLimitExceededError(
                "reddit: no call is left for now", retry_after_s=self._wait_s
            )
        answer = await self.web.get(
            REDDIT, path, {**params, "limit": PAGE, "raw_json": 1, "after": after}
        )
        self._wait_s = _wait_s(answer)
        if not answer.found:
            return None
        listing = whole(Listing, answer).data
        found = [child.data for child in listing.children if child.kind == "t3"]
        read, drifted = each(Submission, found)
        return PostPage([one.post() for one in read], drifted, listing.after)


def _wait_s(answer: Answer) -> float | None:
    """How long nothing may be asked, by what Reddit says of calls that are left."""
    with suppress(ValueError, KeyError):
        if float(answer.headers["x-ratelimit-remaining"]) < 1:
            return max(1.0, float(answer.headers.get("x-ratelimit-reset", "60")))
    return None


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
