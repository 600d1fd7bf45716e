"""Signals in scores: they count once somebody looks for them, and those of a stream's own org."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from oppspot_runner.agents.scoring import ScoringAgent
from oppspot_runner.streams.explain import explain
from tests.agents.startups import FITTING, GOAL, found
from tests.signals.making import look, sighting
from tests.streams.test_signals import save
from tests.streams.world import World

BEST = next(iter(FITTING))


async def scores(world: World, stream_id: UUID, **options: Any) -> dict[str, dict[str, Any]]:
    """The items by the names of their companies, after a run of the agent."""
    results = await world.run(ScoringAgent, stream_id, **options)
    rows = await world.all(
        "SELECT c.name, i.* FROM stream_items i JOIN companies c ON c.id = i.company_id"
    )
    assert {row["score_stage"] for row in rows} == {results["stage"]}
    return {row["name"]: row for row in rows}


async def stream_of_all(world: World, goal: dict[str, Any], **metrics: Any) -> dict[str, UUID]:
    ids = await found(world)
    stream_id = await world.stream(goal, metrics)
    for company_id in ids.values():
        await world.item(stream_id, company_id)
    return {**ids, "": stream_id}


async def test_signals_count_as_soon_as_somebody_looks_for_them(world: World) -> None:
    ids = await stream_of_all(world, GOAL)
    before = await scores(world, ids[""])
    assert before[BEST]["score_stage"] == "enriched"
    (failed,) = [await save(world, ids[BEST], board=None)]
    assert failed.new == ()
    assert (await scores(world, ids[""]))[BEST]["score_stage"] == "enriched"
    await save(world, ids[BEST], board=look(sighting(strength="very_strong", confidence=100)))
    after = await scores(world, ids[""])
    assert after[BEST]["score_stage"] == "full"
    assert after[BEST]["position"] == 1
    others = set(after) - {BEST}
    assert all(after[name]["score_parts"].get("signals", 0) == 0 for name in others)
    (reason,) = [one for one in after[BEST]["score_reasons"] if one["component"] == "signals"]
    assert (reason["text"], reason["source"]) == ("it happened (1)", "companies_house")
    told = await explain(world.db, None, ids[""], BEST)
    assert not told.is_stale
    assert told.again.reasons == after[BEST]["score_reasons"]
    await world.db.execute("UPDATE buying_signals SET status = 'false_positive'")
    assert (await explain(world.db, None, ids[""], BEST)).is_stale
    gone = await scores(world, ids[""])
    assert gone[BEST]["quality_score"] < after[BEST]["quality_score"]


async def test_a_required_signal_lifts_the_cap_and_a_wanted_one_meets_its_criterion(
    world: World,
) -> None:
    goal = {**GOAL, "signals": ["funding_round"]}
    ids = await stream_of_all(world, goal, required_signals=["funding_round"])
    await save(world, ids[BEST], board=look(sighting(strength="very_strong", confidence=100)))
    after = await scores(world, ids[""])
    factors = {name: {one["factor"] for one in row["score_reasons"]} for name, row in after.items()}
    assert after[BEST]["quality_score"] >= 4
    assert "required_signals" not in factors[BEST]
    assert "signals" in factors[BEST]
    assert all(row["quality_score"] < 4 for name, row in after.items() if name != BEST)


async def test_signals_of_others_do_not_count(world: World) -> None:
    ids, org = await stream_of_all(world, GOAL), await world.organisation()
    await save(world, ids[BEST], board=look(sighting()), org_id=org)
    assert (await scores(world, ids[""]))[BEST]["score_stage"] == "enriched"
    await save(world, ids[BEST], board=look())
    assert (await scores(world, ids[""]))[BEST]["score_parts"]["signals"] == 0
