"""Reads pages of web sites, as their owners let us."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from oppspot_runner.base.codes import Code
from oppspot_runner.base.errors import AccessDeniedError, AnswerRefusedError, BadCallError
from oppspot_runner.base.rate import RateLimit
from oppspot_runner.base.web import NOT_FOUND, Answer, Asked
from oppspot_runner.companies.domains import registered_domain
from oppspot_runner.connectors.http.client import HttpResponse
from oppspot_runner.connectors.http.exchange import Call, Exchange, whole_url
from oppspot_runner.connectors.http.keeping import AnswerKeeper, Freshness
from oppspot_runner.connectors.http.outgoing import Outgoing
from oppspot_runner.connectors.http.robots import Leave, leave_to_read
from oppspot_runner.connectors.http.target import Target
from oppspot_runner.connectors.sources import MIB, SITES

PAGES = SITES  # the source that pages are counted under
FRESH_FOR = timedelta(days=1)
MISSING_FOR = timedelta(days=7)
PAGE_WINDOW_S = 1.0  # one page of a registered domain
PAGE_BYTES = 2 * MIB
ROBOTS = Freshness(timedelta(days=1), timedelta(days=1))


class PageReader:
    """Reads public pages: one a second of a registered domain, where its robots.txt lets us."""

    def __init__(self, exchange: Exchange, keeper: AnswerKeeper) -> None:
        self._exchange = exchange
        self._keeper = keeper

    async def read(self, asked: Asked, made: Counter[str]) -> Answer:
        """The page at `asked.path`. Raises SourceError and RateLimitExceededError."""
        target, url = whole_url(PAGES, asked.path)
        fresh_for = FRESH_FOR if asked.fresh_for is None else asked.fresh_for
        call = _call(target, url)

        async def send(call: Call) -> HttpResponse:
            leave = await self._leave(target, url, made)
            window_s = max(PAGE_WINDOW_S, leave.delay_s)
            slow = replace(call, rate=RateLimit(1, window_s))
            response = await self._exchange.send(slow, made)
            end, answered = whole_url(PAGES, response.url)
            if end.host != target.host:
                await self._leave(end, answered, made)
            return response

        return await self._keeper.answer(call, Freshness(fresh_for, MISSING_FOR), send)

    async def _leave(self, target: Target, url: str, made: Counter[str]) -> Leave:
        """How the robots.txt of the site lets us read that page. Raises AccessDeniedError: not."""
        robots = await self._robots(target, made)
        leave = Leave() if robots is None else await leave_to_read(url, robots)
        if not leave.given:
            raise AccessDeniedError(
                f"{PAGES}: the robots.txt of {target.host} does not let us read that page",
                source=PAGES,
            )
        return leave

    async def _robots(self, target: Target, made: Counter[str]) -> str | None:
        """The robots.txt of the site; None: it has none.

        One that cannot be had for now leaves the page unread for now: the error goes on. One that
        is denied to us, or lies at the end of endless redirects, is none.
        """
        call = _call(target, f"{target.shown}/robots.txt")
        try:
            robots = await self._keeper.answer(
                call, ROBOTS, lambda call: self._exchange.send(call, made)
            )
        except (AccessDeniedError, BadCallError):
            robots = await self._keeper.forget(call, ROBOTS, NOT_FOUND)
        except AnswerRefusedError as error:
            if error.code != Code.TOO_MANY_REDIRECTS.name:
                raise
            return None
        return robots.text if robots.found else None


def _call(target: Target, url: str) -> Call:
    domain = registered_domain(target.host) or target.host
    return Call(
        PAGES,
        target.host,
        Outgoing("GET", url),
        f"{PAGES}:{domain}",
        RateLimit(1, PAGE_WINDOW_S),
        PAGE_BYTES,
    )
