"""Scoring a stream: every item explained, positions without a gap, nothing written twice."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.agents.enrichment import EnrichmentAgent
from oppspot_runner.agents.opportunity_bot import OpportunityBot
from oppspot_runner.agents.scoring import ScoringAgent
from oppspot_runner.base.errors import Fail
from tests.agents.recompute import recompute
from tests.agents.startups import FITTING, GOAL, METRICS, UNKNOWN, found
from tests.streams.world import World, begin, finish

ITEMS = """
    SELECT c.name, i.* FROM stream_items i JOIN companies c ON c.id = i.company_id
    WHERE i.stream_id = %s ORDER BY i.position
"""
SUM_OF_POINTS = """
    SELECT i.quality_score AS score,
        (SELECT sum((r ->> 'points')::numeric) FROM jsonb_array_elements(i.score_reasons) r) AS sum
    FROM stream_items i
"""


async def scored_stream(world: World, goal: dict[str, Any] | None = None) -> UUID:
    """All companies of the list as items, whether they fit or not."""
    ids = await found(world)
    stream_id = await world.stream(goal or GOAL, METRICS)
    for company_id in ids.values():
        await world.item(stream_id, company_id)
    return stream_id


async def test_every_item_gets_reasons_that_add_up_and_a_position_without_a_gap(
    world: World,
) -> None:
    stream_id = await scored_stream(world)
    await world.run(ScoringAgent, stream_id)
    rows = await world.all(ITEMS, stream_id)
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    assert all(row["score_reasons"] for row in rows)
    sums = await world.all(SUM_OF_POINTS)
    assert all(row["sum"] == row["score"] for row in sums)
    order = [(-row["quality_score"], -row["score_confidence"], row["name"].lower()) for row in rows]
    assert order == sorted(order)


async def test_equal_scores_stand_by_name_in_the_table_as_in_the_insights(world: World) -> None:
    names = ["Alpha AG", "beta", "Élan SA", "Gamma plc", "The Héron", "ßigma", "zeta", "Цифра"]
    for name in reversed(names):
        await world.company(name, industries=["saas"], country="GB", employees=50)
    stream_id = await world.stream({"industry": ["SaaS"], "location": ["GB"]}, METRICS)
    for kind in (OpportunityBot, ScoringAgent):
        await world.run(kind, stream_id)
        rows = await world.all(ITEMS, stream_id)
        assert [row["name"] for row in rows] == names
        (best,) = await world.all(
            "SELECT evidence -> 'best' AS best FROM stream_insights WHERE kind = %s",
            {OpportunityBot: "discovery", ScoringAgent: "scoring"}[kind],
        )
        assert [one["name"] for one in best["best"]] == names[:5]


async def test_names_that_differ_in_their_form_only_stand_in_the_same_order_each_time(
    world: World,
) -> None:
    stream_id = await world.stream()
    for name in ("Beta plc", "Beta AG", "Beta GmbH"):
        await world.item(stream_id, await world.company(name))
    await world.run(ScoringAgent, stream_id)
    rows = await world.all(ITEMS, stream_id)
    assert [row["name"] for row in rows] == ["Beta AG", "Beta GmbH", "Beta plc"]


async def test_the_chain_ranks_who_is_fully_known_first(world: World) -> None:
    await found(world)
    stream_id = await world.stream(GOAL, METRICS)
    for kind in (OpportunityBot, EnrichmentAgent, ScoringAgent):
        await world.run(kind, stream_id)
    rows = await world.all(ITEMS, stream_id)
    assert {row["name"] for row in rows[:5]} == set(FITTING)
    assert {row["name"] for row in rows[5:]} == set(UNKNOWN)
    assert min(row["quality_score"] for row in rows[:5]) > rows[5]["quality_score"]
    assert {row["score_stage"] for row in rows} == {"enriched"}


async def test_a_second_chain_changes_nothing(world: World) -> None:
    await found(world)
    stream_id = await world.stream(GOAL, METRICS)
    states = []
    for _ in range(2):
        for kind in (OpportunityBot, EnrichmentAgent, ScoringAgent):
            await world.run(kind, stream_id)
        tables = ("stream_items", "stream_insights", "facts", "companies", "streams")
        states.append([await world.all(f"SELECT * FROM {table} ORDER BY id") for table in tables])
    assert states[0] == states[1]


async def test_a_script_of_thirty_lines_finds_the_same_scores_in_the_facts(world: World) -> None:
    await found(world)
    stream_id = await world.stream(GOAL, METRICS)
    for kind in (OpportunityBot, EnrichmentAgent, ScoringAgent):
        await world.run(kind, stream_id)
    again = await recompute(world, stream_id)
    rows = await world.all(ITEMS, stream_id)
    assert len(rows) == 7
    for row in rows:
        assert float(row["quality_score"]) == pytest.approx(again[row["company_id"]], abs=0.01)


async def test_the_outputs_of_the_seed_and_ours_say_what_happened(world: World) -> None:
    stream_id = await scored_stream(world)
    results = await world.run(ScoringAgent, stream_id)
    rows = await world.all(ITEMS, stream_id)
    scores = [row["quality_score"] for row in rows]
    assert results["items_updated"] == results["newly_scored"] == len(rows) == 17
    assert results["avg_quality_score"] == pytest.approx(float(sum(scores)) / 17, abs=0.01)
    assert results["high_quality_count"] == sum(score >= 4 for score in scores)
    assert sum(results["by_priority"].values()) == sum(results["distribution"].values()) == 17
    assert results["disqualified"] == {"must_location": 1, "company_status": 1}
    assert results["top_reasons"][0]["component"] in {"criteria", "completeness"}
    assert (results["model_version"], results["stage"]) == ("1", "enriched")
    priorities = {row["name"]: row["priority"] for row in rows}
    assert priorities["Maple"] == priorities["Quince"] == "low"


async def test_scoring_again_writes_only_what_changed_and_says_why(world: World) -> None:
    stream_id = await scored_stream(world)
    await world.run(ScoringAgent, stream_id)
    before = {row["name"]: row for row in await world.all(ITEMS, stream_id)}
    await world.db.execute("UPDATE companies SET phone = '020 1' WHERE name = 'Alder'")
    results = await world.run(ScoringAgent, stream_id)
    after = {row["name"]: row for row in await world.all(ITEMS, stream_id)}
    alder = after.pop("Alder")
    was = before.pop("Alder")["quality_score"]
    positions = ("position", "updated_at")
    assert [{k: v for k, v in row.items() if k not in positions} for row in after.values()] == [
        {k: v for k, v in row.items() if k not in positions} for row in before.values()
    ]
    assert alder["score_changed"]["delta"] == float(alder["quality_score"] - was)
    assert [one["component"] for one in alder["score_changed"]["because"]] == ["completeness"]
    assert (results["changed_up"], results["changed_down"], results["newly_scored"]) == (1, 0, 0)


async def test_equal_scores_keep_their_places(world: World) -> None:
    stream_id = await world.stream({"location": ["UK"]})
    for _ in range(20):
        await world.item(stream_id, await world.company("Twin", country="GB"))
    await world.run(ScoringAgent, stream_id)
    places = [row["company_id"] for row in await world.all(ITEMS, stream_id)]
    assert places == sorted(places)
    await world.db.execute("UPDATE stream_items SET position = 21 - position, quality_score = 0")
    await world.run(ScoringAgent, stream_id)
    assert [row["company_id"] for row in await world.all(ITEMS, stream_id)] == places


async def test_of_equal_scores_the_better_known_one_stands_first(world: World) -> None:
    stream_id = await world.stream({"location": ["UK"]})
    for number in range(6):
        company_id = await world.company(f"Company {number}", confidence=0.1 * number, country="GB")
        await world.item(stream_id, company_id)
    await world.run(ScoringAgent, stream_id)
    rows = await world.all(ITEMS, stream_id)
    assert len({row["quality_score"] for row in rows}) == 1
    confidences = [row["score_confidence"] for row in rows]
    assert confidences == sorted(confidences, reverse=True)


async def test_what_is_said_without_weights_can_be_said_with_others(world: World) -> None:
    stream_id = await scored_stream(world)
    await world.run(ScoringAgent, stream_id)
    config = {"weights": {"signals": 0, "enrichment": 0}}
    results = await world.run(ScoringAgent, stream_id, config=config)
    assert results["model_version"].startswith("1-")
    row = (await world.all(ITEMS, stream_id))[0]
    assert row["model_version"] == results["model_version"]
    assert row["quality_score"] > Decimal("4.3")


async def test_items_that_people_wrote_on_keep_what_they_wrote(world: World) -> None:
    stream_id = await scored_stream(world)
    await world.db.execute(
        "UPDATE stream_items SET stage_id = 'talking', metadata = '{\"note\": \"call\"}'"
    )
    await world.run(ScoringAgent, stream_id)
    rows = await world.all(ITEMS, stream_id)
    assert {row["stage_id"] for row in rows} == {"talking"}
    assert all(row["metadata"] == {"note": "call"} for row in rows)


async def test_an_item_that_came_meanwhile_gets_a_position_too(world: World) -> None:
    stream_id = await scored_stream(world)
    attempt = await begin(ScoringAgent, await world.context(ScoringAgent, stream_id))
    await world.item(stream_id, await world.company("Late", country="GB"))
    await finish(world.db, *attempt)
    rows = await world.all(ITEMS, stream_id)
    assert [row["position"] for row in rows] == list(range(1, 19))
    assert (rows[-1]["name"], rows[-1]["quality_score"]) == ("Late", None)


async def test_an_empty_stream_is_scored_without_complaint(world: World) -> None:
    results = await world.run(ScoringAgent, await world.stream(GOAL))
    assert (results["items_updated"], results["avg_quality_score"]) == (0, 0.0)


@pytest.mark.parametrize(
    ("goal", "config", "message"),
    [
        ({"industry": 7}, {}, "goal_criteria.industry: "),
        (GOAL, {"stage": "late"}, "execution_config.stage: "),
        (GOAL, {"weights": {"colour": 1}}, "weights: 'colour' can have no weight"),
    ],
)
async def test_bad_input_fails_with_the_name_of_the_field(
    world: World, goal: dict[str, Any], config: dict[str, Any], message: str
) -> None:
    ctx = await world.context(ScoringAgent, await world.stream(goal), config=config)
    with pytest.raises(Fail) as caught:
        await begin(ScoringAgent, ctx)
    assert message in str(caught.value)


async def test_an_insight_with_evidence_and_the_progress_are_written(world: World) -> None:
    stream_id = await scored_stream(world)
    results = await world.run(ScoringAgent, stream_id)
    insight = await world.one("SELECT * FROM stream_insights")
    assert results["insights"] == [str(insight["id"])]
    assert insight["title"].startswith("17 companies scored")
    best = (await world.all(ITEMS, stream_id))[0]
    assert insight["evidence"]["best"][0]["company_id"] == str(best["company_id"])
    assert insight["evidence"]["best"][0]["reasons"]
    progress = (await world.one("SELECT progress FROM streams"))["progress"]
    assert progress["scoring"]["items_updated"] == 17
