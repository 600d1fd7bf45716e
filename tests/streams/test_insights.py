"""Insights and progress: kept with their credit, said once, merged and not overwritten."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.streams.insights import InsightStore
from tests.streams.world import World


async def test_what_says_nothing_new_is_not_written_again(world: World) -> None:
    insights = InsightStore(world.db, None, await world.stream())
    first = await insights.add(kind="found", title="two", evidence={"n": 2})
    again = await insights.add(kind="found", title="two", evidence={"n": 2})
    other = await insights.add(kind="found", title="three", evidence={"n": 3})
    back = await insights.add(kind="found", title="two", evidence={"n": 2})
    assert first == again
    assert len({first, other, back}) == 3
    assert [row["title"] for row in await insights.newest()] == ["two", "three", "two"]


async def test_an_insight_written_in_a_transaction_that_fails_is_not_there(world: World) -> None:
    insights = InsightStore(world.db, None, await world.stream())

    async def note_and_fail() -> None:
        async with world.db.transaction() as tx:
            await insights.add(kind="found", title="two", tx=tx)
            await insights.set_progress({"found": 2}, tx=tx)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await note_and_fail()
    assert await insights.newest() == []
    assert (await world.one("SELECT progress FROM streams"))["progress"] == {}


async def test_what_postgres_refuses_is_taken_out(world: World) -> None:
    insights = InsightStore(world.db, None, await world.stream())
    await insights.add(kind="found", title="a\x00b" + "x" * 900, evidence={"n": float("nan")})
    (row,) = await insights.newest()
    assert row["title"].startswith("abxxx")
    assert len(row["title"]) == 500
    assert row["evidence"] == {"n": None}


async def test_agents_that_write_progress_at_once_lose_nothing(world: World) -> None:
    insights = InsightStore(world.db, None, await world.stream())
    await asyncio.gather(*(insights.set_progress({f"agent {n}": n}) for n in range(20)))
    progress = (await world.one("SELECT progress FROM streams"))["progress"]
    assert progress == {f"agent {n}": n for n in range(20)}


async def test_an_insight_of_a_stream_that_is_gone_is_an_error(world: World) -> None:
    with pytest.raises(NotFoundError, match="there is no stream"):
        await InsightStore(world.db, None, uuid4()).add(kind="found", title="two")
