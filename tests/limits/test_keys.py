"""Tasks of full keys wait out of line, and come back into it whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from oppspot_runner.base.events import EventBus
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.queue import store
from oppspot_runner.queue.abilities import Abilities
from oppspot_runner.queue.claiming import Claimer, age, arrange_keys, rearrange_keys
from oppspot_runner.queue.store import is_drained
from oppspot_runner.runner.config import RunnerConfig
from oppspot_runner.runner.maintenance import Maintenance
from oppspot_runner.runner.patience import Patience
from tests.limits.conftest import Line


@asynccontextmanager
async def kept_in_order(line: Line) -> AsyncIterator[tuple[Maintenance, asyncio.Event]]:
    """The duties of a runner whose only poll is over, and what it says when there is work."""
    events, work = EventBus(), asyncio.Event()
    config = RunnerConfig(poll_s=600)
    duties = Maintenance(
        line.db,
        Patience(events),
        events,
        config=config,
        runner_id=1,
        on_work=work.set,
        on_look=lambda _: None,
        adopts=lambda: (),
        adopt=lambda _: None,
    )
    await line.tasks(await line.agent("due"), 1, scheduled_for="2000-01-01Z")
    await line.connection.execute("UPDATE agent_tasks SET parked = true")
    async with asyncio.TaskGroup() as group:
        running = group.create_task(duties.run())
        await work.wait()
        work.clear()
        yield duties, work
        running.cancel()


async def blocked(line: Line, *keys: str) -> None:
    """A task out of line for each key, as a claim leaves it."""
    agent = await line.agent("a")
    for key in keys:
        await line.tasks(agent, 1, limit_key=key, blocked=True)


async def runner(line: Line, task_types: list[str] | None) -> None:
    """A live runner that serves these types."""
    await line.connection.execute(
        "INSERT INTO task_runners (host, pid, version, slots, poll_s, lease_s, beat_s, task_types,"
        " lease_until) VALUES ('here', 1, '0', 1, 5, 30, 5, %s, oppspot_now() + interval '1 h')",
        (task_types,),
    )


async def left(line: Line) -> int:
    count: int = await line.one("SELECT count(*) FROM agent_tasks WHERE blocked")
    return count


async def all_in_line(line: Line, work: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        while await left(line):
            await work.wait()
            work.clear()


async def waits_for_a_lock(connection: Connection) -> None:
    query = (
        "SELECT FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock' AND query LIKE %s"
    )
    async with asyncio.timeout(10):
        while not (await connection.execute(query, ("%arrange_keys%",))).rowcount:
            await asyncio.sleep(0)


async def test_all_keys_come_back_in_one_poll(line: Line) -> None:
    await blocked(line, *(f"k{number}" for number in range(250)))
    async with kept_in_order(line) as (_, work):
        await all_in_line(line, work)


async def test_keys_of_a_poll_that_failed_are_arranged_by_the_next_one(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, failures = store.wake_waiting, ["the connection is lost"]

    async def fails_once(connection: Connection) -> int:
        if failures:
            raise psycopg.OperationalError(failures.pop())
        return await whole(connection)

    async with kept_in_order(line) as (duties, work):
        monkeypatch.setattr(store, "wake_waiting", fails_once)
        await blocked(line, "a", "b")
        duties.poll()
        await all_in_line(line, work)
    assert not failures


async def test_a_key_that_somebody_else_arranges_is_asked_for_again_soon(
    line: Line, db: Database
) -> None:
    async with kept_in_order(line) as (duties, work):
        async with db.connection() as other, other.transaction():
            await other.execute(
                "SELECT pg_advisory_xact_lock("
                "hashtextextended(current_schema() || '.task_limits.k', 0))"
            )
            await blocked(line, "k", "free")
            duties.look("k")
            duties.look("free")
            await work.wait()
            assert await left(line) == 1
        await all_in_line(line, work)


async def test_a_key_that_is_freed_while_others_are_arranged_is_not_forgotten(
    line: Line, db: Database
) -> None:
    async with kept_in_order(line) as (duties, work):
        await blocked(line, "one", "two")
        async with db.connection() as other, other.transaction():
            await other.execute("LOCK TABLE task_limits IN ACCESS EXCLUSIVE MODE")
            duties.look("one")
            await waits_for_a_lock(line.connection)
            duties.look("two")
        await all_in_line(line, work)


async def test_tasks_out_of_line_rise_too_while_they_wait(line: Line) -> None:
    await line.limit("key", "k", concurrency=1)
    agent = await line.agent("a")
    await line.tasks(agent, 1, limit_key="k", priority=10)
    await line.tasks(agent, 1, limit_key="k", priority=3)
    assert await line.claimed(2) == {"a": 1}
    await line.at(99)
    _, keys = await rearrange_keys(line.connection, "")
    assert await age(line.connection, 100, keys) == 0
    await line.at(101)
    assert await age(line.connection, 100, keys) == 1
    assert await line.one("SELECT priority FROM agent_tasks WHERE blocked") == 4


async def test_tasks_of_a_paused_agent_that_are_out_of_line_do_not_hold_up_the_end(
    line: Line,
) -> None:
    await blocked(line, "k")
    assert not await is_drained(line.connection, Abilities())
    await line.connection.execute("INSERT INTO task_pauses (scope, key) VALUES ('type', 'noop')")
    assert await is_drained(line.connection, Abilities())


@pytest.mark.parametrize("why", ["paused", "capped", "rate-limited", "not served"])
async def test_a_task_that_cannot_start_for_another_reason_holds_no_place_of_its_key(
    line: Line, why: str
) -> None:
    await line.limit("key", "k", concurrency=1)
    stuck, able = await line.agent("stuck", "other"), await line.agent("able")
    await line.tasks(able, 1, limit_key="k", priority=10)
    await line.tasks(stuck, 50, limit_key="k", priority=9, task_type="rare")
    await line.tasks(able, 3, limit_key="k")
    await runner(line, ["agent_execution"] if why == "not served" else None)
    assert await line.claimed(2) == {"able": 1}
    match why:
        case "paused":
            await line.connection.execute(
                "INSERT INTO task_pauses (scope, key) VALUES ('type', 'other')"
            )
        case "capped":
            await line.limit("type", "rare", concurrency=0)
        case "rate-limited":
            await line.limit("agent", stuck, rate="1/d")
            await line.connection.execute(
                "UPDATE task_limits SET tokens = 0, refilled_at = oppspot_now() WHERE rate > 0"
            )
        case "not served":
            line.claimer = Claimer(1, Abilities(["agent_execution"]))
    for _ in range(3):
        await line.end()
        await arrange_keys(line.connection, ["k"])
        assert await line.claimed(2) == {"able": 1}
    await line.end()
    await arrange_keys(line.connection, ["k"])
    assert await left(line) == 49
