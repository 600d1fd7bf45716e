"""What requests share: the database, settings, and a line to the runner whose child this is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from oppspot_runner.agents.registry import Registry
from oppspot_runner.api.failures import Failures
from oppspot_runner.api.kept import KEEP_S, SHARE, Kept
from oppspot_runner.api.live.changes import Changes
from oppspot_runner.api.live.streams import Streams
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.app.runner_report import ReportLine
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database


@dataclass
class ApiState:
    """One for each process that serves. `open_access`: requests without a token are an operator's;
    `open_until_token`: as long as there is no good token.

    What many ask for is told again for `keep_s` seconds: how things stand, and whether there is a
    good token. Requests are refused while it `is_starting`. `closing` is set before the server
    stops: streams of events end then.
    """

    database: Database
    settings: Settings
    registry: Registry
    open_access: bool = False
    open_until_token: bool = False
    runner: ReportLine | None = None
    is_starting: bool = False
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    at_begin: list[Callable[[ApiState], None]] = field(default_factory=list)
    failures: Failures = field(default_factory=Failures)
    keep_s: float = KEEP_S
    statuses: Kept = field(init=False)
    readiness: Kept = field(init=False)
    has_token: Kept = field(init=False)
    streams: Streams = field(init=False)
    changes: Changes = field(init=False)
    follower: AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.readiness, self.has_token = Kept(self.keep_s), Kept(self.keep_s)
        self.statuses = Kept(self.keep_s, share=SHARE if self.keep_s else 0)
        self.streams = Streams(self.database, self.closing, self.settings.http_streams)
        self.changes = Changes(self.database)
        self.follower = AsyncClient(self.database)  # who follow runs by one client share its work

    def forget(self) -> None:
        """Nothing is told again that was found out before: something changed."""
        self.statuses.forget()
        self.has_token.forget()

    def begin(self, runner: ReportLine | None = None) -> None:
        """The schema is right: requests are answered from now on."""
        self.runner = runner
        self.is_starting = False
        for tell in self.at_begin:
            tell(self)


def state_of(request: HTTPConnection) -> ApiState:
    """What all requests of this process share."""
    state: ApiState = request.app.state.api
    return state
