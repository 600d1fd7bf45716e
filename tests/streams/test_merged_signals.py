"""What was seen at a company follows it into the one that it turned out to be, and comes back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.signals.making import job, look, posting, sighting
from tests.streams.test_signals import save
from tests.streams.world import World

TABLES = ("buying_signals", "signal_sightings", "job_postings", "signal_watches")


async def owners(world: World) -> dict[str, list[UUID]]:
    return {
        table: [
            row["company_id"]
            for row in await world.all(f"SELECT company_id FROM {table} ORDER BY company_id")
        ]
        for table in TABLES
    }


async def call(world: World, function: str, *companies: UUID) -> None:
    marks = ", ".join(["%s"] * len(companies))
    await world.db.execute(f"SELECT {function}({marks})", companies)  # type: ignore[arg-type]


async def seen(world: World, company: UUID, *numbers: int, **looks: Any) -> None:
    board = look(*map(job, numbers), postings=tuple(map(posting, numbers)))
    await save(world, company, board=board, **looks)


async def test_all_that_was_seen_follows_a_merge_and_comes_back(world: World) -> None:
    a, b, c = [await world.company(name) for name in "ABC"]
    await seen(world, a, 1, 2, filings=look(sighting()))
    await seen(world, b, 3)
    before = await owners(world)
    await call(world, "merge_companies", a, b)
    after = await owners(world)
    assert set(after["buying_signals"]) == set(after["signal_sightings"]) == {b}
    assert sorted(after["signal_watches"]) == sorted([b, b, a])  # both have looks of a board
    await call(world, "merge_companies", b, c)
    assert set((await owners(world))["buying_signals"]) == {c}
    again = await save(world, a, sighting())
    assert (again.new, again.refreshed) == ((), 1)
    for company in (b, a):
        await call(world, "unmerge_company", company)
    restored = await owners(world)
    for table in TABLES[:3]:
        assert restored[table] == before[table], table
    rows = await world.all("SELECT merged_from FROM buying_signals WHERE merged_from IS NOT NULL")
    assert rows == []


async def test_what_both_have_stays_where_it_is(world: World) -> None:
    a, b = [await world.company(name) for name in "AB"]
    await seen(world, a, 1, 2)
    await seen(world, b, 2)
    before = await owners(world)
    await call(world, "merge_companies", a, b)
    after = await owners(world)
    assert sorted(after["buying_signals"]) == sorted([a, b, b])
    assert sorted(after["job_postings"]) == sorted([a, b, b])
    await call(world, "unmerge_company", a)
    assert await owners(world) == before
