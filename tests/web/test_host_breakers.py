"""A host that does not answer is left alone by everybody, and tried by one."""

from __future__ import annotations

import asyncio

from oppspot_runner.connectors.http.asking import SourceClient
from oppspot_runner.db.pool import Database
from oppspot_runner.limits.host_breakers import HostBreakers, close, open_host_breakers
from tests.connectors.http.internet import Site, answer
from tests.web.conftest import MakeClient, of_register


async def later(db: Database, seconds: float) -> None:
    """As if all failures had been so much earlier."""
    await db.execute(
        "UPDATE host_breakers SET opened_at = opened_at - s, failed_at = failed_at - s,"
        " probe_until = probe_until - s FROM make_interval(secs => %s) s",
        (seconds,),
    )


async def test_after_five_failures_nobody_calls(make_client: MakeClient, site: Site) -> None:
    site.answers["/ch/company/1"] = answer(503)
    first, other = make_client(), make_client()
    assert (await first.fetch(of_register())).requests == {"companies_house": 3}
    fetched = await other.fetch(of_register())
    assert fetched.requests == {"companies_house": 2}
    for client in (first, other):
        fetched = await client.fetch(of_register("/company/2"))
        assert (fetched.requests, len(site.received)) == ({}, 5)
        error = fetched.error
        assert error is not None
        assert (error.code, error.retried) == ("SOURCE_DOWN", True)
        assert error.retry_after_s is not None
        assert 50 < error.retry_after_s <= 60
        assert "127.0.0.1 has failed several times" in str(error)


async def test_one_of_many_tries_and_its_success_closes_it(
    make_client: MakeClient, site: Site, db: Database
) -> None:
    site.answers["/ch/company/1"] = answer(503)
    clients = [make_client() for _ in range(8)]
    for client in clients[:2]:
        await client.fetch(of_register())
    await later(db, 61)
    assert [row["state"] for row in await open_host_breakers(db)] == ["half-open"]
    asked = asyncio.Event()
    go_on = asyncio.Event()

    async def slowly(writer: asyncio.StreamWriter) -> None:
        asked.set()
        await go_on.wait()
        writer.write(answer(200, b"{}"))

    site.answers["/ch/company/1"] = slowly
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        calls = {group.create_task(one.fetch(of_register())) for one in clients}
        await asked.wait()
        waiting = set(calls)
        while len(waiting) > 1:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert len(site.received) == 6
        go_on.set()
    ended = [call.result() for call in calls]
    assert sum(one.answer is not None for one in ended) == 1
    assert await open_host_breakers(db) == []
    assert await db.fetch_all("SELECT * FROM host_breakers") == []


async def test_of_those_that_saw_it_half_open_at_once_one_tries(db: Database, dsn: str) -> None:
    """All have looked at the row, and none has written to it, when they are let go on."""
    await HostBreakers(db, failures=1).failed("s", "h", "down")
    await later(db, 61)
    waiting = (
        "SELECT count(*) AS n FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with (
        Database(dsn, max_size=6) as many,
        asyncio.timeout(20),
        asyncio.TaskGroup() as group,
        db.transaction() as connection,
    ):
        await connection.execute("SELECT FROM host_breakers FOR UPDATE")
        calls = [group.create_task(HostBreakers(many).admit("s", "h")) for _ in range(6)]
        while (await db.fetch_all(waiting))[0]["n"] < len(calls):
            await asyncio.sleep(0.01)
    waits = [call.result() for call in calls]
    assert waits.count(0) == 1
    assert all(50 < wait <= 60 for wait in waits if wait)


async def test_a_try_that_fails_opens_it_again(
    client: SourceClient, site: Site, db: Database
) -> None:
    site.answers["/ch/company/1"] = answer(503)
    for _ in range(2):
        await client.fetch(of_register())
    await later(db, 61)
    fetched = await client.fetch(of_register())
    assert fetched.requests == {"companies_house": 1}
    (row,) = await open_host_breakers(db)
    assert (row["state"], row["failures"]) == ("open", 6)
    assert 50 < row["next_try_s"] <= 60


async def test_a_try_of_which_nobody_hears_is_followed_by_another(db: Database) -> None:
    breakers = HostBreakers(db, failures=1)
    await breakers.failed("s", "h", "down")
    await later(db, 61)
    assert await breakers.admit("s", "h") == 0
    waits = await breakers.admit("s", "h")
    assert waits is not None
    assert waits > 50
    await later(db, 61)
    assert await breakers.admit("s", "h") == 0


async def test_a_success_in_between_and_a_long_time_start_the_count_anew(
    client: SourceClient, site: Site, db: Database
) -> None:
    for _ in range(3):
        site.answers["/ch/company/1"] = answer(503)
        await client.fetch(of_register())
        site.answers["/ch/company/1"] = answer(403)  # a no is an answer too
        assert (await client.fetch(of_register())).requests == {"companies_house": 1}
    breakers = HostBreakers(db)
    for _ in range(4):
        await breakers.failed("s", "h", "down")
    await later(db, 3_601)
    await breakers.failed("s", "h", "down")
    assert await open_host_breakers(db) == []


async def test_hosts_and_sources_have_their_own(db: Database) -> None:
    breakers = HostBreakers(db, failures=1)
    await breakers.failed("s", "h", "password=swordfish\x00")
    assert await breakers.admit("s", "other") is None
    assert await breakers.admit("other", "h") is None
    assert await close(db, "other") is False
    assert await close(db, "h") is True
    assert await breakers.admit("s", "h") is None


async def test_failures_of_long_ago_go(db: Database) -> None:
    breakers = HostBreakers(db)
    await breakers.failed("s", "old", "down")
    await later(db, 86_401)
    await breakers.failed("s", "new", "down")
    assert [row["host"] for row in await db.fetch_all("SELECT host FROM host_breakers")] == ["new"]
