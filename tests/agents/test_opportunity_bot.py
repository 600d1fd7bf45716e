"""Discovery: who becomes an item, who is a near miss, and what a second run changes."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import psycopg
import pytest

from oppspot_runner.agents import opportunity_bot
from oppspot_runner.agents.opportunity_bot import OpportunityBot
from oppspot_runner.base.errors import Fail
from tests.agents.startups import FAR, FITTING, GOAL, METRICS, NEAR, UNKNOWN, found
from tests.streams.world import World, begin, finish

ITEMS = """
    SELECT c.name, i.* FROM stream_items i JOIN companies c ON c.id = i.company_id
    WHERE i.stream_id = %s ORDER BY i.position
"""


async def names(world: World, stream_id: UUID) -> list[str]:
    return [row["name"] for row in await world.all(ITEMS, stream_id)]


async def test_who_fits_becomes_an_item_and_who_is_not_fully_known_comes_last(
    world: World,
) -> None:
    await found(world)
    stream_id = await world.stream(GOAL, METRICS)
    results = await world.run(OpportunityBot, stream_id)
    placed = await names(world, stream_id)
    assert set(placed[:5]) == set(FITTING)
    assert set(placed[5:]) == set(UNKNOWN)
    rows = {row["name"]: row for row in await world.all(ITEMS, stream_id)}
    assert min(rows[name]["score_confidence"] for name in FITTING) > max(
        rows[name]["score_confidence"] for name in UNKNOWN
    )
    worst_known = min(rows[name]["quality_score"] for name in FITTING)
    assert all(rows[name]["quality_score"] < worst_known for name in UNKNOWN)
    assert results["unknown_fields"] == {"industry": 1, "employee_count": 1}


async def test_the_outputs_of_the_seed_and_ours_say_what_happened(world: World) -> None:
    await found(world)
    stream_id = await world.stream(GOAL, METRICS)
    results = await world.run(OpportunityBot, stream_id)
    rows = await world.all(ITEMS, stream_id)
    scores = [row["quality_score"] for row in rows]
    assert results["companies_found"] == results["items_created"] == len(rows) == 7
    assert results["qualified_count"] == 7
    assert results["avg_quality_score"] == round(float(sum(scores)) / 7, 2)
    assert results["high_quality_count"] == sum(score >= 4 for score in scores)
    assert results["by_source"] == {"companies": 7}
    assert results["disqualified"] == {"company_status": 1}
    assert (results["partial"], results["next_cursor"], results["api_calls"]) == (False, None, 0)


async def test_near_misses_say_what_they_lack_and_are_never_items(world: World) -> None:
    await found(world)
    stream_id = await world.stream(GOAL, METRICS)
    results = await world.run(OpportunityBot, stream_id)
    missed = {one["name"]: one["lacks"] for one in results["near_misses"]}
    assert set(missed) == set(NEAR)
    assert missed["Juniper"] == ["900 employees, wanted 10-500"]
    assert missed["Larch"] == [
        "not known whether it is in United Kingdom or Ireland, and it is a must"
    ]
    assert results["near_misses_by"] == {"employee_count": 4, "location": 1}
    assert not set(await names(world, stream_id)) & (set(NEAR) | set(FAR))


async def test_a_shortfall_says_which_change_would_bring_how_many(world: World) -> None:
    await found(world)
    results = await world.run(OpportunityBot, await world.stream(GOAL, METRICS))
    shortfall = results["shortfall"]
    more = {reason["change"]: reason["more"] for reason in shortfall["reasons"]}
    assert more == {
        "employee_count.min 5": 2,
        "employee_count.max 1000": 2,
        "location not a must": 1,
        "without employee_count": 6,
        "without location": 2,
        "without industry": 1,
    }
    assert shortfall["text"].startswith("only 7 of 50 companies found: employee_count.min 5 for 2")


async def test_the_location_filters_and_gives_a_reason(world: World) -> None:
    ids = await found(world)
    stream_id = await world.stream({"location": ["Ireland"]})
    await world.run(OpportunityBot, stream_id)
    rows = await world.all(ITEMS, stream_id)
    assert {row["name"] for row in rows if row["company_id"] != ids["Larch"]} == {"Cedar", "Ivy"}
    reasons = {reason["factor"]: reason for reason in rows[0]["score_reasons"]}
    assert reasons["location"]["text"] == "Ireland"


async def test_the_best_are_taken_not_the_first(world: World) -> None:
    await world.company("First", country="GB")
    await world.company("Second", country="GB", website="https://second.test.com")
    best = {"website": "https://best.test.com", "phone": "020 1", "description": "all is known"}
    await world.company("Last", country="GB", **best)
    stream_id = await world.stream({"location": ["UK"]}, {"companies_to_find": 1})
    results = await world.run(OpportunityBot, stream_id)
    assert await names(world, stream_id) == ["Last"]
    assert (results["companies_found"], results["items_created"]) == (3, 1)


async def test_a_second_run_changes_nothing(world: World) -> None:
    await found(world)
    stream_id = await world.stream(GOAL, {**METRICS, "companies_to_find": 3})
    await world.run(OpportunityBot, stream_id)
    before = await world.all(ITEMS, stream_id)
    insights = await world.all("SELECT * FROM stream_insights")
    again = await world.run(OpportunityBot, stream_id)
    assert await world.all(ITEMS, stream_id) == before
    assert await world.all("SELECT * FROM stream_insights") == insights
    assert (again["items_created"], again["duplicates_skipped"]) == (0, 3)
    assert len(before) == 3


async def test_two_runs_at_once_leave_what_one_would_leave(world: World) -> None:
    await found(world)
    stream_id = await world.stream(GOAL, {**METRICS, "companies_to_find": 4})
    attempts = [
        await begin(OpportunityBot, await world.context(OpportunityBot, stream_id))
        for _ in range(2)
    ]
    results = await asyncio.gather(*(finish(world.db, *attempt) for attempt in attempts))
    assert sorted(one["items_created"] for one in results) == [0, 4]
    rows = await world.all(ITEMS, stream_id)
    assert [row["position"] for row in rows] == [1, 2, 3, 4]


async def blocked_or_done(world: World, task: asyncio.Task[Any]) -> None:
    """Waits until `task` has ended, or one of our sessions waits for a lock."""
    while not task.done():
        waiting = await world.all(
            "SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        if waiting:
            return


async def test_a_run_that_found_others_waits_and_sees_what_the_first_one_added(
    world: World,
) -> None:
    await world.company("Early", country="GB")
    stream_id = await world.stream({"location": ["UK"]}, {"companies_to_find": 1})
    first = await begin(OpportunityBot, await world.context(OpportunityBot, stream_id))
    await world.company("Better", country="GB", phone="020 1")
    second = await begin(OpportunityBot, await world.context(OpportunityBot, stream_id))
    async with asyncio.TaskGroup() as group, world.db.transaction() as tx:
        agent, ctx, results = first
        await agent.save_results(ctx, tx, results)
        saving = group.create_task(finish(world.db, *second))
        await blocked_or_done(world, saving)
    assert saving.result()["items_created"] == 0
    assert await names(world, stream_id) == ["Early"]


async def test_a_company_that_somebody_adds_by_hand_meanwhile_is_no_error(world: World) -> None:
    acme = await world.company("Acme", country="GB")
    stream_id = await world.stream({"location": ["UK"]})
    attempt = await begin(OpportunityBot, await world.context(OpportunityBot, stream_id))
    async with asyncio.TaskGroup() as group, world.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO stream_items (stream_id, company_id) VALUES (%s, %s)",
            (stream_id, acme),
        )
        saving = group.create_task(finish(world.db, *attempt))
        await blocked_or_done(world, saving)
    assert saving.result()["items_created"] == 0
    assert await names(world, stream_id) == ["Acme"]


async def test_a_run_after_a_partial_one_adds_only_what_is_missing(world: World) -> None:
    ids = await found(world, FITTING)
    stream_id = await world.stream(GOAL, METRICS)
    await world.item(stream_id, ids["Elm"])
    results = await world.run(OpportunityBot, stream_id)
    assert (results["items_created"], results["already_in_stream"]) == (4, 1)
    rows = await world.all(ITEMS, stream_id)
    assert len(rows) == 5
    assert [row["name"] for row in rows if row["quality_score"] is None] == ["Elm"]


async def test_an_error_of_the_search_is_an_error_and_not_an_empty_result(world: World) -> None:
    await found(world, FITTING)
    stream_id = await world.stream(GOAL, METRICS)
    ctx = await world.context(OpportunityBot, stream_id)
    await world.db.execute("ALTER TABLE facts RENAME TO elsewhere")
    with pytest.raises(psycopg.errors.UndefinedTable):
        await begin(OpportunityBot, ctx)


async def test_empty_criteria_are_refused_with_a_hint(world: World) -> None:
    ctx = await world.context(OpportunityBot, await world.stream({"exclude": {"domains": ["x"]}}))
    with pytest.raises(Fail, match=r"no criteria.*set goal_criteria"):
        await begin(OpportunityBot, ctx)


@pytest.mark.parametrize(
    ("criteria", "config", "message"),
    [
        ({"employee_count": {"min": 9, "max": 1}}, {}, "goal_criteria.employee_count: min 9"),
        (GOAL, {"limit": 0}, "execution_config.limit: "),
        (GOAL, {"cursor": "x"}, "execution_config.cursor: "),
        (GOAL, {"sources": ["register"]}, "unknown register; known: companies"),
    ],
)
async def test_bad_input_fails_with_the_name_of_the_field(
    world: World, criteria: dict[str, Any], config: dict[str, Any], message: str
) -> None:
    ctx = await world.context(OpportunityBot, await world.stream(criteria), config=config)
    with pytest.raises(Fail) as caught:
        await begin(OpportunityBot, ctx)
    assert message in str(caught.value)


async def test_a_dry_run_writes_nothing(world: World) -> None:
    await found(world, FITTING)
    stream_id = await world.stream(GOAL, METRICS)
    results = await world.run(OpportunityBot, stream_id, config={"dry_run": True})
    assert (results["companies_found"], results["items_created"], results["dry_run"]) == (
        5,
        0,
        True,
    )
    assert await names(world, stream_id) == []
    assert await world.all("SELECT FROM stream_insights") == []


async def test_a_limit_takes_the_place_of_the_target(world: World) -> None:
    await found(world, FITTING)
    stream_id = await world.stream(GOAL, METRICS)
    results = await world.run(OpportunityBot, stream_id, config={"limit": 2, "colour": 1})
    assert (results["items_created"], results["shortfall"]) == (2, None)
    assert "colour" in results["ignored"]


async def test_exclusions_are_never_items_and_are_counted(world: World) -> None:
    ids = await found(world, FITTING)
    await world.db.execute("UPDATE companies SET company_number = 'SC1' WHERE name = 'Alder'")
    await world.db.execute("UPDATE companies SET sic_codes = '{64191}' WHERE name = 'Birch'")
    other = await world.stream()
    await world.item(other, ids["Cedar"])
    exclude = {
        "company_numbers": ["sc1"],
        "sic_codes": ["641"],
        "domains": ["Dogwood.com"],
        "streams": [str(other)],
    }
    stream_id = await world.stream({**GOAL, "exclude": exclude}, METRICS)
    results = await world.run(OpportunityBot, stream_id)
    assert await names(world, stream_id) == ["Elm"]
    assert results["disqualified"] == {
        "excluded_number": 1,
        "excluded_sic": 1,
        "excluded_domain": 1,
        "excluded_stream": 1,
    }


async def test_wildcards_in_an_excluded_code_exclude_nothing(world: World) -> None:
    await world.company("Acme", country="GB", sic_codes=["62012"])
    stream_id = await world.stream({"location": ["UK"], "exclude": {"sic_codes": ["%", "6_"]}})
    assert (await world.run(OpportunityBot, stream_id))["companies_found"] == 1


async def test_the_same_company_twice_becomes_one_item(world: World) -> None:
    await world.company("Acme Ltd", country="GB", domain="acme.com", phone="020 1")
    await world.company("Acme Limited", country="GB", domain="acme.com")
    await world.company("Other", country="GB")
    await world.company("Other Ltd", country="GB", website="https://other.test.com")
    stream_id = await world.stream({"location": ["UK"]})
    results = await world.run(OpportunityBot, stream_id)
    assert sorted(await names(world, stream_id)) == ["Acme Ltd", "Other Ltd"]
    assert results["duplicates_skipped"] == 2


async def test_companies_below_the_bar_are_near_misses(world: World) -> None:
    await world.company("Acme", country="GB")
    stream_id = await world.stream({"location": ["UK"]}, {"min_quality_score": 4.9})
    results = await world.run(OpportunityBot, stream_id)
    assert (results["companies_found"], results["qualified_count"]) == (1, 0)
    assert "wanted at least 4.90" in results["near_misses"][0]["lacks"][0]


async def test_a_search_that_is_too_wide_stops_and_says_where(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opportunity_bot, "PAGE", 2)
    monkeypatch.setattr(opportunity_bot, "MOST_CANDIDATES", 2)
    for number in range(7):
        await world.company(f"Company {number}", country="GB")
    stream_id = await world.stream({"location": ["UK"]}, {"companies_to_find": 3})
    first = await world.run(OpportunityBot, stream_id)
    assert (first["partial"], first["companies_found"], first["items_created"]) == (True, 3, 3)
    assert (first["most_candidates"], first["shortfall"]) == (3, None)
    config = {"cursor": first["next_cursor"]}
    rest = await world.run(OpportunityBot, stream_id, config=config)
    assert (rest["partial"], rest["companies_found"]) == (True, 3)


async def test_an_insight_with_evidence_and_the_progress_are_written(world: World) -> None:
    await found(world)
    stream_id = await world.stream(GOAL, METRICS)
    results = await world.run(OpportunityBot, stream_id)
    insight = await world.one("SELECT * FROM stream_insights")
    assert results["insights"] == [str(insight["id"])]
    assert insight["title"].startswith("only 7 of 50 companies found")
    assert insight["evidence"]["best"][0]["reasons"]
    assert insight["evidence"]["criteria"]["must"] == ["location"]
    assert insight["agent_id"] == (await world.agent("opportunity_bot")).id
    assert None not in (insight["task_id"], insight["execution_id"])
    progress = (await world.one("SELECT progress FROM streams"))["progress"]
    assert progress == {"discovery": {"found": 7, "qualified": 7, "target": 50}}


async def test_a_stream_that_is_deleted_meanwhile_fails_the_attempt(world: World) -> None:
    await found(world, FITTING)
    stream_id = await world.stream(GOAL, METRICS)
    attempt = await begin(OpportunityBot, await world.context(OpportunityBot, stream_id))
    await world.db.execute("DELETE FROM streams WHERE id = %s", (stream_id,))
    with pytest.raises(Fail, match="the stream was deleted"):
        await finish(world.db, *attempt)
