"""The one HTTP layer: asks sources and web sites on behalf of agents, within their rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from oppspot_runner.base.errors import (
    AccessDeniedError,
    BadCallError,
    CallError,
    ConfigurationError,
    InvalidInputError,
    SourceNotConfiguredError,
)
from oppspot_runner.base.settings import Settings
from oppspot_runner.base.web import Answer, Asked, Fetched, Parameter
from oppspot_runner.connectors.authentication import Auth, Send
from oppspot_runner.connectors.http.client import HttpResponse
from oppspot_runner.connectors.http.exchange import Call, Exchange, whole_url
from oppspot_runner.connectors.http.keeping import AnswerKeeper, Freshness
from oppspot_runner.connectors.http.outgoing import Outgoing
from oppspot_runner.connectors.http.pages import PageReader
from oppspot_runner.connectors.http.target import SCHEME, Target
from oppspot_runner.connectors.sources import SOURCES, Source


@dataclass(frozen=True)
class Access:
    """The way to a source: its address, and how calls show who makes them."""

    source: Source
    url: str
    target: Target
    auth: Auth | None
    credential: str
    limited_by: str

    def call(self, path: str, params: Mapping[str, Parameter]) -> tuple[Target, Call]:
        """A call of `path`, and where it leads."""
        source = self.source
        target, url = whole_url(source.name, self._below(path), params)
        headers = {"accept": "application/json"} if source.gives_json else {}
        return target, Call(
            source.name,
            target.host,
            Outgoing("GET", url, headers=headers),
            self.limited_by,
            source.rate,
            source.most_bytes,
            source.gives_json,
        )

    def _below(self, path: str) -> str:
        """`path` as a URL: below the address of the source, or the URL that it is already."""
        if SCHEME.match(path):
            return path
        name = self.source.name
        if ".." in path.partition("?")[0].split("/") or "#" in path:
            raise BadCallError(f"{name}: what was asked for is no path", source=name)
        return f"{self.url.rstrip('/')}/{path.lstrip('/')}"


class SourceClient:
    """Makes the calls of `ctx.http`, for all attempts of a runner. For one event loop at a time."""

    def __init__(
        self,
        settings: Settings,
        exchange: Exchange,
        keeper: AnswerKeeper,
        *,
        sources: Mapping[str, Source] = SOURCES,
    ) -> None:
        self._settings = settings
        self._exchange = exchange
        self._keeper = keeper
        self._pages = PageReader(exchange, keeper)
        self._sources = sources
        self._accesses: dict[str, Access] = {}

    async def fetch(self, asked: Asked) -> Fetched:
        """How the call ended. Raises InvalidInputError for a source that nobody knows."""
        made: Counter[str] = Counter()
        read = self._pages.read if asked.source is None else self._get
        try:
            answer = await read(asked, made)
        except CallError as error:
            return Fetched(dict(made), error=error)
        return Fetched(dict(made), answer=answer)

    async def aclose(self) -> None:
        """Closes the connections that are kept for further calls."""
        await self._exchange.aclose()

    async def _get(self, asked: Asked, made: Counter[str]) -> Answer:
        access = self._access(asked.source or "")
        target, call = access.call(asked.path, asked.params)
        source = access.source
        fresh_for = source.fresh_for if asked.fresh_for is None else asked.fresh_for
        freshness = Freshness(fresh_for, source.missing_for, access.credential)
        auth = access.auth if target.origin == access.target.origin else None

        async def send(call: Call) -> HttpResponse:
            if auth is None:
                return await self._exchange.send(call, made)
            return await self._authorised(auth, call, self._sender(access, made), made)

        return await self._keeper.answer(call.with_headers(asked.headers), freshness, send)

    async def _authorised(
        self, auth: Auth, call: Call, send: Send, made: Counter[str]
    ) -> HttpResponse:
        """The answer to a call that shows who makes it; with other headers where these are old."""
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

    def _sender(self, access: Access, made: Counter[str]) -> Send:
        async def send(url: str, *, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
            _, call = access.call(url, {})
            outgoing = replace(
                call.outgoing,
                method="POST",
                headers={**call.outgoing.headers, **headers},
                data=form,
            )
            posted = replace(call, outgoing=outgoing)
            return await self._keeper.unkept(call, await self._exchange.send(posted, made))

        return send

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
                f"{source.name} cannot be asked without {', '.join(missing)}",
                source=source.name,
                hint="Set it where the runner runs, and restart the runner.",
            )
        try:
            auth = source.auth(self._settings) if source.auth else None
            credential = source.credential(self._settings)
            limited_by = source.limited_by(self._settings)
        except ConfigurationError as error:
            raise SourceNotConfiguredError(
                f"{source.name} cannot be asked: {error}", source=source.name, hint=error.hint
            ) from None
        url: str = getattr(self._settings, source.url)
        target, _ = whole_url(source.name, url)
        return Access(source, url, target, auth, credential, limited_by)
