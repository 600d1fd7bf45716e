"""Asks Hacker News: its search for stories of a time, its own interface for how they fare now.

Neither needs a key. A search reaches its first thousand hits only, see `stories`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

from oppspot_runner.base.errors import MalformedAnswerError
from oppspot_runner.base.web import Web
from oppspot_runner.connectors.drift import each, whole
from oppspot_runner.connectors.story_slices import Slice
from oppspot_runner.posts.post import Counts, Post
from oppspot_runner.posts.text import plain_text

SEARCH, ITEMS = "hacker_news_search", "hacker_news"
PAGE = 100
MOST_REACHED = 1_000  # hits of one search, on all its pages
LATEST = 253_402_300_800  # the year 10,000, which no date reaches
PASSES = 2  # a story that goes while we turn the pages moves others over their edge
PAGE_OF_ITEM = "https://news.ycombinator.com/item?id={}"


class Hit(BaseModel):
    """A story as the search has it."""

    objectID: str = Field(pattern=r"^\d+$")  # noqa: N815 - their name
    title: str = Field(min_length=1)
    created_at_i: int = Field(ge=0, lt=LATEST)
    url: str | None = None
    author: str | None = None
    points: int | None = None
    num_comments: int | None = None
    story_text: str | None = None
    tags: list[str] = Field(default_factory=list, alias="_tags")

    def post(self) -> Post:
        """The story as a post."""
        return Post(
            external_id=self.objectID,
            title=self.title,
            link=PAGE_OF_ITEM.format(self.objectID),
            url=self.url or None,
            author=self.author,
            text=plain_text(self.story_text or ""),
            score=self.points or 0,
            comments=max(0, self.num_comments or 0),
            posted_at=datetime.fromtimestamp(self.created_at_i, UTC),
            payload={"tags": [tag for tag in self.tags if tag in KINDS]},
        )


KINDS = ("story", "ask_hn", "show_hn", "job", "poll", "front_page")


class HitPage(BaseModel):
    """A page of a search."""

    hits: list[Any]
    total: int = Field(alias="nbHits", ge=0)
    pages: int = Field(alias="nbPages", ge=0)


class Item(BaseModel):
    """A story as Hacker News itself has it. Deleted ones have little else than their id."""

    id: int
    score: int = 0
    descendants: int = 0
    deleted: bool = False
    dead: bool = False


@dataclass
class Stories:
    """Stories of a part of a search; how many could not be read, or not be reached at all."""

    posts: list[Post] = field(default_factory=list)
    drifted: int = 0
    unreachable: int = 0


class HackerNews:
    """Hacker News, asked through `web`."""

    def __init__(self, web: Web) -> None:
        self.web = web

    async def search(self, query: str, part: Slice, page: int = 0, tags: str = "story") -> HitPage:
        """A page of the stories of `part` in which `query` is found, the newest first.

        Raises MalformedAnswerError for one of other stories: to cut such a search helps nothing.
        """
        answer = await self.web.get(
            SEARCH,
            "search_by_date",
            {
                "query": query,
                "tags": tags,
                "numericFilters": part.filters,
                "page": page,
                "hitsPerPage": PAGE,
            },
        )
        found = whole(HitPage, answer)
        read, _ = each(Hit, found.hits)
        if not all(part.holds(hit.created_at_i, hit.points or 0) for hit in read):
            raise MalformedAnswerError(
                f"{SEARCH} answered with stories of another time than it was asked for",
                source=SEARCH,
                status=answer.status,
            )
        return found

    async def stories(self, query: str, part: Slice, tags: str = "story") -> Stories | None:
        """All stories of `part`, each once; None when there are too many to be reached.

        Then its halves are to be asked for. Of a part that has none, those that can be reached.
        """
        hits: dict[str, Any] = {}
        total = 0
        for _ in range(PASSES):
            page, pages, totals = 0, 1, set[int]()
            while page < pages:
                found = await self.search(query, part, page, tags)
                total, pages = found.total, min(found.pages, MOST_REACHED // PAGE)
                if total > MOST_REACHED and part.halves() is not None:
                    return None
                totals.add(total)
                hits |= {_id(hit): hit for hit in found.hits}
                page += 1
            if len(totals) == 1 and len(hits) >= min(total, MOST_REACHED):
                break
        read, drifted = each(Hit, hits.values())
        return Stories([hit.post() for hit in read], drifted, max(0, total - len(hits)))

    async def counts(self, item_id: str) -> Counts | None:
        """How a story fares now; None when there is no such item."""
        answer = await self.web.get(ITEMS, f"item/{item_id}.json")
        if not answer.found or answer.json() is None:
            return None
        item = whole(Item, answer)
        return Counts(item_id, item.score, item.descendants, removed=item.deleted or item.dead)


def _id(hit: Any) -> str:
    return str(hit.get("objectID", hit)) if isinstance(hit, dict) else str(hit)
