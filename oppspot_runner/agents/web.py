"""`ctx.http`: the outside world, as the agent of a task asks it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from oppspot_runner.agents.ports import WebCalls
from oppspot_runner.base.web import Answer, Asked, Fetched, Parameter


@dataclass
class WebAccess:
    """The Web of one attempt. `sources` are those that can be asked."""

    calls: WebCalls
    sources: frozenset[str] = frozenset()
    _requests: Counter[str] = field(default_factory=Counter, init=False)

    @property
    def requests(self) -> Mapping[str, int]:
        """How many requests were really made in this attempt, by source; pages are `web`."""
        return dict(self._requests)

    def configured(self, source: str) -> bool:
        """Whether the keys that the source needs are set."""
        return source in self.sources

    async def get(
        self,
        source: str,
        path: str,
        params: Mapping[str, Parameter] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        fresh_for: timedelta | None = None,
    ) -> Answer:
        """What a source has at `path`, below its address or as a URL that it gave.

        Raises RateLimitExceededError and SourceError, see Web.
        """
        return await self._answer(
            Asked(source, path, dict(params or {}), dict(headers or {}), fresh_for)
        )

    async def page(self, url: str, *, fresh_for: timedelta | None = None) -> Answer:
        """A page of any public web site. Raises RateLimitExceededError and SourceError."""
        return await self._answer(Asked(None, url, fresh_for=fresh_for))

    async def fetch(self, asked: Asked) -> Fetched:
        """How a call ended, which is counted here."""
        fetched = await self.calls.fetch(asked)
        self._requests.update(fetched.requests)
        return fetched

    async def _answer(self, asked: Asked) -> Answer:
        fetched = await self.fetch(asked)
        if fetched.error is not None:
            raise fetched.error
        assert fetched.answer is not None
        return fetched.answer
