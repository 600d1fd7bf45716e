"""One post: a story of Hacker News, a post of Reddit, or what another platform calls it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Place = Literal["title", "link", "text"]


class Intent(BaseModel):
    """What somebody seems to want: the rule that matched, the words that it found, and where."""

    rule: str
    words: str
    place: Place


class Mention(BaseModel):
    """A company that a post is about: by a link to its domain, or by its name."""

    company_id: UUID
    matched_by: Literal["domain", "name"]
    found: str


class Post(BaseModel):
    """A post in the form that all platforms share; what else came with it is in `payload`.

    `external_id` is the platform's own, `link` where the post can be read, `url` what it points to,
    `community` a subreddit or the like. `posted_at` is UTC. `removed`: its author or a moderator
    took it away, and its words are gone. From `intents` on it is what an agent made of it.
    """

    model_config = ConfigDict(extra="forbid")

    external_id: str
    title: str
    link: str
    posted_at: datetime
    url: str | None = None
    author: str | None = None
    community: str | None = None
    text: str = ""
    score: int = 0
    comments: int = 0
    removed: bool = False
    payload: dict[str, Any] = Field(default_factory=dict)
    intents: list[Intent] = Field(default_factory=list)
    relevance: float | None = None
    reasons: list[dict[str, Any]] = Field(default_factory=list)
    companies: list[Mention] = Field(default_factory=list)


@dataclass(frozen=True)
class Counts:
    """What a platform says now of a post that is known: how it fares, or that it is gone."""

    external_id: str
    score: int = 0
    comments: int = 0
    removed: bool = False


def once_each(posts: Iterable[Post]) -> list[Post]:
    """`posts` without those that came before: the first of each id stays."""
    first: dict[str, Post] = {}
    for post in posts:
        first.setdefault(post.external_id, post)
    return list(first.values())


@dataclass
class Saved:
    """What became of posts: ids of the new ones, of those that were there, and why some are not."""

    new: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
