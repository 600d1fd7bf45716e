"""What the outside world answers, and how it is asked: the words of `ctx.http`.

A source is a service with rules of its own, such as a register; see connectors/sources.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import Message
from typing import Any, Protocol

from oppspot_runner.base.errors import CallError, MalformedAnswerError

NOT_FOUND = 404
GONE = (NOT_FOUND, 410)

Parameter = str | int | float | bool | None


@dataclass(frozen=True)
class Answer:
    """A whole answer; its status is from 200 to 299, or 404 or 410.

    `url` is what answered at last, after redirects, without what looks like a secret. `headers`
    have lower-case names; of cookies there are only the names, as `a=; b=`. `fetched_at` (database
    clock) is when the source said so. `cached`: no new content was fetched.
    """

    source: str
    url: str
    status: int
    headers: Mapping[str, str]
    content: bytes
    fetched_at: datetime
    cached: bool = False

    @property
    def found(self) -> bool:
        """Whether the source has such a thing."""
        return self.status not in GONE

    @property
    def text(self) -> str:
        """The content as text; what is not in its encoding is shown as a question mark."""
        head = Message()
        head["content-type"] = self.headers.get("content-type", "")
        encoding = head.get_content_charset("utf-8")
        try:
            return self.content.decode(encoding, "replace")
        except (LookupError, UnicodeError):  # no such encoding, or one that is not for text
            return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The content read as JSON. Raises MalformedAnswerError with how it begins."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            raise MalformedAnswerError.beginning(self.source, self.status, self.content) from None


class Web(Protocol):
    """The outside world, as an agent or a connector may ask it.

    Both calls raise RateLimitExceededError where the source would have to wait for more than a
    moment, and SourceError for every other end without an answer. An agent that lets them through
    is snoozed, retried or failed as the error says: agents save what they have first.

    `fresh_for` is how old an answer may be without asking again; None = as the source has it.
    """

    @property
    def requests(self) -> Mapping[str, int]:
        """How many requests were really made in this attempt, by source."""
        ...

    def configured(self, source: str) -> bool:
        """Whether the keys that the source needs are set."""
        ...

    async def get(
        self,
        source: str,
        path: str,
        params: Mapping[str, Parameter] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        fresh_for: timedelta | None = None,
    ) -> Answer:
        """What a source has at `path`, below its address or as a URL that it gave."""
        ...

    async def page(self, url: str, *, fresh_for: timedelta | None = None) -> Answer:
        """A page of any public web site, where its robots.txt lets us: one a second of a domain."""
        ...


@dataclass(frozen=True)
class Asked:
    """A call of Web as it crosses to where it is made; no source: a page."""

    source: str | None
    path: str
    params: Mapping[str, Parameter] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    fresh_for: timedelta | None = None


@dataclass(frozen=True)
class Fetched:
    """How a call of Web ended, by one of both, and how many requests it took, by source."""

    requests: Mapping[str, int]
    answer: Answer | None = None
    error: CallError | None = None


@dataclass(frozen=True)
class KeptAnswer:
    """An answer as it is kept: `status` and what came, or the code of a `refusal` to take it.

    `age_s` is how long ago the source last said so, at the moment when it was looked up.
    """

    url: str
    status: int | None
    refusal: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str | None = None
    last_modified: str | None = None
    body: bytes = b""
    fetched_at: datetime | None = None
    age_s: float = 0.0
