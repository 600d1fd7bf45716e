"""How far a stream is: counted at the end of each of its tasks, against its targets."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.db.pool import Database
from oppspot_runner.streams.insights import InsightStore
from tests.runner.conftest import Bench
from tests.runner.conftest import bench as bench
from tests.runner.conftest import registry as registry
from tests.stepping import session
from tests.streams.world import World


async def add_items(world: World, stream: UUID, *scores: float | None) -> None:
    for score in scores:
        company = await world.company(f"Company {score}")
        await world.one(
            "INSERT INTO stream_items (stream_id, company_id, quality_score, priority,"
            " score_confidence, scored_at) VALUES (%s, %s, %s, %s, %s, %s) RETURNING id",
            *(stream, company, score),
            *((None, None, None) if score is None else ("high", 1, "2026-01-01Z")),
        )


async def progress(world: World, stream: UUID) -> Any:
    row = await world.one("SELECT stream_progress(s) AS now FROM streams s WHERE s.id = %s", stream)
    return row["now"]


async def test_counts_and_percent_are_kept_when_a_task_ends(bench: Bench) -> None:
    """The agent adds companies; the transaction of its end counts them."""
    world = World(bench.db)

    async def finder(ctx: Any) -> dict[str, Any]:
        await add_items(world, ctx.stream.id, 4.5, 4.0, 3.0, None)
        return {}

    agent = await bench.agent(finder)
    stream = await world.stream(metrics={"companies_to_find": 5, "min_quality_score": 4.0})
    async with bench.running():
        await bench.ended(await bench.task(agent, stream_id=stream))
    assert (await world.one("SELECT progress FROM streams"))["progress"] == {
        "counts": {
            "items": 4,
            "scored": 3,
            "qualified": 2,
            "high_quality": 2,
            "avg_quality_score": 3.83,
        },
        "targets": {
            "companies_to_find": {"target": 5, "reached": 2, "percent": 40},
            "min_quality_score": {"target": 4.0, "reached": 3.83, "percent": 95},
        },
        "percent": 40,
    }


async def test_more_than_wanted_is_all_of_it_and_nothing_wanted_has_no_percent(
    world: World,
) -> None:
    stream = await world.stream(metrics={"companies_to_find": 1})
    await add_items(world, stream, 4.0, None)
    assert (await progress(world, stream))["targets"]["companies_to_find"] == {
        "target": 1,
        "reached": 2,
        "percent": 100,
    }
    nothing = await progress(world, await world.stream())
    assert nothing["targets"] == {}
    assert nothing["percent"] is None


async def test_a_target_of_ones_own_is_reached_by_what_an_agent_says(world: World) -> None:
    stream = await world.stream(metrics={"signals": 20, "calls": 3, "note": "soon", "zero": 0})
    await InsightStore(world.db, None, stream).set_progress({"signals": 7, "calls": "many"})
    now = await progress(world, stream)
    assert now["targets"] == {
        "signals": {"target": 20, "reached": 7, "percent": 35},
        "calls": {"target": 3, "reached": 0, "percent": 0},
    }
    assert now["percent"] == 0


@pytest.mark.parametrize("odd", ["[]", "7", '{"companies_to_find": -1}', '{"x": 1e300}'])
async def test_odd_targets_and_progress_harm_nothing(bench: Bench, odd: str) -> None:
    async def finder(ctx: Any) -> dict[str, Any]:
        return {}

    world = World(bench.db)
    agent = await bench.agent(finder)
    stream = await world.stream()
    await bench.db.execute("UPDATE streams SET target_metrics = %s, progress = '[1]'", (odd,))
    async with bench.running():
        await bench.ended(await bench.task(agent, stream_id=stream))
    shown = (await world.one("SELECT progress FROM streams"))["progress"]
    assert shown["counts"]["items"] == 0


async def test_nobody_waits_for_a_stream_that_is_held(db: Database, world: World) -> None:
    stream, held = await world.stream(), await world.stream()
    await add_items(world, stream, 4.0)
    async with session(db) as other, other.transaction():
        await other.execute("SELECT FROM streams WHERE id = %s FOR NO KEY UPDATE", (held,))
        async with db.transaction() as ours:
            await ours.execute("SET LOCAL lock_timeout = '1s'")
            await ours.execute("SELECT keep_stream_progress(%s::uuid[])", ([stream, held],))
    rows = await world.all("SELECT id, progress FROM streams")
    kept = {row["id"]: row["progress"] for row in rows}
    assert kept[stream]["counts"]["items"] == 1
    assert kept[held] == {}


async def test_what_did_not_change_is_not_written_again(db: Database, world: World) -> None:
    stream = await world.stream(metrics={"companies_to_find": 2})
    for _ in range(2):
        await db.execute("SELECT keep_stream_progress(%s::uuid[])", ([stream],))
        row = await world.one("SELECT xmin::text AS version, progress FROM streams")
    again = await world.one("SELECT xmin::text AS version FROM streams")
    assert again["version"] == row["version"]
    await db.execute("UPDATE streams SET target_metrics = %s", (json.dumps({"calls": 1}),))
    await db.execute("SELECT keep_stream_progress(%s::uuid[])", ([stream],))
    row = await world.one("SELECT progress FROM streams")
    assert list(row["progress"]["targets"]) == ["calls"]
