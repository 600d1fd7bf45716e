"""Following a run: live, resumed, by a crowd, and where nothing can be listened to."""

from __future__ import annotations

import asyncio
from typing import Any, LiteralString, cast
from uuid import UUID

import psycopg
import pytest

from oppspot_runner.app.client import AsyncClient, Client
from oppspot_runner.base.errors import ConflictError, InvalidInputError, NotFoundError
from oppspot_runner.db.pool import Database
from oppspot_runner.workflow import following
from oppspot_runner.workflow.run_events import RunEvent

LISTENING = (
    "FROM pg_stat_activity WHERE datname = current_database()"
    " AND query LIKE '%LISTEN oppspot_events%' AND pid <> pg_backend_pid()"
)
LISTENERS = f"SELECT count(*) {LISTENING}"
CROWD = 200


@pytest.fixture
def run(client: Client, agent: UUID) -> UUID:
    """A run of one agent that waits for a runner."""
    stream = client.create_stream("followed")
    client.assign_agents_to_stream(stream, [{"agent_id": agent}])
    return client.run_stream(stream)


def tell(look: psycopg.Connection[Any], run: UUID, text: str) -> None:
    """A line of the run, as an attempt would write it."""
    look.execute(
        "SELECT add_run_events(ARRAY[(%s, 0, 'log', NULL, NULL, NULL, NULL,"
        " jsonb_build_object('message', %s::text), NULL)::run_events])",
        (run, text),
    )


def end(look: psycopg.Connection[Any], run: UUID) -> None:
    look.execute("UPDATE agent_tasks SET status = 'completed' WHERE run_id = %s", (run,))


async def gathered(client: AsyncClient, run: UUID, after: int = 0) -> list[RunEvent]:
    return [event async for event in client.follow(run, after)]


async def until(look: psycopg.Connection[Any], query: LiteralString, wanted: Any) -> None:
    async with asyncio.timeout(10):
        while (row := look.execute(query).fetchone()) is None or row[0] != wanted:
            await asyncio.sleep(0.02)


def lines(events: list[RunEvent]) -> list[str]:
    return [str(event.data["message"]) for event in events if event.type == "log"]


async def test_events_come_as_they_happen_and_the_last_one_ends_it(
    async_client: AsyncClient, look: psycopg.Connection[Any], run: UUID
) -> None:
    seen = []
    async with asyncio.timeout(20):
        async for event in async_client.follow(run):
            seen.append(event.type)
            if event.type == "status" and event.data["status"] == "queued":
                tell(look, run, "live")
            if event.type == "log":
                end(look, run)
    assert seen == ["status", "log", "output", "status", "completed"]


@pytest.mark.slow
async def test_a_follower_that_breaks_off_resumes_where_it_was(
    async_client: AsyncClient, look: psycopg.Connection[Any], run: UUID
) -> None:
    for number in range(1_200):  # more than a page
        tell(look, run, str(number))
    end(look, run)
    seen: list[RunEvent] = []
    async with asyncio.timeout(30):
        while not seen or not seen[-1].is_last:
            async for event in async_client.follow(run, seen[-1].seq if seen else 0):
                seen.append(event)
                if event.seq % 97 == 0:
                    break
    assert [event.seq for event in seen] == list(range(1, len(seen) + 1))
    assert lines(seen) == [str(number) for number in range(1_200)]
    assert await gathered(async_client, run, seen[-1].seq) == []


@pytest.mark.slow
@pytest.mark.parametrize("runs", [1, CROWD])
async def test_a_crowd_costs_one_listening_connection(
    async_client: AsyncClient,
    client: Client,
    look: psycopg.Connection[Any],
    agent: UUID,
    runs: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """200 followers of one run, or of 200 runs; every one sees everything."""
    stream = client.create_stream("crowded")
    client.assign_agents_to_stream(stream, [{"agent_id": agent}])
    followed = [client.run_stream(stream) for _ in range(runs)]
    reads = []
    page = async_client._page

    async def counted(run_id: UUID, after: int) -> Any:
        reads.append(after)
        return await page(run_id, after)

    monkeypatch.setattr(async_client, "_page", counted)
    crowd = [
        asyncio.get_running_loop().create_task(gathered(async_client, followed[number % runs]))
        for number in range(CROWD)
    ]
    async with asyncio.timeout(60):
        await until(look, LISTENERS, 1)
        for one in followed:
            tell(look, one, "for all")
        look.execute("UPDATE agent_tasks SET status = 'completed'")
        seen = await asyncio.gather(*crowd)
    assert all(lines(events) == ["for all"] for events in seen)
    assert all(events[-1].type == "completed" for events in seen)
    assert all([e.seq for e in events] == list(range(1, 6)) for events in seen)
    assert len(reads) <= 6 * runs
    await until(look, LISTENERS, 0)


async def test_a_listening_connection_that_is_cut_loses_no_event(
    async_client: AsyncClient, look: psycopg.Connection[Any], run: UUID
) -> None:
    follower = asyncio.get_running_loop().create_task(gathered(async_client, run))
    await until(look, LISTENERS, 1)
    look.execute(f"SELECT pg_terminate_backend(pid) {LISTENING}")
    tell(look, run, "unheard")
    await until(look, LISTENERS, 1)
    tell(look, run, "heard")
    end(look, run)
    async with asyncio.timeout(20):
        assert lines(await follower) == ["unheard", "heard"]


async def test_where_notifications_do_not_arrive_it_looks(
    async_client: AsyncClient,
    look: psycopg.Connection[Any],
    run: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As behind a pooler. One statement looks for all followers."""

    async def deaf(*_: object) -> bool:
        return False

    looks = []
    look_once = following.Hub._look_once

    async def counted(self: following.Hub) -> float:
        looks.append(len(self._feeds))
        return await look_once(self)

    monkeypatch.setattr("oppspot_runner.db.listen.hears", deaf)
    monkeypatch.setattr(following, "DEAF_LOOK_S", 0.05)
    monkeypatch.setattr(following.Hub, "_look_once", counted)
    crowd = [asyncio.get_running_loop().create_task(gathered(async_client, run)) for _ in range(20)]
    async with asyncio.timeout(20):
        while len(looks) < 3:
            await asyncio.sleep(0.01)
        tell(look, run, "seen")
        end(look, run)
        assert {tuple(lines(events)) for events in await asyncio.gather(*crowd)} == {("seen",)}
    assert max(looks) == 1


async def test_a_run_that_nobody_follows_is_not_notified(
    async_client: AsyncClient, look: psycopg.Connection[Any], run: UUID
) -> None:
    look.execute("LISTEN oppspot_events")
    tell(look, run, "nobody waits")
    assert list(look.notifies(timeout=0.1)) == []
    look.execute("SELECT * FROM follow_runs(ARRAY[%s]::uuid[])", (run,))
    with look.transaction():
        for text in ("three", "at", "once"):
            tell(look, run, text)
    assert [one.payload for one in look.notifies(timeout=5, stop_after=1)] == [str(run)]
    assert list(look.notifies(timeout=0.1)) == []
    look.execute("DELETE FROM stream_runs")  # those who follow it look, and find none
    assert [one.payload for one in look.notifies(timeout=5, stop_after=1)] == [str(run)]


async def test_a_run_that_is_deleted_ends_its_followers(
    async_client: AsyncClient, look: psycopg.Connection[Any], run: UUID
) -> None:
    follower = asyncio.get_running_loop().create_task(gathered(async_client, run))
    await until(look, LISTENERS, 1)
    look.execute("DELETE FROM stream_runs")
    with pytest.raises(NotFoundError, match="there is no run"):
        async with asyncio.timeout(20):
            await follower


def test_blocking_code_follows_too(
    client: Client, look: psycopg.Connection[Any], run: UUID
) -> None:
    seen = []
    for event in client.follow(run):
        seen.append(event.type)
        if event.type == "status" and event.data["status"] == "queued":
            tell(look, run, "live")
        if event.type == "log":
            end(look, run)
    assert seen == ["status", "log", "output", "status", "completed"]
    assert [event.seq for event in client.follow(run, 3)] == [4, 5]


async def test_on_a_connection_of_the_callers_it_looks_and_outside_of_transactions_only(
    dsn: str, look: psycopg.Connection[Any], run: UUID
) -> None:
    end(look, run)
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        own = AsyncClient(connection)
        assert [event.seq for event in await gathered(own, run)] == [1, 2, 3, 4]
        with pytest.raises(ConflictError):
            async with connection.transaction():
                await gathered(own, run)


@pytest.mark.parametrize("wrong", ["not an id", 7])
async def test_a_wrong_id_is_refused(async_client: AsyncClient, wrong: Any) -> None:
    with pytest.raises(InvalidInputError, match="the run id is not a uuid"):
        await gathered(async_client, cast(UUID, wrong))


async def test_a_large_output_is_read_in_pages(
    async_client: AsyncClient, look: psycopg.Connection[Any], db: Database, run: UUID
) -> None:
    """Ten events whose outputs are a megabyte each do not come in one answer."""
    look.execute(
        "WITH made AS (INSERT INTO agent_executions (status, output_data)"
        " SELECT 'completed', jsonb_build_object('text', ("
        "  SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 32768) WHERE g > 0))"
        " FROM generate_series(1, 10) g RETURNING id)"
        " SELECT add_run_events(array_agg((%s, 0, 'output', NULL, NULL, NULL, id, '{}', NULL)"
        "::run_events)) FROM made",
        (run,),
    )
    page = await async_client._page(run, 0)
    assert 1 <= len(page.events) <= 4
    assert not page.is_newest
    end(look, run)
    events = await gathered(async_client, run)
    assert sum(len(str(e.data["output"])) > 1_000_000 for e in events if e.type == "output") == 10


async def test_without_the_right_to_be_notified_everybody_looks_for_himself(
    async_client: AsyncClient,
    look: psycopg.Connection[Any],
    run: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    look.execute("ALTER FUNCTION follow_runs RENAME TO gone")
    monkeypatch.setattr(following, "DEAF_LOOK_S", 0.05)
    follower = asyncio.get_running_loop().create_task(gathered(async_client, run))
    await until(look, LISTENERS, 1)
    tell(look, run, "seen")
    end(look, run)
    async with asyncio.timeout(20):
        assert lines(await follower) == ["seen"]
