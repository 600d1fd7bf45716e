"""The outside world of a runner: made ready when its first agent asks for something."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

from oppspot_runner.base.errors import (
    AccessDeniedError,
    ConfigurationError,
    Fail,
    NotFoundError,
)
from oppspot_runner.base.settings import Settings
from oppspot_runner.base.task import Task
from oppspot_runner.base.web import Asked, Fetched
from oppspot_runner.connectors.sources import configured_sources
from oppspot_runner.db.pool import Database
from oppspot_runner.db.through import Through
from oppspot_runner.limits.call_rates import SharedCallLimiter
from oppspot_runner.limits.host_breakers import HostBreakers
from oppspot_runner.queue.answer_cache import SharedAnswerCache
from oppspot_runner.streams.insights import InsightStore
from oppspot_runner.tools.threads import in_thread

if TYPE_CHECKING:
    from oppspot_runner.connectors.http.asking import SourceClient

NEEDS_ATTENTION = "needs_attention"


@dataclass
class RunnerWeb:
    """Makes the web of each task. All attempts share connections, limits and answers."""

    database: Database
    through: Through
    settings: Settings
    _client: SourceClient | None = None
    _loading: asyncio.Lock = field(default_factory=asyncio.Lock)

    @cached_property
    def sources(self) -> frozenset[str]:
        """The sources that can be asked with these settings."""
        return configured_sources(self.settings)

    def of(self, task: Task, stream_id: UUID | None) -> WebOfTask:
        """What an attempt of the task asks."""
        return WebOfTask(self, task, stream_id)

    async def client(self) -> SourceClient:
        """What all attempts share. Raises Fail where the extra is not installed."""
        async with self._loading:
            if self._client is None:
                try:
                    self._client = await in_thread(self._loaded)
                except ConfigurationError as error:
                    raise Fail(error.one_line()) from None
            return self._client

    async def stop(self) -> None:
        """Closes connections to the outside. May be called twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _loaded(self) -> SourceClient:
        from oppspot_runner.connectors.http.asking import SourceClient
        from oppspot_runner.connectors.http.exchange import Exchange
        from oppspot_runner.connectors.http.keeping import AnswerKeeper
        from oppspot_runner.connectors.http.policy import HttpPolicy

        exchange = Exchange(
            HttpPolicy.of(self.settings),
            SharedCallLimiter(self.database, self.through),
            HostBreakers(self.database, self.through),
            contact=self.settings.contact,
        )
        keeper = AnswerKeeper(SharedAnswerCache(self.database, self.through))
        return SourceClient(self.settings, exchange, keeper)


@dataclass(frozen=True)
class WebOfTask:
    """The port of an attempt to the outside world."""

    runner: RunnerWeb
    task: Task
    stream_id: UUID | None

    async def fetch(self, asked: Asked) -> Fetched:
        fetched = await (await self.runner.client()).fetch(asked)
        denied = isinstance(fetched.error, AccessDeniedError)
        if denied and asked.source is not None and self.stream_id is not None:
            await self._tell(self.stream_id, asked.source, str(fetched.error))
        return fetched

    async def _tell(self, stream_id: UUID, source: str, error: str) -> None:
        """An insight for those who look at the stream; what was told last is not repeated."""
        agent = self.task.agent
        name = (agent.name or agent.agent_type) if agent else "the agent"
        insights = InsightStore(self.runner.database, self.task.org_id, stream_id, self.task)
        with suppress(NotFoundError):  # the stream is gone meanwhile
            await self.runner.through(
                lambda: insights.add(
                    kind=NEEDS_ATTENTION,
                    title=f"{name} needs attention: {error}",
                    evidence={"source": source},
                )
            )
