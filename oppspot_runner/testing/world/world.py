"""The world as a whole: a server on this machine, with all sources behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock
from types import TracebackType
from typing import Any, Self

from oppspot_runner.testing.world import algolia, reddit, register_access
from oppspot_runner.testing.world.ashby import Ashby
from oppspot_runner.testing.world.clock import WorldClock
from oppspot_runner.testing.world.content import Content
from oppspot_runner.testing.world.documents import Documents, Storage
from oppspot_runner.testing.world.exchange import Reply, Request, Seen, error_page, json_reply
from oppspot_runner.testing.world.faults import Fault, Faults
from oppspot_runner.testing.world.feeds import Feeds
from oppspot_runner.testing.world.filings import history
from oppspot_runner.testing.world.firebase import HackerNewsSource
from oppspot_runner.testing.world.greenhouse import Greenhouse
from oppspot_runner.testing.world.hooks import Hooks
from oppspot_runner.testing.world.lever import Lever, LeverInEurope
from oppspot_runner.testing.world.limits import Limit
from oppspot_runner.testing.world.making import made_content
from oppspot_runner.testing.world.reddit import RedditSource
from oppspot_runner.testing.world.register import Register
from oppspot_runner.testing.world.scene import Scene, Source
from oppspot_runner.testing.world.server import WorldServer
from oppspot_runner.testing.world.sites import Sites

# A further source is one more module, and its class here.
SOURCES: tuple[type[Source], ...] = (
    Register,
    Documents,
    Storage,
    RedditSource,
    HackerNewsSource,
    algolia.HackerNewsSearch,
    Feeds,
    Greenhouse,
    Lever,
    LeverInEurope,
    Ashby,
    Hooks,
    Sites,
)
LIMITS: Mapping[str, Limit] = {
    register_access.LIMIT: register_access.REAL_LIMIT,
    reddit.LIMIT: reddit.REAL_LIMIT,
    algolia.LIMIT: algolia.REAL_LIMIT,
}
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
LOCAL = ".localhost"


class World:
    """Serves `content`, by default a made one, on 127.0.0.1 while it is entered.

    `port` 0 is any free one. `limits` take the place of the real ones, by name of the source.
    `now` is what its clock begins with. `boards` are the job boards by service and token: what is
    put there or taken away counts from then on.
    """

    def __init__(
        self,
        content: Content | None = None,
        *,
        port: int = 0,
        limits: Mapping[str, Limit] | None = None,
        now: datetime = NOW,
    ) -> None:
        self.clock = WorldClock(now)
        self.content = made_content(now.date()) if content is None else content
        self.boards = {(one.service, one.token): one for one in self.content.boards}
        self._given = limits or {}
        self._wanted_port = port
        self._faults = Faults()
        self._log: list[Seen] = []
        self._lock = Lock()

    def __enter__(self) -> Self:
        self._server = WorldServer(self, self._wanted_port)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        limits = {**LIMITS, **self._given}
        self._scene = Scene(self.content, self.clock, self.url, self.port, limits, self.boards)
        self._sources = [make(self._scene) for make in SOURCES]
        self._server.begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.end()

    def settings(self) -> dict[str, str]:
        """The environment in which every source is this world, with its keys."""
        settings = {
            "OPPSPOT_CONTACT": "world@example.com",
            "OPPSPOT_REACHABLE_NETWORKS": "127.0.0.0/8",
            "OPPSPOT_REACHABLE_PORTS": f"80,443,8080,8443,{self.port}",
        }
        for source in self._sources:
            settings |= source.settings()
        return settings

    def site_url(self, name: str) -> str:
        """Where the web site of that name is."""
        return f"{self._scene.host(name)}/"

    def documents_of(self, number: str) -> list[str]:
        """The ids of the accounts that a company of the register filed, newest first."""
        if (company := self._scene.companies.get(number)) is None:
            return []
        return [filing.document(company) for filing in history(company) if filing.accounts]

    def fault(
        self,
        prefix: str,
        status: int | None = None,
        times: int | None = 1,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        **more: Any,
    ) -> None:
        """Lets something go wrong below `prefix`; see Fault. Raises ValueError for no fault."""
        given = {"prefix": prefix, "status": status, "times": times, "body": body, **more}
        self._faults.add(Fault.of({**given, "headers": headers or {}}))

    @property
    def log(self) -> list[Seen]:
        """All requests until now, oldest first."""
        with self._lock:
            return list(self._log)

    def seen(self, prefix: str) -> list[Seen]:
        """The requests to what is below `prefix`."""
        return [one for one in self.log if one.path.startswith(prefix)]

    def reset(self) -> None:
        """Forgets requests, faults and how often anybody asked."""
        self._faults.clear()
        self._scene.reset()
        with self._lock:
            self._log.clear()

    def answer(self, host: str, request: Request) -> tuple[Reply, Fault | None]:
        """What the server says to a request, and what went wrong, if anything did."""
        path = _place(host, request.path)
        seen = Seen(request.method, host, path, request.query, request.headers, self.clock.now)
        with self._lock:
            self._log.append(seen)
        fault = self._faults.take(path)
        right = Reply() if fault and fault.replaces else self._right(replace(request, path=path))
        return (fault.apply(right) if fault else right), fault

    def _right(self, request: Request) -> Reply:
        for source in self._sources:
            if request.path.startswith(source.prefix):
                below = request.path.removeprefix(source.prefix)
                try:
                    return source.answer(replace(request, path=below))
                except ValueError as error:
                    return json_reply({"error": f"not understood: {error}"}, 400)
        return error_page(404, "Not Found")


def _place(host: str, path: str) -> str:
    """Where in the world a request goes; a web site has its name before `.localhost`."""
    name = host.partition(":")[0].lower()
    if not name.endswith(LOCAL):
        return path
    name = name.removesuffix(LOCAL).removeprefix("www.")
    return f"{_home(name)}{path}"


def _home(name: str) -> str:
    home = f"/{name}/"
    return home.rstrip("/") if home == Storage.prefix else f"/site/{name}"
