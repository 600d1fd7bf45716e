"""Asks Hacker News for its monthly threads of who is hiring, by the search; no key is needed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, Field

from oppspot_runner.base.errors import MalformedAnswerError
from oppspot_runner.base.web import Parameter, Web
from oppspot_runner.connectors.drift import each, whole
from oppspot_runner.connectors.hacker_news import LATEST, PAGE, PAGE_OF_ITEM, SEARCH, HitPage
from oppspot_runner.posts.hiring import Offer, read_offer

AUTHOR = "whoishiring"  # who opens these threads, and others that are not about jobs
TITLE = re.compile(r"who is hiring", re.IGNORECASE)
MOST_PAGES = 40  # of one thread


class ThreadHit(BaseModel):
    """A thread as the search has it."""

    objectID: str = Field(pattern=r"^\d+$")  # noqa: N815 - their name
    title: str
    created_at_i: int = Field(ge=0, lt=LATEST)


class CommentHit(BaseModel):
    """A comment as the search has it; `parent_id` is what it answers."""

    objectID: str = Field(pattern=r"^\d+$")  # noqa: N815
    parent_id: int
    created_at_i: int = Field(ge=0, lt=LATEST)
    comment_text: str = Field(min_length=1)


@dataclass
class Thread:
    """The offers of a thread; how many comments could not be read."""

    thread_id: str
    offers: list[Offer] = field(default_factory=list)
    drifted: int = 0


@dataclass(frozen=True)
class HiringThreads:
    """The threads, asked through `web`; `fresh_for` is how old an answer may be."""

    web: Web
    fresh_for: timedelta | None = None

    async def since(self, begin: datetime) -> list[str]:
        """The ids of the threads that were opened since then, the newest first."""
        found = await self._search(
            f"story,author_{AUTHOR}", f"created_at_i>={int(begin.timestamp())}"
        )
        read, _ = each(ThreadHit, found.hits)
        return [one.objectID for one in read if TITLE.search(one.title)]

    async def offers(self, thread_id: str) -> Thread:
        """What is offered in a thread; answers to offers are none.

        Raises MalformedAnswerError for a thread that does not end.
        """
        thread, seen, until = Thread(thread_id), set[str](), LATEST
        for _ in range(MOST_PAGES):
            found = await self._search(f"comment,story_{thread_id}", f"created_at_i<={until}")
            read, drifted = each(CommentHit, found.hits)
            new = [one for one in read if one.objectID not in seen]
            thread.drifted += drifted
            thread.offers += _offers(thread_id, new)
            # The search reaches a thousand hits only, so it goes on by time and not by pages.
            if len(found.hits) < PAGE or not new:
                return thread
            seen |= {one.objectID for one in new}
            until = min(one.created_at_i for one in new)
        raise MalformedAnswerError(
            f"{SEARCH} has more than {MOST_PAGES * PAGE} comments on one thread", source=SEARCH
        )

    async def _search(self, tags: str, filters: str) -> HitPage:
        params: Mapping[str, Parameter] = {
            "tags": tags,
            "numericFilters": filters,
            "hitsPerPage": PAGE,
        }
        answer = await self.web.get(SEARCH, "search_by_date", params, fresh_for=self.fresh_for)
        return whole(HitPage, answer)


def _offers(thread_id: str, comments: Iterable[CommentHit]) -> Iterable[Offer]:
    for one in comments:
        if str(one.parent_id) == thread_id:
            posted_at = datetime.fromtimestamp(one.created_at_i, UTC)
            link = PAGE_OF_ITEM.format(one.objectID)
            if offer := read_offer(one.objectID, one.comment_text, link, posted_at):
                yield offer
