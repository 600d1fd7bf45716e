"""What is kept of answers, for how long, and when it is an answer itself."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

import httpx2

from oppspot_runner.base.errors import AnswerRefusedError, MalformedAnswerError
from oppspot_runner.base.redact import is_secret_name, redact_url
from oppspot_runner.base.web import GONE, Answer, KeptAnswer
from oppspot_runner.connectors.http.client import HttpResponse
from oppspot_runner.connectors.http.exchange import Call
from oppspot_runner.connectors.http.outgoing import is_sendable
from oppspot_runner.connectors.http.verdicts import NOT_MODIFIED
from oppspot_runner.connectors.ports import AnswerCache

REVISABLE_S = 90 * 86_400.0  # that an answer is kept which the source can say to be right still
REFUSED_S = 3_600.0
MOST_KEPT = 2 * 1024 * 1024  # bytes of one answer
COOKIES = "set-cookie"

SendCall = Callable[[Call], Awaitable[HttpResponse]]


@dataclass(frozen=True)
class Freshness:
    """How old an answer, and the word that there is none, may be; zero: it is always asked for.

    Answers to one `credential` are not shown to another.
    """

    fresh_for: timedelta
    missing_for: timedelta
    credential: str = ""


class AnswerKeeper:
    """Answers from what is kept, else asks, and keeps what came."""

    def __init__(self, cache: AnswerCache) -> None:
        self._cache = cache

    async def answer(self, call: Call, freshness: Freshness, send: SendCall) -> Answer:
        """Raises what `send` raises, and AnswerRefusedError for what was refused lately."""
        key = _key(call, freshness.credential)
        kept = await self._cache.get(key)
        if kept is not None and _is_fresh(kept, freshness):
            return _told(call, kept, cached=True)
        try:
            response = await send(_conditional(call, kept))
        except AnswerRefusedError as error:
            refused = KeptAnswer(url=redact_url(call.url), status=None, refusal=error.code)
            await self._cache.put(key, call.source, refused, REFUSED_S)
            raise
        if response.status == NOT_MODIFIED:
            if kept is None:
                raise MalformedAnswerError(
                    f"{call.source}: {call.host} says that nothing has changed, and nobody asked",
                    source=call.source,
                    status=response.status,
                )
            return await self._renewed(key, call, kept, freshness)
        return await self._kept(key, call, _to_keep(response), freshness)

    async def forget(self, call: Call, freshness: Freshness, status: int) -> Answer:
        """Notes that there is no such thing for us, whatever the source said of why."""
        nothing = KeptAnswer(url=redact_url(call.url), status=status)
        return await self._kept(_key(call, freshness.credential), call, nothing, freshness)

    async def unkept(self, call: Call, response: HttpResponse) -> Answer:
        """An answer that is for whoever asked, and for him alone."""
        return _told(
            call, replace(_to_keep(response), fetched_at=await self._cache.now()), cached=False
        )

    async def _kept(self, key: str, call: Call, kept: KeptAnswer, freshness: Freshness) -> Answer:
        keep_s = _keep_s(kept, freshness)
        if keep_s > 0 and len(kept.body) <= MOST_KEPT:
            fetched_at = await self._cache.put(key, call.source, kept, keep_s)
        else:
            fetched_at = await self._cache.now()
        return _told(call, replace(kept, fetched_at=fetched_at), cached=False)

    async def _renewed(
        self, key: str, call: Call, kept: KeptAnswer, freshness: Freshness
    ) -> Answer:
        keep_s = _keep_s(kept, freshness)
        fetched_at = await self._cache.renew(key, keep_s)
        if fetched_at is None:
            fetched_at = await self._cache.put(key, call.source, kept, keep_s)
        return _told(call, replace(kept, fetched_at=fetched_at), cached=True)


def _key(call: Call, credential: str) -> str:
    headers = sorted((name.lower(), value) for name, value in call.outgoing.headers.items())
    asked = json.dumps([credential, call.url, headers])
    return f"{call.source}:{sha256(asked.encode()).hexdigest()}"


def _is_fresh(kept: KeptAnswer, freshness: Freshness) -> bool:
    """What is missing or refused counts for its own time, unless somebody wants to know now."""
    if kept.status is None or kept.status in GONE:
        return freshness.fresh_for > timedelta(0)
    return kept.age_s < freshness.fresh_for.total_seconds()


def _keep_s(kept: KeptAnswer, freshness: Freshness) -> float:
    if kept.status in GONE:
        return freshness.missing_for.total_seconds()
    if kept.etag or kept.last_modified:
        return max(REVISABLE_S, freshness.fresh_for.total_seconds())
    return freshness.fresh_for.total_seconds()


def _conditional(call: Call, kept: KeptAnswer | None) -> Call:
    if kept is None or kept.status is None or kept.status in GONE:
        return call
    asked = {"if-none-match": kept.etag, "if-modified-since": kept.last_modified}
    return call.with_headers({name: value for name, value in asked.items() if value})


def _to_keep(response: HttpResponse) -> KeptAnswer:
    return KeptAnswer(
        url=redact_url(response.url),
        status=response.status,
        headers=shown_headers(response.headers),
        etag=_validator(response.headers, "etag"),
        last_modified=_validator(response.headers, "last-modified"),
        body=response.content,
    )


def _validator(headers: httpx2.Headers, name: str) -> str | None:
    """What the source can be asked about its answer with, if that can be sent back to it."""
    value: str | None = headers.get(name)
    return value if value and is_sendable(value) else None


def shown_headers(headers: httpx2.Headers) -> dict[str, str]:
    """The headers without secrets; of cookies the names, as `a=; b=`."""
    shown = {name: value for name, value in headers.items() if not is_secret_name(name)}
    cookies = [line.partition("=")[0].strip() for line in headers.get_list(COOKIES)]
    return {**shown, COOKIES: "; ".join(f"{name}=" for name in cookies)} if cookies else shown


def _told(call: Call, kept: KeptAnswer, *, cached: bool) -> Answer:
    if kept.status is None:
        code = kept.refusal or ""
        raise AnswerRefusedError(
            f"{call.source}: the answer of {call.host} was refused lately ({code})",
            source=call.source,
            code=code,
        )
    assert kept.fetched_at is not None
    return Answer(
        call.source, kept.url, kept.status, kept.headers, kept.body, kept.fetched_at, cached
    )
