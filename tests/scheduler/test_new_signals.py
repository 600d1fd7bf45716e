"""New signals start realtime agents, and come with their tasks: none is lost, none told twice."""

from __future__ import annotations

import asyncio
from itertools import chain
from uuid import UUID

import pytest

from oppspot_runner.db.pool import Database
from oppspot_runner.scheduler import ticking
from tests.scheduler.conftest import World
from tests.scheduler.test_realtime import Stream
from tests.scheduler.test_ticking import begin

ADD = """
    INSERT INTO buying_signals (company_id, org_id, detected_by, status, signal_type, title)
    SELECT %s, %s, %s, %s, %s, 'It happened ' || n FROM generate_series(1, %s) n RETURNING id
"""
FUNDING = '$.input.new_signals[*] ? (@.signal_type == "funding_round")'


class Company:
    """A company in the stream, at which something happens."""

    def __init__(self, stream: Stream, company: UUID) -> None:
        self.stream = stream
        self.world = stream.world
        self.id = company

    async def happens(
        self,
        count: int = 1,
        kind: str = "expansion",
        *,
        by: UUID | None = None,
        org: UUID | None = None,
        status: str = "active",
    ) -> list[str]:
        values = (self.id, org, by, status, kind, count)
        return sorted(str(row["id"]) for row in await self.world.db.fetch_all(ADD, values))

    async def told(self) -> list[list[str]]:
        """The signals that came with each task, in the order of the tasks."""
        rows = await self.world.db.fetch_all("SELECT payload FROM agent_tasks ORDER BY ready_seq")
        payloads = [row["payload"].get("new_signals", ()) for row in rows]
        return [sorted(one["id"] for one in signals) for signals in payloads]


@pytest.fixture
async def company(world: World) -> Company:
    made = await world.one("INSERT INTO streams (name) VALUES ('Leads') RETURNING id")
    stream = Stream(world, made, await world.agent(None))
    await stream.gain("item")
    await stream.assign(stream.agent, execution_frequency="realtime")
    await world.tick()
    return Company(stream, await world.one("SELECT id FROM companies"))


async def test_a_new_signal_starts_the_agent_and_comes_with_its_task(company: Company) -> None:
    (signal,) = await company.happens()
    await company.world.tick()
    assert await company.world.one("SELECT payload FROM agent_tasks") == {
        "new_signals": [
            {
                "id": signal,
                "company_id": str(company.id),
                "company": "Acme",
                "signal_type": "expansion",
                "strength": "moderate",
                "confidence": 100,
                "title": "It happened 1",
            }
        ]
    }
    assert await company.world.one("SELECT count(*) FROM schedule_signals") == 0


async def test_what_is_not_sure_is_told_when_it_becomes_so(company: Company) -> None:
    world = company.world
    signals = await company.happens(status="unconfirmed")
    await world.tick()
    assert await company.told() == []
    for status in ("active", "acted_upon", "active"):
        await world.db.execute("UPDATE buying_signals SET status = %s", (status,))
    await world.tick()
    assert await company.told() == [signals]


async def test_each_is_told_once_whatever_waits_or_runs_meanwhile(company: Company) -> None:
    world = company.world
    first = await company.happens(2)
    await world.tick()
    second = await company.happens()
    await world.tick()
    assert await company.told() == [first]
    await begin(world)
    third = await company.happens()
    await world.tick("2025-06-02T01:00:00Z")
    assert await company.told() == [first]
    await world.end()
    await world.tick("2025-06-02T02:00:00Z")
    await world.end()
    await world.tick("2025-06-02T03:00:00Z")
    assert await company.told() == [first, sorted(second + third)]


async def test_a_task_takes_a_hundred_and_the_next_one_the_others(company: Company) -> None:
    signals = await company.happens(130)
    for hour in range(4):
        await company.world.tick(f"2025-06-02T0{hour + 1}:00:00Z")
        await company.world.end()
    told = await company.told()
    assert [len(some) for some in told] == [100, 30]
    assert sorted(chain.from_iterable(told)) == sorted(signals)


async def test_only_streams_of_the_organisation_with_the_company_are_told(
    company: Company,
) -> None:
    world, stream = company.world, company.stream
    org = await world.one("INSERT INTO organizations DEFAULT VALUES RETURNING id")
    below = await world.agent(None)
    await stream.assign(below, depends_on_agent_ids=[stream.agent])
    await company.happens(org=org)
    await company.happens(by=stream.agent)
    other = await world.one("INSERT INTO companies (name) VALUES ('Other') RETURNING id")
    await Company(stream, other).happens()
    await world.tick()
    assert await company.told() == []
    await company.happens(by=below)
    signals = await company.happens(by=await world.agent(None))
    await world.tick()
    assert await company.told() == [signals]


@pytest.mark.parametrize(
    ("condition", "kind", "started"),
    [
        (FUNDING, "funding_round", True),
        (FUNDING, "expansion", False),
        ("$.input.new_signals[*].title.double() > 1", "expansion", False),
        ("$.output.score > 3", "expansion", True),
    ],
    ids=["holds", "does-not-hold", "cannot-be-computed", "of-the-chain"],
)
async def test_the_condition_of_the_assignment_is_asked_about_them(
    company: Company, condition: str, kind: str, started: bool
) -> None:
    world = company.world
    await world.db.execute("UPDATE stream_agent_assignments SET condition = %s", (condition,))
    signals = await company.happens(3, kind)
    await world.tick()
    assert await company.told() == ([signals] if started else [])
    await company.happens(kind="funding_round")
    await world.tick("2025-06-02T01:00:00Z")
    await world.end()
    await world.tick("2025-06-02T02:00:00Z")
    assert await world.one("SELECT count(*) FROM schedule_signals") == 0


async def test_a_fleet_tells_each_of_many_that_come_at_once_exactly_once(
    company: Company, dsn: str
) -> None:
    signals: list[str] = []

    async def see(database: Database) -> None:
        for _ in range(10):
            values = (company.id, None, None, "active", "expansion", 3)
            rows = await database.fetch_all(ADD, values)
            signals.extend(str(row["id"]) for row in rows)

    async def runner(database: Database, done: asyncio.Event) -> None:
        while not done.is_set():
            async with database.transaction() as connection:
                await ticking.tick(connection)
            await database.execute(
                "UPDATE agent_tasks SET status = 'completed' WHERE status = 'pending'"
            )

    async with Database(dsn, max_size=6) as database:
        done = asyncio.Event()
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(runner(database, done))
            await asyncio.gather(*(see(database) for _ in range(3)))
            while await database.fetch_all("SELECT FROM schedule_signals"):
                await asyncio.sleep(0.05)
            done.set()
    told = list(chain.from_iterable(await company.told()))
    assert sorted(told) == sorted(signals)
    assert len(told) == 90
