"""A watcher at work: over HTTP in the made world, with what it leaves kept as a store keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import structlog

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.watchers import Watcher
from oppspot_runner.companies.company import Company, Fact
from oppspot_runner.companies.names import normalise_name
from oppspot_runner.signals.sighting import Look, Memory
from oppspot_runner.testing.world import World
from tests.connectors.test_contract import asked


def company(name: str, *facts: Fact, **values: Any) -> Company:
    """A company with these facts."""
    now = datetime(2026, 11, 1, tzinfo=UTC)
    norm = normalise_name(name)
    return Company(uuid4(), name, now, name_norm=norm, recorded=facts, **values)


def fact(name: str, value: Any, at: datetime = datetime(2026, 11, 1, tzinfo=UTC)) -> Fact:
    """What the company's site says."""
    return Fact(name, value, "website", 0.8, at)


@dataclass
class Watching:
    """Looks of one watcher at companies, one after the other; `titles` are of what is open."""

    world: World
    watcher: Watcher
    memories: dict[Any, Memory] = field(default_factory=dict)
    told: set[tuple[str, str, str]] = field(default_factory=set)
    open: Mapping[str, str] = field(default_factory=dict)
    force: bool = False

    async def look(self, one: Company) -> Look | None:
        """A look now, whose sightings are those that no look told before."""
        memory = self.memories.get(one.id, Memory())
        now = self.world.clock.now
        async with asked() as web:
            ctx = SimpleNamespace(
                http=web,
                task=SimpleNamespace(started_at=now),
                log=structlog.get_logger(),
                force_execute=self.force,
            )
            look = await self.watcher.look(one, memory, cast(Context, ctx))
        if look is None:
            return None
        self._keep(one, look, memory)
        keys = {(seen.signal_type, seen.source, seen.key): seen for seen in look.sightings}
        new = tuple(seen for key, seen in keys.items() if key not in self.told)
        self.told |= set(keys)
        return replace(look, sightings=new)

    def _keep(self, one: Company, look: Look, memory: Memory) -> None:
        postings = look.postings or ()
        if look.postings is not None:
            self.open = {posting.key: posting.title for posting in postings}
        self.memories[one.id] = Memory(
            memory.state if look.state is None else look.state,
            0 if look.found else memory.misses + 1,
            self.world.clock.now if look.found else memory.looked_at,
            memory.known | {posting.key for posting in postings},
        )
