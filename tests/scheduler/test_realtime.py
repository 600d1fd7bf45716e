"""Realtime: a stream that gains something starts its agent, once for all that was gained."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.scheduler.conftest import World
from tests.scheduler.test_ticking import begin


class Stream:
    """A stream with an agent that is to run when the stream gains something."""

    def __init__(self, world: World, stream: UUID, agent: UUID) -> None:
        self.world = world
        self.id = stream
        self.agent = agent

    async def gain(self, kind: str = "insight", by: UUID | None = None) -> None:
        if kind == "insight":
            await self.world.db.execute(
                "INSERT INTO stream_insights (stream_id, kind, title, agent_id)"
                " VALUES (%s, 'job_posting', 'They look for a head of sales', %s)",
                (self.id, by),
            )
            return
        await self.world.db.execute(
            "WITH made AS (INSERT INTO companies (name) VALUES ('Acme') RETURNING id)"
            " INSERT INTO stream_items (stream_id, company_id, agent_id)"
            " SELECT %s, id, %s FROM made",
            (self.id, by),
        )

    async def assign(self, agent: UUID, **columns: object) -> None:
        names = ", ".join(("stream_id", "agent_id", *columns))
        values = [self.id, agent, *columns.values()]
        marks = ", ".join(["%s"] * len(values))
        await self.world.db.execute(
            f"INSERT INTO stream_agent_assignments ({names}) VALUES ({marks})",  # type: ignore[arg-type]
            values,
        )

    async def tasks(self) -> list[tuple[str, UUID]]:
        rows = await self.world.db.fetch_all("SELECT status, stream_id FROM agent_tasks")
        return [(row["status"], row["stream_id"]) for row in rows]


@pytest.fixture
async def stream(world: World) -> Stream:
    made = await world.one("INSERT INTO streams (name) VALUES ('Leads') RETURNING id")
    stream = Stream(world, made, await world.agent(None))
    await stream.assign(stream.agent, execution_frequency="Realtime")
    await world.tick()
    return stream


@pytest.mark.parametrize("kind", ["insight", "item"])
async def test_what_a_stream_gains_starts_its_agent(stream: Stream, kind: str) -> None:
    assert await stream.tasks() == []
    await stream.gain(kind)
    await stream.world.tick()
    assert await stream.tasks() == [("pending", stream.id)]


async def test_much_that_is_gained_is_for_one_run(stream: Stream) -> None:
    for _ in range(5):
        await stream.gain()
    await stream.world.tick()
    await stream.gain()
    await stream.world.tick()
    assert await stream.tasks() == [("pending", stream.id)]
    await begin(stream.world)
    await stream.world.end()
    await stream.world.tick("2025-06-02T01:00:00Z")
    assert await stream.tasks() == [("completed", stream.id)]


async def test_what_is_gained_during_a_run_is_for_the_next_one(stream: Stream) -> None:
    world = stream.world
    await stream.gain()
    await world.tick()
    await begin(world)
    for _ in range(3):
        await stream.gain()
        await world.tick()
    assert await stream.tasks() == [("processing", stream.id)]
    await world.end()
    await world.tick("2025-06-02T01:00:00Z")
    assert sorted(await stream.tasks()) == [("completed", stream.id), ("pending", stream.id)]


async def test_an_agent_is_not_called_by_what_it_sets_going_itself(stream: Stream) -> None:
    world = stream.world
    below, last = await world.agent(None), await world.agent(None)
    await stream.assign(below, depends_on_agent_ids=[stream.agent])
    await stream.assign(last, depends_on_agent_ids=[below])
    for writer in (stream.agent, below, last):
        await stream.gain(by=writer)
    await world.tick()
    assert await stream.tasks() == []
    await stream.gain(by=await world.agent(None))
    await world.tick()
    assert await stream.tasks() == [("pending", stream.id)]


@pytest.mark.parametrize(
    "rest",
    [
        "UPDATE ai_agents SET is_active = false",
        "UPDATE stream_agent_assignments SET is_active = false",
        "UPDATE stream_agent_assignments SET auto_execute = false",
        "UPDATE stream_agent_assignments SET execution_frequency = 'manual'",
        "UPDATE schedules SET paused_at = oppspot_now()",
    ],
)
async def test_one_that_rests_is_not_called(stream: Stream, rest: str) -> None:
    await stream.world.db.execute(rest)  # type: ignore[arg-type]
    await stream.gain()
    assert (await stream.world.tick()).looked_at == 0
    assert await stream.tasks() == []


async def test_a_tick_of_a_stream_starts_its_agent_for_the_stream(stream: Stream) -> None:
    await stream.world.db.execute(
        "UPDATE stream_agent_assignments SET execution_frequency = '0 * * * *'"
    )
    await stream.world.tick()
    await stream.world.tick("2025-06-02T01:00:00Z")
    assert await stream.tasks() == [("pending", stream.id)]


async def test_a_call_of_a_schedule_that_is_gone_is_forgotten(stream: Stream) -> None:
    await stream.gain()
    await stream.world.db.execute("DELETE FROM stream_agent_assignments")
    await stream.world.tick()
    assert await stream.world.one("SELECT count(*) FROM schedule_calls") == 0
    assert await stream.tasks() == []


async def test_runs_overlap_where_that_is_allowed_and_one_waits_at_most(stream: Stream) -> None:
    await stream.world.db.execute(
        'UPDATE stream_agent_assignments SET schedule_options = \'{"overlap": "allow"}\''
    )
    await stream.gain()
    await stream.world.tick()
    await begin(stream.world)
    for _ in range(3):
        await stream.gain()
        await stream.world.tick()
    states = sorted(status for status, _ in await stream.tasks())
    assert states == ["pending", "processing"]
