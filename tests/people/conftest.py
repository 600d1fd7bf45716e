"""The world of these tests, and the made register as an agent asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

import pytest

from oppspot_runner.agents.relationship import RelationshipAgent
from oppspot_runner.agents.web import WebAccess
from oppspot_runner.app.web import RunnerWeb
from oppspot_runner.base.settings import load_settings
from oppspot_runner.connectors.sources import SOURCES, Source
from oppspot_runner.db.pool import Database
from oppspot_runner.db.through import at_once
from oppspot_runner.streams.people import PeopleStore
from oppspot_runner.testing.world import World as FakeWorld
from tests.agents.generous import generous
from tests.people import register
from tests.streams.world import World


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWorld]:
    for name, source in generous().items():
        monkeypatch.setitem(cast(dict[str, Source], SOURCES), name, source)
    with FakeWorld(register.content()) as made:
        for name, value in made.settings().items():
            monkeypatch.setenv(name, value)
        yield made


class Twelve:
    """The twelve companies in a stream, with the contacts that an organisation supplied."""

    def __init__(self, world: World, made: FakeWorld) -> None:
        self.world, self.made = world, made
        self.ids: dict[str, UUID] = {}

    async def begin(self) -> None:
        """Brings companies and contacts."""
        self.org = await self.world.organisation()
        self.stream = await self.world.stream(org_id=self.org)
        for place, name in enumerate(register.NAMES):
            self.ids[name] = await self.world.company(
                f"Company {name} Ltd",
                company_number=register.number(name),
                country="GB",
                domain=f"{name.lower()}.example",
            )
            item = await self.world.item(self.stream, self.ids[name])
            await self.world.db.execute(
                "UPDATE stream_items SET position = %s WHERE id = %s", (place + 1, item)
            )
        for name, domain in (("Kim Ward", "one.example"), ("Jana Quist", "two.example")):
            await self.contact(name, domain)

    async def contact(self, name: str, domain: str) -> None:
        """A contact to whom somebody spoke just now."""
        await self.world.db.execute(
            "INSERT INTO contacts (org_id, name, name_norm, email, domain, last_contact_at, source)"
            " VALUES (%s, %s, %s, %s, %s, oppspot_now(), 'import:contacts')",
            (self.org, name, name.lower(), f"{name.split()[0].lower()}@{domain}", domain),
        )

    @property
    def store(self) -> PeopleStore:
        return PeopleStore(self.world.db, self.org)

    @asynccontextmanager
    async def web(self) -> AsyncIterator[WebAccess]:
        """The made register behind the layer that runners have."""
        runner = RunnerWeb(self.world.db, at_once, load_settings())
        agent = await self.world.agent(RelationshipAgent.agent_type, self.org)
        ctx = await self.world.context(RelationshipAgent, self.stream, org_id=self.org)
        assert agent.id == ctx.agent.id
        try:
            yield WebAccess(runner.of(ctx.task, self.stream), runner.sources)
        finally:
            await runner.stop()

    async def run(self, **options: Any) -> dict[str, Any]:
        """A run of the agent to its written end."""
        async with self.web() as web:
            return await self.world.run(
                RelationshipAgent, self.stream, org_id=self.org, web=web, **options
            )

    def asked(self, below: str = "/ch/") -> int:
        """How many requests the register has seen."""
        return len(self.made.seen(below))

    def told(self, output: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
        """The best paths by company: from, via, to, strength."""
        names = {str(one): name for name, one in self.ids.items()}
        return {
            names[one["company_id"]]: (
                one["from"]["contact_id"],
                tuple(via["person_id"] for via in one["via"]),
                one["to"]["person_id"],
                one["strength"],
            )
            for one in output["best_path"]
        }


@pytest.fixture
async def twelve(world: World, made: FakeWorld) -> Twelve:
    twelve = Twelve(world, made)
    await twelve.begin()
    return twelve
