"""Signals in the database: each once, whoever saves at once; looks that failed change nothing."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.companies.scoring_model import MODEL
from oppspot_runner.companies.scoring_parts import signals as signal_shares
from oppspot_runner.signals.looks import DueLook, Failure, SavedLooks
from oppspot_runner.signals.sighting import Look, Sighting
from oppspot_runner.streams.signal_decisions import prune_signals
from oppspot_runner.streams.signals import SignalStore
from tests.signals.making import NOW, job, posting, sighting
from tests.streams.world import World

DAY = timedelta(days=1)
WATCHERS = {"board": DAY, "filings": 7 * DAY}


async def now(world: World) -> datetime:
    return (await world.one("SELECT oppspot_now() AS now"))["now"]


async def save(
    world: World,
    company: UUID,
    *sightings: Sighting,
    org_id: UUID | None = None,
    stream_id: UUID | None = None,
    **looks: Any,
) -> SavedLooks:
    """Sightings of one watcher, beside `looks` of others; NOW of theirs is the time of the test."""
    store, time = SignalStore(world.db, org_id, stream_id), await now(world)
    if sightings:
        looks["watcher"] = Look(sightings)
    for name, look in looks.items():
        if isinstance(look, Look):
            moved = [
                replace(one, occurred_at=one.occurred_at + (time - NOW)) for one in look.sightings
            ]
            looks[name] = replace(look, sightings=tuple(moved))
    return await store.save(company, looks, threshold=0.7, now=time)


async def signals(world: World) -> list[dict[str, Any]]:
    return await world.all("SELECT * FROM buying_signals ORDER BY signal_type, event, occurred_at")


async def insights(world: World) -> list[dict[str, Any]]:
    return await world.all("SELECT * FROM stream_insights ORDER BY created_at, id")


async def test_a_new_signal_is_a_row_and_an_insight_of_each_stream_with_the_company(
    world: World,
) -> None:
    org, acme = await world.organisation(), await world.company("Acme")
    own = [await world.stream(org_id=org) for _ in range(2)]
    for stream in [*own, await world.stream()]:
        await world.item(stream, acme)
    await world.stream(org_id=org)
    first = await save(world, acme, sighting(source_url="https://x.test/1"), org_id=org)
    (new,) = first.new
    assert (new.company_name, new.confidence, new.strength) == ("Acme", 90, "strong")
    told = await insights(world)
    assert sorted(one["stream_id"] for one in told) == sorted(own)
    assert {one["title"] for one in told} == {"Acme: it happened (1)"}
    evidence = told[0]["evidence"]
    assert evidence["signal_id"] == str(new.id)
    assert evidence["sources"] == [{"source": "companies_house", "url": "https://x.test/1"}]
    again = await save(world, acme, sighting(), org_id=org)
    assert asdict(again) == asdict(SavedLooks(refreshed=1))
    assert len(await signals(world)) == 1
    assert len(await insights(world)) == 2


async def test_a_task_of_a_stream_tells_that_stream_alone(world: World) -> None:
    acme = await world.company("Acme")
    streams = [await world.stream() for _ in range(2)]
    for stream in streams:
        await world.item(stream, acme)
    await save(world, acme, sighting(), stream_id=streams[0])
    assert [one["stream_id"] for one in await insights(world)] == [streams[0]]


async def test_what_is_below_the_threshold_waits_until_another_source_tells_of_it(
    world: World,
) -> None:
    acme = await world.company("Acme")
    await world.item(await world.stream(), acme)
    low = await save(world, acme, sighting(confidence=69))
    assert (low.new, low.below_threshold) == ((), 1)
    assert await insights(world) == []
    assert await SignalStore(world.db, None).of([acme]) == {}
    lifted = await save(world, acme, sighting("a", source="feed", confidence=10))
    assert [one.confidence for one in lifted.new] == [72]
    assert len(await insights(world)) == 1
    edge = await save(world, acme, sighting("b", confidence=70, signal_type="expansion"))
    assert len(edge.new) == 1
    (found,) = (await SignalStore(world.db, None).of([acme, uuid4()])).values()
    assert sorted((one.type, one.confidence, one.source) for one in found) == [
        ("expansion", 0.7, "companies_house"),
        ("funding_round", 0.72, "companies_house, feed"),
    ]


async def test_what_a_source_says_will_be_is_the_event_that_others_tell_of(world: World) -> None:
    acme = await world.company("Acme")
    await save(world, acme, sighting())
    ahead = await save(world, acme, sighting("a", source="feed", days_ago=-400))
    assert (ahead.new, ahead.refreshed) == ((), 1)
    assert len(await signals(world)) == 1


async def test_jobs_close_when_a_look_does_not_find_them_and_after_three_misses(
    world: World,
) -> None:
    acme = await world.company("Acme")
    jobs = [job(1), job(2)]
    both = tuple(posting(number) for number in (1, 2))
    first = await save(world, acme, board=Look(tuple(jobs), {"token": "acme"}, both))
    assert len(first.new) == 2
    second = await save(world, acme, board=Look(postings=both[:1]))
    assert (second.refreshed, second.closed) == (1, 1)
    closed = [one for one in await signals(world) if "closed_at" in one["data"]]
    assert [(one["event"], one["status"]) for one in closed] == [("job 2", "active")]
    gone = Look(found=False)
    assert [(await save(world, acme, board=gone)).closed for _ in range(2)] == [0, 0]
    assert (await save(world, acme, board=Failure("rate_limited"))).closed == 0
    assert (await save(world, acme, filings=None, board=gone)).closed == 1
    memory = (await SignalStore(world.db, None).memories([acme]))[acme]["board"]
    assert (memory.misses, memory.state) == (3, {"token": "acme"})
    assert memory.known == {one.key for one in both}
    back = await save(world, acme, board=Look(postings=both))
    assert (back.new, back.refreshed, back.closed) == ((), 2, 0)
    assert all("closed_at" not in one["data"] for one in await signals(world))


async def test_a_board_that_gets_another_name_has_the_same_jobs(world: World) -> None:
    acme = await world.company("Acme")
    jobs = tuple(posting(number) for number in (1, 2))
    await save(world, acme, board=Look((job(1), job(2)), postings=jobs))
    renamed = tuple(replace(one, board="acme-labs") for one in jobs[:1])
    moved = await save(world, acme, board=Look(postings=renamed))
    assert (moved.new, moved.refreshed, moved.closed) == ((), 1, 1)
    closed = [one["event"] for one in await signals(world) if "closed_at" in one["data"]]
    assert closed == ["job 2"]
    rows = await world.all("SELECT board, external_id FROM job_postings WHERE closed_at IS NULL")
    assert rows == [{"board": "acme-labs", "external_id": "1"}]
    memory = (await SignalStore(world.db, None).memories([acme]))[acme]["board"]
    assert memory.known == {one.key for one in jobs}


async def test_a_failed_look_changes_nothing_but_when_it_was(world: World) -> None:
    acme = await world.company("Acme")
    look = Look((job(1),), {"page": 7}, (posting(1),))
    await save(world, acme, board=look)
    before = await signals(world)
    (memory,) = (await SignalStore(world.db, None).memories([acme])).values()
    assert await save(world, acme, board=Failure("timeout")) == SavedLooks()
    assert await signals(world) == before
    assert (await SignalStore(world.db, None).memories([acme])) == {acme: memory}
    watch = await world.one("SELECT * FROM signal_watches")
    assert (watch["outcome"], watch["error_code"]) == ("error", "timeout")
    assert watch["looked_at"] < watch["checked_at"]


async def test_who_was_looked_at_longest_ago_comes_first_and_nobody_twice_in_a_task(
    world: World,
) -> None:
    store, stream = SignalStore(world.db, None), await world.stream()
    ids = [await world.company(name) for name in ("A", "B", "C")]
    for one in ids[:2]:
        await world.item(stream, one)
    start = await now(world)

    async def due(**values: Any) -> list[DueLook]:
        return await store.due(WATCHERS, **{"since": start, **values})

    both = tuple(WATCHERS)
    assert await due(stream_id=stream) == [DueLook(one, both) for one in sorted(ids[:2])]
    assert await due() == await due(stream_id=stream)
    assert await due(company_ids=ids[2:]) == [DueLook(ids[2], both)]
    assert await due(stream_id=stream, company_ids=ids[1:]) == [DueLook(ids[1], both)]
    await save(world, ids[0], board=Look(), filings=Failure("timeout"))
    assert await due(stream_id=stream) == [DueLook(ids[1], both)]
    assert await due(stream_id=stream, force=True) == [DueLook(ids[1], both)]
    await world.db.execute("UPDATE signal_watches SET checked_at = checked_at - interval '1 hour'")
    later = await now(world)
    assert await due(stream_id=stream, since=later) == [
        DueLook(ids[1], both),
        DueLook(ids[0], ("filings",)),
    ]
    assert await due(stream_id=stream, since=later, limit=1) == [DueLook(ids[1], both)]
    forced = await due(stream_id=stream, since=later, force=True)
    assert forced[1] == DueLook(ids[0], both)


async def test_who_waits_for_a_source_that_is_asked_too_often_lets_the_others_go_first(
    world: World,
) -> None:
    stream_id, companies = await world.stream(), [await world.company(name) for name in "AB"]
    for company in companies:
        await world.item(stream_id, company)
    begun = await now(world)
    due = SignalStore(world.db, None).due
    assert [one.company_id for one in await due(WATCHERS, since=begun)] == sorted(companies)
    await save(world, min(companies), board=Look())
    first, second = await due(WATCHERS, since=begun)
    assert first == DueLook(max(companies), tuple(WATCHERS))
    assert second == DueLook(min(companies), ("filings",))


async def test_a_watch_list_has_who_its_companies_turned_out_to_be(world: World) -> None:
    acme, gone = await world.company("Acme"), await world.company("Acme Ltd")
    await world.db.execute("SELECT merge_companies(%s, %s)", (gone, acme))
    due = SignalStore(world.db, None).due
    asked = {"since": await now(world), "company_ids": [gone]}
    assert [one.company_id for one in await due(WATCHERS, **asked)] == [acme]
    stream_id = await world.stream()
    await world.item(stream_id, acme)
    assert len(await due(WATCHERS, **asked, stream_id=stream_id)) == 1


async def test_signals_end_when_their_time_is_over(world: World) -> None:
    acme, org = await world.company("Acme"), await world.organisation()
    await save(world, acme, sighting(), sighting("2"))
    await save(world, acme, sighting(), org_id=org)
    await world.db.execute(
        "UPDATE buying_signals SET status = 'acted_upon' WHERE title LIKE '%%2%%'"
    )
    store = SignalStore(world.db, None)
    assert await store.expire(await now(world)) == 0
    assert await store.expire(await now(world) + timedelta(days=800)) == 1
    assert sorted(one["status"] for one in await signals(world)) == [
        "acted_upon",
        "active",
        "expired",
    ]


async def test_two_who_save_at_once_write_each_signal_and_insight_once(world: World) -> None:
    acme = await world.company("Acme")
    await world.item(await world.stream(), acme)
    many = [sighting(str(number), event=str(number)) for number in range(20)]
    saved = await asyncio.gather(*(save(world, acme, *many) for _ in range(4)))
    assert sorted(len(one.new) for one in saved) == [0, 0, 0, 20]
    assert len(await signals(world)) == 20
    assert len(await insights(world)) == 20


async def test_organisations_do_not_see_each_other(world: World) -> None:
    ours, theirs = await world.organisation(), await world.organisation()
    acme = await world.company("Acme")
    hidden = await world.company("Hidden", org_id=theirs)
    await save(world, acme, sighting(), org_id=theirs, board=Look())
    store = SignalStore(world.db, ours)
    assert await store.of([acme]) == {}
    assert await store.memories([acme]) == {acme: {}}
    assert len((await save(world, acme, sighting(), org_id=ours)).new) == 1
    assert await store.due(WATCHERS, since=await now(world), company_ids=[hidden]) == []
    with pytest.raises(NotFoundError, match="there is no company"):
        await save(world, hidden, sighting(), org_id=ours)


async def test_the_table_says_of_each_signal_what_it_is_worth_in_a_score(world: World) -> None:
    acme = await world.company("Acme")
    for number, kind in enumerate(["funding_round", "job_posting", "website_activity"]):
        await save(world, acme, sighting(signal_type=kind, days_ago=20 * number, confidence=83))
    await world.db.execute(
        "INSERT INTO buying_signals (company_id, signal_type, title) VALUES (%s, 'call', 'mine')",
        (acme,),
    )
    effects = {
        row["signal_type"]: row["effect"]
        for row in await world.all("SELECT * FROM current_signals")
    }
    found = (await SignalStore(world.db, None).of([acme]))[acme]
    time = await now(world)
    for one in found:
        whole = sum(share.value for share in signal_shares([one], MODEL, time))
        assert effects[one.type] == pytest.approx(whole), one.type
    assert len(found) == len(effects) == 4


async def test_what_is_over_for_long_is_deleted_and_not_new_when_it_is_seen_again(
    world: World,
) -> None:
    acme = await world.company("Acme")
    old, young = sighting("old", signal_type="news_mention"), sighting("young")
    await save(world, acme, old, young, board=Look(postings=(posting(1), posting(2))))
    await save(world, acme, board=Look(postings=(posting(2),)))
    await world.db.execute(
        "UPDATE buying_signals SET occurred_at = occurred_at - interval '300 days',"
        " expires_at = expires_at - interval '300 days' WHERE signal_type = 'news_mention'"
    )
    await world.db.execute("UPDATE job_postings SET closed_at = closed_at - interval '100 days'")
    for deleted in (2, 0):
        async with world.db.connection() as connection:
            assert await prune_signals(connection, keep_s=90 * 86_400) == deleted
    assert [one["signal_type"] for one in await signals(world)] == ["funding_round"]
    assert len(await world.all("SELECT FROM job_postings")) == 1
    again = await save(world, acme, replace(old, occurred_at=old.occurred_at - 300 * DAY))
    assert again.new == ()


async def test_a_save_that_is_cancelled_in_the_middle_leaves_nothing_behind(
    world: World,
) -> None:
    acme = await world.company("Acme")
    await world.item(await world.stream(), acme)
    await world.db.execute(
        "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$;"
        "CREATE TRIGGER hold AFTER INSERT ON stream_insights EXECUTE FUNCTION hold()"
    )
    many = [sighting(str(number), event=str(number)) for number in range(5)]
    board = Look((job(1),), {"page": 1}, (posting(1),))
    async with world.db.transaction() as tx:
        await tx.execute("SELECT pg_advisory_xact_lock(7)")
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            saving = group.create_task(save(world, acme, *many, board=board))
            while not await world.all(
                "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 7"
            ):
                await asyncio.sleep(0.02)
            saving.cancel()
        assert saving.cancelled()
    for table in ("buying_signals", "signal_watches", "job_postings", "stream_insights"):
        assert await world.all(f"SELECT FROM {table}") == [], table
    assert len((await save(world, acme, *many, board=board)).new) == 6
    assert len(await insights(world)) == 6


async def test_who_writes_of_many_companies_at_once_takes_them_in_one_order(world: World) -> None:
    ids = [await world.company(f"Company {number}") for number in range(10)]
    time = await now(world)
    seen = replace(sighting(), occurred_at=time)

    async def add(companies: list[UUID]) -> int:
        async with world.db.transaction() as tx:
            found = {one: [seen] for one in companies}
            store = SignalStore(world.db, None)
            return len(await store.add(found, threshold=0.7, now=time, tx=tx))

    async with asyncio.timeout(30):
        made = await asyncio.gather(*(add(ids[:: 1 - 2 * (n % 2)]) for n in range(4)))
    assert sum(made) == len(await signals(world)) == 10
    assert await add([uuid4()]) == 0
