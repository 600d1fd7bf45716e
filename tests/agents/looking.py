"""Lets watchers look at companies in the made world, on the days of its clock, as a task would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
import structlog

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.watchers import Watcher
from oppspot_runner.agents.web import WebAccess
from oppspot_runner.base.rate import RateLimit
from oppspot_runner.base.settings import Settings
from oppspot_runner.base.task import AgentRow, Task
from oppspot_runner.base.web import KeptAnswer
from oppspot_runner.companies.company import Company
from oppspot_runner.companies.names import normalise_name
from oppspot_runner.connectors.http.asking import SourceClient
from oppspot_runner.connectors.http.exchange import Exchange
from oppspot_runner.connectors.http.keeping import AnswerKeeper
from oppspot_runner.connectors.http.policy import HttpPolicy
from oppspot_runner.connectors.sources import configured_sources
from oppspot_runner.signals.sighting import Look, Memory
from oppspot_runner.testing.world import World


@dataclass
class Alone:
    """What the layer needs of a database, for one who asks alone; its time is the world's."""

    now_is: Callable[[], datetime]
    kept: dict[str, tuple[KeptAnswer, datetime, float]] = field(default_factory=dict)

    async def take(self, key: str, limit: RateLimit) -> float:
        return 0.0

    async def hold(self, key: str, limit: RateLimit, hold_s: float) -> None: ...

    async def admit(self, source: str, host: str) -> float | None:
        return None

    async def failed(self, source: str, host: str, error: str) -> None: ...

    async def mended(self, source: str, host: str) -> None: ...

    async def get(self, key: str) -> KeptAnswer | None:
        if key not in self.kept:
            return None
        kept, at, keep_s = self.kept[key]
        age_s = (self.now_is() - at).total_seconds()
        return replace(kept, fetched_at=at, age_s=age_s) if age_s < keep_s else None

    async def put(self, key: str, source: str, kept: KeptAnswer, keep_s: float) -> datetime:
        self.kept[key] = kept, self.now_is(), keep_s
        return self.now_is()

    async def renew(self, key: str, keep_s: float) -> datetime | None:
        if key not in self.kept:
            return None
        return await self.put(key, "", self.kept[key][0], keep_s)

    async def now(self) -> datetime:
        return self.now_is()

    async def forgotten(self, traces: Collection[str], number: str) -> Set[str]:
        return set()  # nobody was


class Looker:
    """One attempt after the other of a task that looks; remembers what looks leave."""

    def __init__(self, world: World, client: SourceClient) -> None:
        self.world = world
        self.client = client
        self.memories: dict[tuple[UUID, str], Memory] = {}

    def context(self, *, force: bool = False) -> Context:
        """A new attempt, on the day of the world."""
        now = self.world.clock.now
        agent = AgentRow(uuid4(), None, "scout_agent", "scout")
        task = Task(
            id=uuid4(), run_token=1, attempt=1, execution_id=uuid4(), task_type="agent_execution",
            priority=5, retry_count=0, max_retries=3, crash_count=0, org_id=None, stream_id=None,
            run_id=None, agent=agent, payload={}, created_at=now, started_at=now, wait_ms=0,
        )  # fmt: skip
        stores = cast(Any, SimpleNamespace(people=Alone(lambda: now)))
        nothing = cast(Any, None)  # no watcher needs more than what is below
        return Context(
            task=task, agent=agent, stream=None, payload={}, goal_context={}, upstream={},
            deadline=now + timedelta(minutes=5), journal=nothing, stores=stores,
            _log=structlog.get_logger, _model_calls=nothing, _tool_calls=nothing,
            http=WebAccess(self.client, configured_sources(Settings())), force_execute=force,
        )  # fmt: skip

    async def look(
        self, watcher: Watcher, company: Company, ctx: Context | None = None
    ) -> Look | None:
        """What the watcher sees now, which is remembered as a task would."""
        ctx = ctx or self.context()
        key = company.id, watcher.name
        memory = self.memories.get(key, Memory())
        look = await watcher.look(company, memory, ctx)
        if look is not None:
            self.memories[key] = Memory(
                memory.state if look.state is None else look.state,
                0 if look.found else memory.misses + 1,
                self.world.clock.now,
                memory.known | {posting.key for posting in look.postings or ()},
            )
        return look

    async def titles(self, watcher: Watcher, company: Company) -> list[str]:
        """The titles of what it sees."""
        look = await self.look(watcher, company)
        assert look is not None
        return [one.title for one in look.sightings]


def company(name: str = "Harbour Ledger Ltd", **values: Any) -> Company:
    """A company on record."""
    now = values.pop("updated_at", datetime.fromisoformat("2026-11-01T00:00:00+00:00"))
    return Company(uuid4(), name, now, name_norm=normalise_name(name), **values)


@asynccontextmanager
async def looking(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Looker]:
    """Watchers with the settings of that world."""
    for name, value in world.settings().items():
        monkeypatch.setenv(name, value)

    async def sleep(seconds: float) -> None: ...

    settings, alone = Settings(), Alone(lambda: world.clock.now)
    policy = HttpPolicy.of(settings)
    exchange = Exchange(policy, alone, alone, contact=settings.contact, sleep=sleep)
    client = SourceClient(settings, exchange, AnswerKeeper(alone))
    try:
        yield Looker(world, client)
    finally:
        await client.aclose()
