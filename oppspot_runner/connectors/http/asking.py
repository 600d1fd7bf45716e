"""The one HTTP layer: asks sources and web sites on behalf of agents, within their rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from oppspot_runner.base.errors import (
    AccessDeniedError,
    AnswerRefusedError,
    BadCallError,
    CallError,
    ConfigurationError,
    InvalidInputError,
    SourceNotConfiguredError,
)
from oppspot_runner.base.rate import RateLimit
from oppspot_runner.base.redact import redact_url
from oppspot_runner.base.settings import Settings
from oppspot_runner.base.web import Answer, Asked, Fetched
from oppspot_runner.companies.domains import registered_domain
from oppspot_runner.connectors.authentication import Auth
from oppspot_runner.connectors.http.client import HttpResponse
from oppspot_runner.connectors.http.errors import HttpRefusedError
from oppspot_runner.connectors.http.exchange import Call, Exchange
from oppspot_runner.connectors.http.outgoing import Outgoing
from oppspot_runner.connectors.http.target import SCHEME, Target, read_target
from oppspot_runner.connectors.ports import Clock
from oppspot_runner.connectors.sources import MIB, SOURCES, Source

PAGES = "web"  # the name under which pages are counted
PAGE_RATE = RateLimit(1, 1.0)  # of a registered domain
PAGE_BYTES = 2 * MIB


@dataclass(frozen=True)
class Access:
    """The way to a source: its address, and how calls show who makes them."""

    source: Source
    url: str
    target: Target
    auth: Auth | None
    credential: str


class SourceClient:
    """Makes the calls of `ctx.web`, for all attempts of a runner. For one event loop at a time."""

    def __init__(
        self,
        settings: Settings,
        exchange: Exchange,
        clock: Clock,
        *,
        sources: Mapping[str, Source] = SOURCES,
    ) -> None:
        self._settings = settings
        self._exchange = exchange
        self._clock = clock
        self._sources = sources
        self._accesses: dict[str, Access] = {}

    async def fetch(self, asked: Asked) -> Fetched:
        """How the call ended. Raises InvalidInputError for a source that nobody knows."""
        made: Counter[str] = Counter()
        try:
            answer = await (
                self._page(asked, made) if asked.source is None else self._get(asked, made)
            )
        except CallError as error:
            return Fetched(dict(made), error=error)
        return Fetched(dict(made), answer=answer)

    async def aclose(self) -> None:
        """Closes the connections that are kept for further calls."""
        await self._exchange.aclose()

    async def _get(self, asked: Asked, made: Counter[str]) -> Answer:
        access = self._access(asked.source or "")
        call = self._call(access, _below(access, asked.path))
        headers = {"accept": "application/json"} if access.source.gives_json else {}
        outgoing = replace(
            call.outgoing, headers={**headers, **asked.headers}, params=dict(asked.params)
        )
        response = await self._authorised(access, replace(call, outgoing=outgoing), made)
        return await self._answer(access.source.name, response)

    async def _page(self, asked: Asked, made: Counter[str]) -> Answer:
        target = _target(PAGES, asked.path)
        domain = registered_domain(target.host) or target.host
        outgoing = Outgoing("GET", asked.path, headers=asked.headers)
        call = Call(PAGES, target.host, outgoing, f"{PAGES}:{domain}", PAGE_RATE, PAGE_BYTES)
        return await self._answer(PAGES, await self._exchange.send(call, made))

    async def _authorised(self, access: Access, call: Call, made: Counter[str]) -> HttpResponse:
        """The answer to a call that shows who makes it, if it goes to the source itself."""
        auth = access.auth
        if auth is None or _target(call.source, call.outgoing.url).origin != access.target.origin:
            return await self._exchange.send(call, made)

        async def send(url: str, *, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
            outgoing = Outgoing("POST", url, headers=headers, data=form)
            host = _target(call.source, url).host
            response = await self._exchange.send(
                replace(self._call(access, url), outgoing=outgoing, host=host), made
            )
            return await self._answer(call.source, response)

        shown = await auth.headers(send)
        try:
            return await self._exchange.send(call.with_headers(shown), made)
        except AccessDeniedError as error:
            if error.status != 401:
                raise
            auth.forget()
            renewed = await auth.headers(send)
            if renewed == shown:
                raise
        return await self._exchange.send(call.with_headers(renewed), made)

    def _call(self, access: Access, url: str) -> Call:
        source = access.source
        return Call(
            source.name,
            _target(source.name, url).host,
            Outgoing("GET", url),
            f"{source.rate_key}:{access.credential}".rstrip(":"),
            source.rate,
            source.most_bytes,
            source.gives_json,
        )

    async def _answer(self, source: str, response: HttpResponse) -> Answer:
        return Answer(
            source=source,
            url=redact_url(response.url),
            status=response.status,
            headers=dict(response.headers.items()),
            content=response.content,
            fetched_at=await self._clock(),
        )

    def _access(self, name: str) -> Access:
        if name not in self._sources:
            raise InvalidInputError(
                f"there is no source {name[:50]!r}; known: {', '.join(sorted(self._sources))}"
            )
        if name not in self._accesses:
            self._accesses[name] = self._found(self._sources[name])
        return self._accesses[name]

    def _found(self, source: Source) -> Access:
        if missing := source.missing(self._settings):
            raise SourceNotConfiguredError(
                f"{source.name} cannot be asked: {', '.join(missing)} is not set",
                source=source.name,
                hint="Set it where the runner runs, and restart the runner.",
            )
        try:
            auth = source.auth(self._settings) if source.auth else None
            credential = source.credential(self._settings)
        except ConfigurationError as error:
            raise SourceNotConfiguredError(
                f"{source.name} cannot be asked: {error}", source=source.name, hint=error.hint
            ) from None
        url: str = getattr(self._settings, source.url)
        return Access(source, url, _target(source.name, url), auth, credential)


def _below(access: Access, path: str) -> str:
    """`path` as a URL: below the address of the source, or the URL that it is already."""
    if SCHEME.match(path):
        return path
    if ".." in path.partition("?")[0].split("/") or "#" in path:
        raise BadCallError(
            f"{access.source.name}: that is no path of it", source=access.source.name
        )
    return f"{access.url.rstrip('/')}/{path.lstrip('/')}"


def _target(source: str, url: str) -> Target:
    try:
        return read_target(url)
    except HttpRefusedError as error:
        raise AnswerRefusedError(
            f"{source}: {error}", source=source, code=error.code, hint=error.hint
        ) from None
